"""The report as a browser shows it: Chromium from Debian's packages, without a window and without a network."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bnrepro.analysis.findings import COLUMNS
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.experiments.control import Control
from bnrepro.records.workspace import DATA, Workspace
from bnrepro.report.deviations import deviations
from bnrepro.report.explorations import Exploration, packed_pictures
from bnrepro.report.formatting import MARKS, in_words
from bnrepro.report.judge import judge
from bnrepro.report.page import Part, render_page
from bnrepro.report.sheets import Sheet
from bnrepro.report.verdicts import verdicts
from bnrepro.report.write import write_kept_report
from tests.experiments.factories import write_finding_results

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow(seconds=20),
    pytest.mark.skipif(
        not BROWSER, reason="the report is looked at in Chromium: none here, try `apt-get install chromium`"
    ),
]

PHONE, DESKTOP = 360, 1200
A4 = (595, 842)
"""Points."""

MEASURE = """<script>
addEventListener("load", () => {
  const styles = [...document.body.querySelectorAll("*")].map(element => getComputedStyle(element));
  const box = element => (({left, top, width, height}) => ({left, top, width, height}))(element.getBoundingClientRect());
  const target = document.querySelector(":target");
  parent.postMessage({
    name: NAME, window: innerWidth, page: document.documentElement.scrollWidth, text: document.body.innerText,
    images: [...document.images].map(image => ({natural: image.naturalWidth, ...box(image)})),
    figures: [...document.querySelectorAll("#figures .frame img")].map(box),
    answers: [...document.querySelectorAll("#answers img")].map(box),
    requests: performance.getEntriesByType("resource").map(entry => entry.name),
    inks: [...new Set(styles.map(style => style.color))],
    grounds: [...new Set(styles.map(style => style.backgroundColor))],
    target: target && box(target),
    heads: [...document.querySelectorAll("td[data-label]")].map(cell => getComputedStyle(cell, "::before").content),
  }, "*");
});
</script>"""
"""Put into a copy of a page, it tells the page around it what a reader sees."""

COLLECT = """<pre id="measured"></pre><script>
addEventListener("message", event => measured.append(JSON.stringify(event.data) + "\\n"));
</script>"""

TO_THE_ENDS = """<script>
document.querySelectorAll("input").forEach(slider => {
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
});
document.querySelector(".turned img").onload = () => dispatchEvent(new Event("load"));
</script>"""
"""Moves all sliders of a page; what it looks like is measured again when its picture has come."""

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def browse(folder: Path, page: Path, *options: str) -> str:
    """Opens a page where no name resolves; returns what the browser writes to its standard output."""
    flags = (
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
    )
    run = subprocess.run([BROWSER, *flags, *options, page.as_uri()], timeout=120, check=True, capture_output=True)
    return run.stdout.decode()


def look(folder: Path, views: dict[str, tuple[str, int, str]]) -> dict[str, dict]:
    """What a reader sees of pages, by the view's name.

    Args:
        folder: For copies of the pages and the browser's profile.
        views: By name the page's HTML, the width of the window in pixels, and the fragment of the address. The windows are
            frames of one page, for Chromium itself opens none narrower than 500 pixels.
    """
    frames = []
    for name, (text, width, fragment) in views.items():
        (folder / f"{name}.html").write_text(
            text.replace("</body>", MEASURE.replace("NAME", json.dumps(name)) + "</body>")
        )
        frames.append(
            f'<iframe src="{name}.html{fragment}" style="border: 0; width: {width}px; height: 640px"></iframe>'
        )
    (folder / "frames.html").write_text(COLLECT + "".join(frames))
    shown = browse(folder, folder / "frames.html", "--virtual-time-budget=10000", "--dump-dom")
    lines = html.unescape(re.search(r'<pre id="measured">(.*?)</pre>', shown, re.DOTALL)[1]).splitlines()
    return {found["name"]: found for found in map(json.loads, lines)}


TRAINED = dict(title="All", runs=1234, diverged=5, seeds="0 to 9", data="fashion_mnist", time="2.3 h", digest="0" * 12)


def every_claim() -> str:
    """A page with all claims and all verdicts, long words, a tall figure and a link without a break."""
    rows = []
    for place, claim in enumerate(all_claims().values()):
        ends = ((0.001, 0.003), (-0.003, -0.001), (-0.001, 0.001))[place % 3]
        p = 0.0001
        if claim.rule.side == "around":
            ends, p = (((-0.001, 0.001), p), ((1.0, 2.0), 1.0), ((-1.0, 1.0), 1.0))[place % 3]
        low, high = (claim.rule.threshold + (end if claim.rule.side == "above" else -end) for end in ends)
        rows.append((claim.id, "", low, min(low, high), max(low, high), 10, claim.unit, "", p))
    findings = pd.DataFrame(rows, columns=COLUMNS)
    table = judge(findings, all_claims().values()).assign(
        note="runs that diverged and count as guessing: 2 of 16; " * 4
    )
    parts = [
        Part(
            notebook,
            notebook,
            claims,
            [Sheet("one", "(a) A caption. (b) Of panels.", Figure(figsize=(7, 4 + 5 * place)))],
        )
        for place, (notebook, claims) in enumerate(table.groupby("experiment"))
    ]
    rest = dict(missing=[], provenance=[TRAINED], machines={"Python": "3.11"}, is_record=False)
    links = {"03_learning_rates": f"../{60 * 'a'}/03_learning_rates.html"}
    return render_page(parts, deviations=deviations(), label="quick", notebooks=links, **rest)


SIDES = range(10, 70, 10)
"""Of the pictures of six choices, in pixels."""


def turned() -> str:
    """A page with two sliders, whose choices are squares of `SIDES`."""
    controls = Control("rate", "Learning rate", (0.1, 1.0), 0.1), Control("place", "Place", ("a", "b", "c"), "b")
    squares = [f'<svg xmlns="http://www.w3.org/2000/svg"\nwidth="{side}" height="{side}">\n</svg>' for side in SIDES]
    claim = all_claims()["T1"]
    table = judge(pd.DataFrame([("T1", "", 2.0, 1.5, 3.0, 10, claim.unit, "", 0.001)], columns=COLUMNS), [claim])
    part = Part("a", "A", table, [], exploration=Exploration(controls, squares[1], packed_pictures(squares)))
    rest = dict(missing=[], deviations=[], provenance=[TRAINED], machines={}, notebooks={}, is_record=True)
    return render_page([part], label="paper", **rest)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace("paper", tmp_path_factory.mktemp("out"))
    write_finding_results(workspace.results, "smoke")
    shutil.copytree(DATA / "results" / "00_the_layer", workspace.results / "00_the_layer")
    return workspace


@pytest.fixture(scope="module")
def page(workspace):
    return write_kept_report(workspace)


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory):
    text = page.read_text(encoding="utf-8")
    free, crowded = POLICY.sub("", text), POLICY.sub("", every_claim())
    spoilt = (
        '<div style="width: 2000px">wide</div><img src="data:image/png;base64,"><img src="http://elsewhere.org/a.png">'
    )
    views = {
        "phone": (free, PHONE, ""),
        "desktop": (free, DESKTOP, ""),
        "large": (free, PHONE, "#large-01_training_speed-speed"),
        "crowded phone": (crowded, PHONE, ""),
        "crowded tablet": (crowded, 840, ""),
        "crowded desktop": (crowded, DESKTOP, ""),
        "turned": (POLICY.sub("", turned()).replace("</body>", f"{TO_THE_ENDS}</body>"), PHONE, ""),
        "spoilt": (free.replace("</main>", f"{spoilt}</main>"), PHONE, ""),
        "as written": (text.replace("</main>", f"{spoilt}</main>"), PHONE, ""),
    }
    return look(tmp_path_factory.mktemp("browser"), views)


WHOLE = ("phone", "desktop", "large", "crowded phone", "crowded tablet", "crowded desktop")


@pytest.mark.parametrize("view", WHOLE)
def test_no_page_is_wider_than_its_window(seen, view):
    assert seen[view]["window"] == {"phone": PHONE, "large": PHONE, "tablet": 840, "desktop": DESKTOP}[view.split()[-1]]
    assert seen[view]["page"] <= seen[view]["window"]


@pytest.mark.parametrize("view", WHOLE)
def test_every_image_is_drawn_and_nothing_is_asked_of_the_network(seen, view):
    images = seen[view]["images"]
    assert len(images) >= 3 and all(image["natural"] > 0 and image["width"] > 0 for image in images)
    assert seen[view]["requests"] == []


def test_a_page_that_is_too_wide_or_loads_something_is_seen(seen):
    assert seen["spoilt"]["page"] >= 2000
    assert [image["natural"] for image in seen["spoilt"]["images"]][-2:] == [0, 0]
    assert seen["spoilt"]["requests"] == ["http://elsewhere.org/a.png"]


def test_the_page_as_it_is_written_runs_no_script_but_its_own(seen, tmp_path):
    assert set(seen) == {*WHOLE, "turned", "spoilt"}
    (tmp_path / "page.html").write_text(turned())
    assert "<form hidden" in turned() and "<form autocomplete" in browse(tmp_path, tmp_path / "page.html", "--dump-dom")


def test_sliders_show_the_picture_of_their_choice_and_say_its_values(seen):
    assert [image["natural"] for image in seen["turned"]["images"]] == [SIDES[-1]]
    assert re.findall(r"Learning rate\s+1\s+Place\s+c\s", seen["turned"]["text"])


@pytest.mark.parametrize("view", ["phone", "desktop"])
def test_every_claim_is_shown_with_its_interval_its_verdict_and_its_figure(seen, workspace, view):
    text = " ".join(seen[view]["text"].split())
    table = verdicts(workspace)
    for row in in_words(table).itertuples():
        assert f"{row.claim} {row.sentence} {row.kind.capitalize()}, section {row.section}: {row.statistic}" in text
        assert row.ours in text and row.interval in text and f"{MARKS[row.verdict]} {row.verdict}" in text
    sheets = {experiment.name: len(experiment.SHEETS) for experiment in EXPERIMENTS.values()}
    assert len(seen[view]["figures"]) == sum(sheets[name] for name in set(table["experiment"]))


@pytest.mark.parametrize("view", ["crowded phone", "crowded desktop"])
def test_each_kind_of_verdict_is_told_by_a_mark_and_a_word(seen, view):
    text = seen[view]["text"]
    assert all(text.count(f"{mark} {verdict}") >= len(all_claims()) // 3 * 2 for verdict, mark in MARKS.items())
    assert all(claim.id in text and claim.sentence in text for claim in all_claims().values())


def test_on_a_phone_each_value_has_the_head_of_its_column_and_on_a_desktop_none(seen):
    assert {'"Ours"', '"Paper"', '"Rule"', '"Verdict"', '"Here"', '"Seeds"'} <= set(seen["phone"]["heads"])
    assert set(seen["desktop"]["heads"]) == {"none"}


def test_a_figure_is_legible_on_a_phone_and_opens_large_without_a_script(seen):
    assert all(image["width"] >= 600 for image in seen["phone"]["figures"])
    assert seen["large"]["target"] == {"left": 0, "top": 0, "width": PHONE, "height": 640}
    assert max(image["width"] for image in seen["large"]["figures"]) > 1.5 * seen["phone"]["figures"][0]["width"]
    assert "Close" in seen["large"]["text"] and "Close" not in seen["phone"]["text"]


def test_the_picture_of_an_answer_is_as_wide_as_a_phone_allows(seen):
    (picture,) = seen["phone"]["answers"]
    assert 300 <= picture["width"] <= PHONE


@pytest.mark.parametrize("view", ["phone", "crowded desktop"])
def test_text_stands_out_from_its_ground(seen, view):
    """Contrast as WCAG 2 counts it, of which level AA asks 4.5."""
    grounds = [channels for channels in map(color, seen[view]["grounds"]) if channels[3] > 0]
    darkest = min([brightness(ground) for ground in grounds], default=1.0)
    assert darkest > 0.9 and len(seen[view]["inks"]) >= 4
    assert all((darkest + 0.05) / (brightness(color(ink)) + 0.05) >= 4.5 for ink in seen[view]["inks"])


def color(text: str) -> tuple[float, float, float, float]:
    red, green, blue, *alpha = map(float, re.findall(r"[\d.]+", text))
    return red, green, blue, *(alpha or [1.0])


def brightness(channels: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB color, its channels from 0 to 255."""
    shares = np.array(channels[:3]) / 255
    return float(
        np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    )


def printed(folder: Path, page: Path) -> bytes:
    browse(folder, page, f"--print-to-pdf={folder / 'page.pdf'}", "--no-pdf-header-footer")
    return (folder / "page.pdf").read_bytes()


def figures_in(pdf: bytes) -> dict[str, list[tuple[float, ...]]]:
    """By figure the boxes, in points, that its link takes on the pages: one, as large as the figure, if it is whole."""
    found = {}
    for box, name in re.findall(rb"/Rect \[([^\]]*)\]\n/Dest /large-([\w-]+)", pdf):
        found.setdefault(name.decode(), []).append(tuple(map(float, box.split())))
    return found


def whole(pdf: bytes, images: list[dict]) -> list[bool]:
    """Of each figure, in the order of the page, whether it is in one piece, in its shape and within the margins."""
    answers = []
    for boxes, image in zip(figures_in(pdf).values(), images, strict=True):
        left, bottom, right, top = boxes[0]
        shape = (top - bottom) / (right - left) / (image["height"] / image["width"])
        inside = left > 40 and bottom > 40 and right < A4[0] - 40 and top < A4[1] - 40
        answers.append(len(boxes) == 1 and inside and abs(shape - 1) < 0.01)
    return answers


def test_on_paper_no_figure_is_cut(page, seen, tmp_path):
    pdf = printed(tmp_path, page)
    sizes = {
        tuple(round(float(side)) for side in box.split()[2:]) for box in re.findall(rb"/MediaBox \[([^\]]*)\]", pdf)
    }
    assert sizes == {A4}
    assert 3 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 4 + 3 * len(seen["phone"]["images"])
    assert whole(pdf, seen["phone"]["images"]) == [True] * len(seen["phone"]["images"])


def test_on_paper_a_figure_taller_than_a_page_is_made_smaller_and_would_else_be_cut(seen, tmp_path):
    images = seen["crowded phone"]["images"]
    text = every_claim()
    (tmp_path / "tall.html").write_text(text)
    assert all(whole(printed(tmp_path, tmp_path / "tall.html"), images))
    (tmp_path / "cut.html").write_text(text.replace("max-height: 190mm", ""))
    assert not all(whole(printed(tmp_path, tmp_path / "cut.html"), images))
