import base64
import hashlib
import json
import re
import shutil
import zlib
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bnrepro.analysis.claims import FEWEST
from bnrepro.analysis.findings import COLUMNS
from bnrepro.analysis.formatting import interval, number
from bnrepro.analysis.intervals import fewest_values
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.plotting.save import digest
from bnrepro.records.results import load_results, write_results
from bnrepro.records.workspace import CHECKOUT, DATA, Workspace
from bnrepro.report.answers import first_answers
from bnrepro.report.deviations import deviations
from bnrepro.report.explorations import exploration, outlined
from bnrepro.report.formatting import MARKS, counted, in_words, verdict_markdown, verdict_text
from bnrepro.report.front_page import answers
from bnrepro.report.judge import judge
from bnrepro.report.page import Part, panels, render_page, sections
from bnrepro.report.questions import FIRST, QUESTIONS
from bnrepro.report.readme import update_readme
from bnrepro.report.sheets import Sheet, draw_all
from bnrepro.report.sweep_table import plan
from bnrepro.report.verdict_page import verdict_page
from bnrepro.report.verdicts import kept_results, verdicts_on
from bnrepro.report.write import write_report
from tests.experiments.factories import MACHINE, finding_tables, write_finding_results

pytestmark = pytest.mark.slow

training_speed = EXPERIMENTS["01_training_speed"]

README = "# A\n\n<!-- answers -->\nold\n<!-- /answers -->\n\ntext\n\n<!-- picture -->\n<!-- /picture -->\n\nend\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace("paper", tmp_path_factory.mktemp("out"))
    write_finding_results(workspace.results, "quick")
    return workspace


@pytest.fixture(scope="module")
def results(workspace):
    """What is computed of them is computed once."""
    return list(kept_results(workspace))


@pytest.fixture(scope="module")
def page(workspace, results):
    workspace.executed.mkdir()
    (workspace.executed / "01_training_speed.html").write_text("a notebook")
    return write_report(workspace, results, verdicts_on(results)).read_text(encoding="utf-8")


@pytest.fixture
def empty(tmp_path):
    return Workspace("quick", tmp_path)


def test_verdicts_come_in_the_order_of_the_claims_with_the_papers_numbers(results):
    table = verdicts_on(results)
    claims = [*training_speed.claims, *EXPERIMENTS["02_activation_drift"].claims]
    assert table["claim"].tolist() == [claim.id for claim in claims]
    numbers = table.set_index("claim")["paper"]
    assert numbers["T1"] == pytest.approx(2.5, abs=0.1) and numbers["T3"] == pytest.approx(2.95, abs=0.01)
    assert numbers["T2"] == pytest.approx(0.01, abs=0.002) and np.isnan(numbers["C1"])


def test_a_workspace_without_results_has_no_verdict_and_says_what_to_run(empty):
    table = verdicts_on(kept_results(empty))
    assert table.empty and "bnrepro run" in verdict_text(table)
    assert "bnrepro run" in update_readme(README, table, [])
    assert "No notebook has results yet" in write_report(empty, [], table).read_text(encoding="utf-8")


def test_the_verdicts_are_a_line_each_in_a_terminal(results):
    text = verdict_text(verdicts_on(results))
    table, lines = verdicts_on(results), text.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(table)]] == table["claim"].tolist()
    assert lines[len(table) + 2] == counted(table)
    assert max(len(line.partition(" – needs ")[0]) for line in lines) <= 200
    assert "T1: runs without BN that reach 97%: " in text


def test_numbers_are_written_with_three_digits():
    found = [number(value) for value in (2.5438, 0.00931, 1.5e-7, 0.0, -0.01, np.nan, np.inf)]
    assert found == ["2.54", "0.00931", "1.5e−7", "0", "−0.01", "–", "∞"]


def finding(claim, low, high, estimate=None):
    """The findings of a claim that say no more than its statistic, from eight seeds."""
    row = (claim, "", low if estimate is None else estimate, low, high, 8, all_claims()[claim].unit, "", 0.001)
    return pd.DataFrame([row], columns=COLUMNS)


@pytest.mark.parametrize(("claim", "kind"), [("T1", "primary"), ("T3", "secondary")])
def test_too_few_seeds_for_any_verdict_are_told_wherever_it_stands(claim, kind):
    claims, record = all_claims(), {claim: ("supported", 12)}
    primary = sum(one.kind == "primary" for one in claims.values())
    table = judge(finding(claim, 2.0, 3.0).assign(n=5, p=2 * 0.5**5), claims.values(), claims.values(), record)
    least = {"primary": max(FEWEST, fewest_values(primary)), "secondary": FEWEST}[kind]
    told = f"needs {least} seeds, has 5; the record says supported (n = 12)"
    assert (table["kind"].item(), table["verdict"].item()) == (kind, "inconclusive")
    assert in_words(table)["lacks"].item() == told
    assert f"inconclusive**: {told} |" in verdict_markdown(table)
    assert f"– {told}\n" in verdict_text(table)
    assert f'<span class="small">{told}</span>' in rendered(Part("01_training_speed", "Speed", table, []))


def test_of_the_records_own_verdicts_nothing_is_said_of_the_record():
    table = judge(finding("T3", 0.5, 3.0).assign(n=5), all_claims().values(), record={"T3": ("inconclusive", 5)})
    assert in_words(table)["lacks"].item() == "needs 7 seeds, has 5"


def test_with_enough_seeds_an_inconclusive_verdict_needs_nothing():
    table = judge(finding("T3", 0.5, 3.0), all_claims().values(), record={"T3": ("supported", 12)})
    assert (table["verdict"].item(), in_words(table)["lacks"].item()) == ("inconclusive", "")


def rendered(part):
    """The page of one part, of which nothing was trained."""
    nothing = dict(title="All", runs=0, diverged=0, seeds="", data="", time="", digest="")
    rest = dict(missing=[], deviations=[], machines={}, is_record=True, label="paper", notebooks={})
    return render_page([part], provenance=[nothing], **rest)


def test_a_finding_need_not_say_more_than_its_numbers():
    table = judge(finding("A1", 1e-8, 1e-7, 1e-7), all_claims().values())
    assert table["note"].tolist() == [""] and "1e−7" in verdict_text(table)


def test_points_are_told_as_points_with_their_interval_their_rule_and_the_papers_number():
    words = in_words(judge(finding("L13", -0.164, -0.14), all_claims().values())).iloc[0]
    assert (words["ours"], words["interval"]) == ("−16.40 points", "−16.40 to −14.00")
    assert (words["paper"], words["rule"], words["other"]) == ("1.80", "> −0.2", "< −0.2")


def test_checks_are_counted_apart_from_claims_about_training_and_the_primary_ones_told():
    findings = pd.concat([finding("T1", 2.0, 3.0), finding("T3", 0.5, 0.6), finding("C2", 0.0, 0.0)])
    table = judge(findings, all_claims().values())
    assert counted(table) == (
        "2 claims on training: 1 supported, 1 contradicted (1 primary: 1 supported); 1 check of the layer: 1 supported"
    )
    assert counted(table[table["kind"] == "check"]) == "1 check of the layer: 1 supported"
    assert counted(table[table["kind"] == "secondary"]) == "1 claim on training: 1 contradicted"
    assert [line.split(" | ")[1] for line in verdict_markdown(table).splitlines()[2:5]] == [
        "primary",
        "check",
        "secondary",
    ]


def test_a_bound_is_written_as_one(results):
    table = verdicts_on(results)
    table.loc[table["claim"] == "T1", "bound"] = ">"
    assert in_words(table).set_index("claim").loc["T1", "ours"].startswith("> ")


def test_a_page_written_elsewhere_links_the_executed_notebooks_too(page, workspace, tmp_path, results):
    path = write_report(workspace, results, verdicts_on(results), tmp_path / "a page.html")
    links = [target for target in Page(path.read_text(encoding="utf-8")).targets if target.endswith(".html")]
    assert [(tmp_path / unquote(link)).resolve() for link in links] == [workspace.executed / "01_training_speed.html"]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(2.94, 3.33, "2.94 to 3.33"), (2.94, np.inf, "> 2.94"), (0.0, np.inf, "0 to ∞"), (0.2, 0.2, "0.2")]
    + [(np.inf, np.inf, "∞"), (np.nan, np.nan, "–")],
)
def test_an_interval_without_an_upper_end_is_a_bound(low, high, text):
    assert interval(low, high) == text


def test_a_rule_that_nothing_may_differ_reads_so(results):
    assert in_words(verdicts_on(results)).set_index("claim").loc["C2", "rule"] == "≤ 0"


def test_the_readmes_blocks_are_generated_and_nothing_else_is_touched(results):
    text = update_readme(README, verdicts_on(results), results)
    assert (
        "old" not in text
        and text.startswith("# A\n\n<!-- answers -->\n| ")
        and text.endswith("<!-- /picture -->\n\nend\n")
    )
    assert "\n\ntext\n\n" in text and "No figure yet" in text  # two of its three notebooks have no results here
    assert update_readme(text, verdicts_on(results), results) == text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    asked = [question for question in QUESTIONS if question.claim in set(verdicts_on(results)["claim"])]
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {question.text}" for question in asked]
    assert len({line.count("|") for line in lines}) == 1


def test_every_question_of_the_front_page_asks_for_a_claim_and_contradictions_answer_no(results):
    assert {question.claim for question in QUESTIONS} <= set(all_claims())
    table = verdicts_on(results)
    told = {verdict: answers(table.assign(verdict=verdict)) for verdict in MARKS}
    assert (
        "| yes: " in told["supported"]
        and "| **no**: " in told["contradicted"]
        and "| undecided: " in told["inconclusive"]
    )


def test_the_page_of_verdicts_leads_from_each_claim_to_its_code_and_has_an_item_a_note(results):
    table = verdicts_on(results)
    text = verdict_page(table)
    for claim in training_speed.claims:
        source = (CHECKOUT / "bnrepro/experiments/training_speed/claims.py").read_text().splitlines()
        assert f"[{claim.id}](../bnrepro/experiments/training_speed/claims.py#L{claim.line})" in text
        assert source[claim.line - 1].startswith("@claim(")
    assert text.count("\n- ") == (table["note"] != "").sum() > 0
    assert "made by `bnrepro run 01 --preset paper`" in text


@pytest.mark.parametrize("mark", ["<!-- answers -->", "<!-- /answers -->", "<!-- picture -->", "<!-- /picture -->"])
def test_a_readme_without_its_marks_is_an_error(mark, results):
    with pytest.raises(UserError, match="it is missing"):
        update_readme(README.replace(mark, ""), verdicts_on(results), results)


def test_all_figures_are_redrawn_from_the_tables_byte_for_byte(workspace):
    paths = draw_all(workspace, list(kept_results(workspace)))
    first = [path.read_bytes() for path in paths]
    assert [path.name for path in draw_all(workspace, list(kept_results(workspace)))] == [path.name for path in paths]
    assert [path.read_bytes() for path in paths] == first
    assert {path.parent for path in paths} == {workspace.figures}
    gallery = paths[-1].read_text(encoding="utf-8")
    assert paths[-1].name == "README.md" and "](02_activation_drift-drift.png)" in gallery
    assert "10 seeds an arm" in gallery and "`rates`, `sensitivity`" in gallery and "{" not in gallery


class Page(HTMLParser):
    """The elements of a page in their order, `(tag, attributes)`, and its text."""

    VOID = {"meta", "img", "br", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def tags(self):
        return [tag for tag, _ in self.elements]

    @property
    def targets(self):
        names = ("src", "href", "action", "data", "srcset")
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in names]


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(page):
    parsed = Page(page)
    assert not parsed.open and not {"link", "iframe", "object"} & set(parsed.tags)
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in parsed.all("img"))
    elsewhere = [target for target in parsed.targets if not target.startswith(("data:image/svg+xml;base64,", "#"))]
    assert elsewhere == ["https://arxiv.org/abs/1502.03167", "notebooks/01_training_speed.html"]
    assert len(parsed.targets) == len(parsed.all("a")) + len(parsed.all("img"))
    assert not re.search(r"@import|url\(", page) and "default-src 'none'; img-src data:; style-src" in page


def test_the_only_script_is_the_one_that_turns_the_sliders_and_the_policy_lets_no_other_run(page):
    scripts = re.findall("<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    (own,) = [text for kind, text in scripts if kind != ' type="text/plain"']
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert re.findall("script-src '([^']*)'", page) == [f"sha256-{digest}"] and len(own.splitlines()) < 40


def test_a_widget_has_a_picture_for_every_choice_and_shows_the_first_without_a_script():
    experiment = EXPERIMENTS["03_learning_rates"]
    tables = finding_tables("03_learning_rates", "smoke")
    (control,) = experiment.controls(tables)
    found = exploration(experiment, tables)
    whole = json.loads(zlib.decompress(base64.b64decode(found.packed)))
    pictures = ["\n".join(whole["lines"][line] for line in own) for own in whole["own"]]
    drawn = [outlined(experiment.explore(tables, learning_rate=rate)) for rate in control.values]
    assert pictures == drawn and found.still == drawn[control.values.index(control.start)] and len(set(drawn)) == 2


@pytest.mark.parametrize("notebook, preset", [("02_activation_drift", "smoke"), ("01_training_speed", "quick")])
def test_where_nothing_can_be_turned_there_is_no_slider(notebook, preset):
    assert exploration(EXPERIMENTS[notebook], finding_tables(notebook, preset)) is None


def test_every_link_within_the_page_leads_somewhere_and_every_section_has_one(page):
    parsed = Page(page)
    names = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    links = {target.removeprefix("#") for target in parsed.targets if target.startswith("#")}
    assert links <= set(names)
    assert {section["id"] for section in parsed.all("section")} <= links


def test_the_page_can_be_heard(page):
    parsed = Page(page)
    assert parsed.all("html") == [{"lang": "en"}] and all(image["alt"] for image in parsed.all("img"))
    headings = [tag for tag in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1" and headings.count("h1") == 1
    assert all(int(after[1]) - int(before[1]) <= 1 for before, after in zip(headings, headings[1:]))
    assert all(head.get("scope") in ("col", "row", "rowgroup") for head in parsed.all("th"))
    assert {"header", "nav", "main", "footer", "figure", "figcaption"} <= set(parsed.tags)


def test_the_same_results_give_the_same_page(page, workspace):
    again = list(kept_results(workspace))
    assert write_report(workspace, again, verdicts_on(again)).read_text(encoding="utf-8") == page


def test_the_letters_of_a_figure_are_outlines_so_that_no_readers_font_moves_them(page):
    images = [base64.b64decode(image["src"].partition(",")[2]) for image in Page(page).all("img")]
    assert images and all(b"<text" not in image and b"<use" in image and b"dc:date" not in image for image in images)


def test_the_first_screen_answers_the_three_questions_each_with_a_picture(page, workspace, results):
    first = page[page.index('<section id="answers">') : page.index('<section id="reproduced">')]
    assert page.index('<section id="verdicts">') > page.index('<section id="answers">')
    parsed = Page(first)
    text = " ".join(parsed.text.split())
    speed, *others = first_answers(verdicts_on(results))
    assert f"Faster training {speed.question.text} {speed.said} {speed.facts} By claim T1." in text
    caption = training_speed.panel("accuracy").full_caption(load_results(workspace.results / training_speed.notebook))
    assert len(parsed.all("img")) == 1 and caption in text
    assert [other.question.claim for other in others] == [question.claim for question in FIRST[1:]]
    assert all(
        f"{other.question.text} No answer: its notebook has no results here; the record says" in text
        for other in others
    )


def test_beside_the_claims_stand_the_command_the_time_and_the_machine_that_made_them(page, workspace):
    seconds = load_results(workspace.results / training_speed.notebook)["provenance"]["train_seconds"].sum()
    told = f"bnrepro run 01 --preset paper: {seconds / 60:.1f} min of training on {MACHINE[2]}"
    assert told in page[page.index('<section id="verdicts">') : page.index('<section id="figures">')]


def test_the_page_begins_with_what_was_reproduced_and_counts_every_kind_of_verdict(page, workspace, results):
    text = " ".join(Page(page).text.split())
    assert "Training speed (section 4.1); Activation drift (section 4.1)." in text
    runs = len(set(load_results(workspace.results / "01_training_speed")["runs"]["run"]))
    assert f"{counted(verdicts_on(results))}. Behind them are {runs} training runs; none diverged." in text
    counts = verdicts_on(results).query("kind != 'check'")["verdict"].value_counts()
    assert all(f"{mark} {counts.get(verdict, 0)} {verdict}" in text for verdict, mark in MARKS.items())
    assert "1 check of the layer ✓ C2" in text
    missing = [notebook for notebook in EXPERIMENTS if not (workspace.results / notebook).exists()]
    assert f"Without results so far: {', '.join(missing)}." in text


def column(page, name):
    """The cells of a column of the provenance."""
    return re.findall(rf'data-label="{name}">(?:<code>)?([^<]*)<', page[page.index('id="provenance"') :])


def test_the_provenance_counts_the_runs_of_each_finding_and_shared_ones_once(page, workspace):
    kept = [load_results(workspace.results / name) for name in EXPERIMENTS if (workspace.results / name).exists()]
    runs = [set(tables["runs"]["run"]) for tables in kept]
    assert runs[1] < runs[0]
    assert column(page, "Runs") == [str(len(some)) for some in [*runs, set().union(*runs)]]
    assert column(page, "Tables") == [*(digest(tables)[:12] for tables in kept), "–"]


def test_a_run_that_diverged_is_counted_and_a_finding_that_trains_nothing_has_no_time(tmp_path):
    workspace = Workspace("paper", tmp_path)
    shutil.copytree(DATA / "results" / "00_the_layer", workspace.results / "00_the_layer")
    tables = finding_tables("01_training_speed", "smoke")
    shuffled = tables["sweep"].query("group == 'shuffled'")["run"].head(2)
    status = tables["runs"]["status"].mask(tables["runs"]["run"].isin(shuffled), "diverged")
    write_results(workspace.results / "01_training_speed", tables | {"runs": tables["runs"].assign(status=status)})
    results = list(kept_results(workspace))
    page = write_report(workspace, results, verdicts_on(results)).read_text(encoding="utf-8")
    assert column(page, "Diverged") == ["–", "2", "2"] and "training runs; 2 diverged." in page
    without, *times = column(page, "Training")
    assert without == "–" and all(re.fullmatch(r"\d+\.\d min", time) for time in times)


def test_sections_are_listed_as_people_do():
    assert sections({"4.1"}) == "section 4.1"
    assert sections({"4.2.1", "3", "3.4"}) == "sections 3, 3.4 and 4.2.1"


def test_the_letters_of_panels_stand_out_where_a_sentence_begins_with_them_and_nowhere_else():
    caption = "All. (a) One, as in (b). (b, c) Two."
    parts = panels(caption)
    assert [panels for panels, _ in parts] == ["", "(a)", "(b, c)"]
    assert "".join(panels + text for panels, text in parts) == caption
    assert panels("No panel.") == [("", "No panel.")]


def test_a_rule_is_written_with_both_its_sides():
    table = judge(finding("C2", 0.0, 0.0), all_claims().values())
    part = Part("01", "A", table.assign(note="a < b & c"), [Sheet("one", "(a) B.", Figure())])
    found = rendered(part)
    text = " ".join(Page(found).text.split())
    assert "✓ supported ≤ 0✗ contradicted > 0" in text and "a &lt; b &amp; c" in found
    assert "Behind them" not in text


def test_the_page_has_every_verdict_figure_deviation_and_the_provenance(page, results):
    text = " ".join(Page(page).text.split())
    words = in_words(verdicts_on(results))
    for row in words.itertuples():
        assert row.sentence in text and row.interval in text and row.paper in text
    assert page.count("data:image/svg+xml;base64,") == 5 and "10 seeds an arm" in text
    assert all(row.here in text for row in deviations())
    assert "2.21.0" in text and "200 to 209" in text and "not the record" not in text


def test_the_page_is_made_for_phones_and_print(page):
    assert 'name="viewport"' in page and "@media print" in page and "@media screen and (max-width" in page


def test_a_page_of_another_preset_says_so(tmp_path):
    workspace = Workspace("smoke", tmp_path)
    write_finding_results(workspace.results, "smoke")
    results = list(kept_results(workspace))
    path = write_report(workspace, results, verdicts_on(results), tmp_path / "page.html")
    assert path == tmp_path / "page.html" and "<b>smoke</b>, a look at the work" in path.read_text(encoding="utf-8")


def test_deviations_state_the_values_that_are_used():
    text = " ".join(row.here for row in deviations())
    assert f"std {RunConfig()['initial_std']:g}" in text and f"{RunConfig()['learning_rate']:g}, constant" in text


def test_deviations_say_how_the_papers_steps_to_97_percent_were_had():
    (text,) = [row.here for row in deviations() if row.what == "The paper's curves"]
    assert "36,500 without BN, 14,259 with" in text and "straight lines between points 1,000 steps apart" in text


def test_a_plan_has_a_row_a_group_and_only_fields_that_say_something():
    table = plan(training_speed.sweep("paper"))
    assert table.index.tolist() == ["main", "moving", "calibration", "shuffled", "off", "choice", "best"]
    assert table.loc["main", "runs"] == 24 and table.loc["main", "normalization"] == "none, batch"
    assert table.loc["main", "seed"] == "200 to 211" and table.loc["calibration", "seed"] == "1000, 1001"
    assert "hidden_units" not in table and "task" not in table
    assert isinstance(table, pd.DataFrame) and plan({}).empty
