import re
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from factories import write_finding_results

from bnrepro import report, wording
from bnrepro.claims import CLAIMS
from bnrepro.config import RunConfig
from bnrepro.deviations import deviations
from bnrepro.errors import UserError
from bnrepro.findings import training_speed
from bnrepro.workspace import Workspace

README = "# A\n\n<!-- verdicts -->\nold\n<!-- /verdicts -->\n\ntext\n\n<!-- gallery -->\n<!-- /gallery -->\n\nend\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace("paper", tmp_path_factory.mktemp("out"))
    write_finding_results(workspace.results, "quick")
    return workspace


@pytest.fixture(scope="module")
def page(workspace):
    workspace.executed.mkdir()
    (workspace.executed / "01_training_speed.html").write_text("a notebook")
    return report.write_report(workspace).read_text(encoding="utf-8")


@pytest.fixture
def empty(tmp_path):
    return Workspace("quick", tmp_path)


def test_verdicts_come_in_the_order_of_the_claims_with_the_papers_numbers(workspace):
    table = report.verdicts(workspace)
    measured = [
        name for name, claim in CLAIMS.items() if claim.notebook in ("01_training_speed", "02_activation_drift")
    ]
    assert table["claim"].tolist() == measured
    numbers = table.set_index("claim")["paper"]
    assert numbers["T1"] == pytest.approx(2.5, abs=0.1) and numbers["T3"] == pytest.approx(2.95, abs=0.01)
    assert numbers["T2"] == pytest.approx(0.01, abs=0.002) and np.isnan(numbers["C1"])


def test_a_workspace_without_results_has_no_verdict_and_says_what_to_run(empty):
    table = report.verdicts(empty)
    assert table.empty and "bnrepro run" in report.verdict_text(table)
    assert "bnrepro run" in report.update_readme(README, empty)
    assert "No notebook has results yet" in report.write_report(empty).read_text(encoding="utf-8")


def test_the_verdicts_are_a_line_each_in_a_terminal(workspace):
    text = report.verdict_text(report.verdicts(workspace))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["T1", "T2", "T3", "T4", "C1", "C2"]
    assert max(map(len, lines)) <= 140 and "6 claims" in text and "T1: 97% reached by" in text


def test_numbers_are_written_with_three_digits():
    found = [wording.number(value) for value in (2.5438, 0.00931, 1.5e-7, 0.0, -0.01, np.nan, np.inf)]
    assert found == ["2.54", "0.00931", "1.5e−7", "0", "−0.01", "–", "∞"]


def test_a_finding_need_not_say_more_than_its_numbers():
    row = pd.DataFrame([("A1", 1e-7, 1e-8, 1e-7, 8)], columns=["claim", "estimate", "ci_low", "ci_high", "n"])
    table = report.judged(SimpleNamespace(analyse=lambda tables: row, PAPER={}), {})
    assert table["note"].tolist() == [""] and "1e−7" in report.verdict_text(table)


def test_a_bound_is_written_as_one(workspace):
    table = report.verdicts(workspace)
    table.loc[table["claim"] == "T1", "bound"] = ">"
    assert wording.in_words(table).set_index("claim").loc["T1", "ours"].startswith("> ")


def test_a_page_written_elsewhere_links_the_executed_notebooks_too(page, workspace, tmp_path):
    path = report.write_report(workspace, tmp_path / "a page.html")
    links = [target for target in Page(path.read_text(encoding="utf-8")).targets if target.endswith(".html")]
    assert [(tmp_path / unquote(link)).resolve() for link in links] == [workspace.executed / "01_training_speed.html"]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(2.94, 3.33, "2.94 to 3.33"), (2.94, np.inf, "> 2.94"), (0.0, np.inf, "0 to ∞"), (0.2, 0.2, "0.2")]
    + [(np.inf, np.inf, "∞"), (np.nan, np.nan, "– to –")],
)
def test_an_interval_without_an_upper_end_is_a_bound(low, high, text):
    assert wording.interval(low, high) == text


def test_a_rule_that_nothing_may_differ_reads_so(workspace):
    assert wording.in_words(report.verdicts(workspace)).set_index("claim").loc["C2", "rule"] == "≤ 0"


def test_the_readmes_blocks_are_generated_and_nothing_else_is_touched(workspace):
    text = report.update_readme(README, workspace)
    assert (
        "old" not in text
        and text.startswith("# A\n\n<!-- verdicts -->\n| ")
        and text.endswith("<!-- /gallery -->\n\nend\n")
    )
    assert "\n\ntext\n\n" in text and "](figures/01_training_speed.png)" in text
    assert report.update_readme(text, workspace) == text
    table = text[text.index("| ") : text.index("\n\n6 claims")]
    assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize("mark", ["<!-- verdicts -->", "<!-- /verdicts -->", "<!-- gallery -->", "<!-- /gallery -->"])
def test_a_readme_without_its_marks_is_an_error(workspace, mark):
    with pytest.raises(UserError, match="it is missing"):
        report.update_readme(README.replace(mark, ""), workspace)


def test_all_figures_are_redrawn_from_the_tables_byte_for_byte(workspace):
    paths = report.draw_all(workspace)
    first = [path.read_bytes() for path in paths]
    assert [path.name for path in report.draw_all(workspace)] == [path.name for path in paths]
    assert [path.read_bytes() for path in paths] == first
    assert {path.parent for path in paths} == {workspace.figures}
    gallery = paths[-1].read_text(encoding="utf-8")
    assert paths[-1].name == "README.md" and "](02_activation_drift.pdf)" in gallery
    assert "7 seeds an arm" in gallery and "{" not in gallery


class Page(HTMLParser):
    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.targets, self.tags, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.targets += [value for name, value in attributes if name in ("src", "href", "action", "data", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(page):
    parsed = Page(page)
    assert not parsed.open and not {"script", "link", "iframe", "object"} & set(parsed.tags)
    assert all(
        target.startswith("data:image/svg+xml;base64,") or target == "notebooks/01_training_speed.html"
        for target in parsed.targets
    )
    assert "notebooks/01_training_speed.html" in parsed.targets
    assert not re.search(r"@import|url\(", page)


def test_the_page_has_every_verdict_figure_deviation_and_the_provenance(page, workspace):
    text = " ".join(Page(page).text.split())
    words = wording.in_words(report.verdicts(workspace))
    for row in words.itertuples():
        assert row.statement in text and row.interval in text and row.paper in text
    assert page.count("data:image/svg+xml") == 2 and "7 seeds an arm" in text
    assert all(row.here in text for row in deviations())
    assert "2.21.0" in text and "0 to 6, 1000, 1001" in text and "not the record" not in text


def test_the_page_is_made_for_phones_and_print(page):
    assert 'name="viewport"' in page and "@media print" in page and "@media (max-width" in page


def test_a_page_of_another_preset_says_so(tmp_path):
    workspace = Workspace("smoke", tmp_path)
    write_finding_results(workspace.results, "smoke")
    path = report.write_report(workspace, tmp_path / "page.html")
    assert path == tmp_path / "page.html" and "<b>smoke</b>, a look at the work" in path.read_text(encoding="utf-8")


def test_deviations_state_the_values_that_are_used():
    text = " ".join(row.here for row in deviations())
    assert f"std {RunConfig().initial_std:g}" in text and f"{RunConfig().learning_rate:g}, constant" in text


def test_deviations_say_how_the_papers_steps_to_97_percent_were_had():
    (text,) = [row.here for row in deviations() if row.what == "The paper's curves"]
    assert "36,500 without BN, 14,259 with" in text and "straight lines between points 1,000 steps apart" in text


def test_a_plan_has_a_row_a_group_and_only_fields_that_say_something():
    table = report.plan(training_speed.sweep("paper"))
    assert table.index.tolist() == ["main", "calibration", "sensitivity", "shuffled", "off"]
    assert table.loc["main", "runs"] == 20 and table.loc["main", "normalization"] == "none, batch"
    assert table.loc["main", "seed"] == "0 to 9" and table.loc["calibration", "seed"] == "1000, 1001"
    assert "hidden_units" not in table and "dataset" not in table
    assert isinstance(table, pd.DataFrame) and report.plan({}).empty
