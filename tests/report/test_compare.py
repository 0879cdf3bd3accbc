"""Two records side by side: what is the same is said to be, what differs is told by seed, what is missing is not hidden."""

import json
import math

import pandas as pd
import pytest

from bnrepro.cli import main
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.results import load_results, select, write_results
from bnrepro.report.compare import compare, results_of
from bnrepro.report.comparison_text import comparison_text
from tests.experiments.factories import finding_tables, write_finding_results

SPEED, DRIFT = "01_training_speed", "02_activation_drift"


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bnrepro.report.kept_findings.ROOM", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture
def roots(tmp_path):
    """Two output roots with the same results."""
    return two_roots(tmp_path)


def two_roots(folder):
    for name in ("old", "new"):
        write_finding_results(folder / name / "results", "smoke")
    return folder / "old", folder / "new"


@pytest.fixture(scope="module")
def equal(tmp_path_factory):
    """Two records that are equal, compared."""
    return compare(*two_roots(tmp_path_factory.mktemp("equal")))


def change(root, **tables):
    """Replaces tables of notebook 01."""
    folder = root / "results" / SPEED
    write_results(folder, {**load_results(folder), **tables})


def row(table: pd.DataFrame, column: str, value: str) -> pd.Series:
    return table.set_index(column).loc[value]


def test_equal_records_are_the_same_to_the_bit_and_no_seed_differs(equal):
    assert equal.notebooks["same"].all()
    assert list(equal.notebooks["both"]) == list(equal.notebooks["identical"])
    assert (equal.claims["old_verdict"] == equal.claims["new_verdict"]).all()
    known = equal.claims[equal.claims["difference_n"] > 0]
    assert {"T1", "T2", "T3"} <= set(known["claim"])
    assert not known[["difference_estimate", "difference_ci_low", "difference_ci_high"]].any(axis=None)


def test_a_record_is_an_output_root_or_a_folder_of_results(roots, tmp_path):
    assert results_of(roots[0]) == results_of(roots[0] / "results") == roots[0] / "results"
    with pytest.raises(UserError, match="or its results: .* has none; name one"):
        results_of(tmp_path / "elsewhere")


def test_another_number_is_told_by_seed_and_its_run_is_no_longer_the_same(roots):
    tables = load_results(roots[0] / "results" / SPEED)
    curves, (run, *_) = tables["curves"], select(tables, "main").query("normalization == 'batch'")["run"]
    moved = curves["value"] - 0.25 * (curves["run"] == run)
    change(roots[1], curves=curves.assign(value=moved))
    found = compare(*roots)
    speed = row(found.notebooks, "notebook", SPEED)
    assert (speed["same"], speed["identical"]) == (False, speed["both"] - 1)
    accuracy = row(found.claims, "claim", "T2")
    ends = accuracy["difference_ci_low"], accuracy["difference_ci_high"]
    assert ends == (pytest.approx(-0.25), 0.0) and accuracy["difference_n"] == 2
    assert row(found.notebooks, "notebook", DRIFT)["same"]


def test_other_seconds_and_versions_leave_a_record_the_same(roots):
    provenance = load_results(roots[0] / "results" / SPEED)["provenance"]
    change(
        roots[1],
        provenance=provenance.assign(train_seconds=2 * provenance["train_seconds"], processor="another", keras="9.9"),
    )
    found = compare(*roots)
    speed = row(found.notebooks, "notebook", SPEED)
    assert speed["same"] and speed["new_train_seconds"] == pytest.approx(2 * speed["old_train_seconds"])
    assert list(found.versions.loc["processor"]) == ["a processor", "another"]
    text = comparison_text(found)
    assert "keras: 3.15.1 and 9.9" in text and "numpy: 2.4.6 in both" in text


def test_what_one_side_lacks_is_said_and_no_difference_is_made_of_other_runs(roots):
    few = finding_tables(SPEED, "smoke", 1)
    write_results(roots[0] / "results" / SPEED, few)
    for file in (roots[1] / "results" / DRIFT).iterdir():
        file.unlink()
    (roots[1] / "results" / DRIFT).rmdir()
    found = compare(*roots)
    assert row(found.notebooks, "notebook", SPEED)["new_only"] > 0
    assert not found.claims["difference_n"].any()
    lacking = row(found.claims, "claim", "T3")
    assert lacking["new_verdict"] == "" and math.isnan(lacking["new_estimate"]) and lacking["old_verdict"]
    text = comparison_text(found)
    assert f"{DRIFT}: in the old one alone" in text and "not there" in text
    assert "in the new one alone" in text and "no difference by seed, which is one of the same runs" in text


def test_a_notebook_may_keep_more_rows_of_a_run_than_another(roots):
    curves = load_results(roots[0] / "results" / SPEED)["curves"]
    change(roots[1], curves=curves[curves["split"] != "train"])
    speed = row(compare(*roots).notebooks, "notebook", SPEED)
    assert speed["identical"] == speed["both"] and not speed["same"]


def test_a_table_that_is_not_there_is_named_in_a_line_by_whatever_reads_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bnrepro.records.workspace.DATA", tmp_path)
    roots = tmp_path / "old", tmp_path / "runs" / "smoke"
    for root in roots:
        write_results(root / "results" / DRIFT, finding_tables(DRIFT, "smoke"))
        (root / "results" / DRIFT / "drift.csv").unlink()
    commands = [
        ["compare", *map(str, roots)],
        ["verdicts", "--output", str(roots[0])],
        ["verdicts", "--preset", "smoke"],
        ["report", "--preset", "smoke", "--output", str(tmp_path / "report.html")],
        ["figures", "02", "--preset", "smoke", "--output", str(tmp_path / "figures")],
    ]
    for words in commands:
        assert main(words) == 1, words
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{DRIFT} has no drift.csv; run `bnrepro run {DRIFT}`" in line, words
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("columns", [None, 60, 200])
def test_each_claim_is_told_and_no_line_is_wider_than_the_terminal(equal, columns):
    text = comparison_text(equal, columns)
    claims = [claim.id for notebook in (SPEED, DRIFT) for claim in EXPERIMENTS[notebook].claims]
    assert [line.split()[0] for line in text.splitlines() if line.split() and line.split()[0] in claims] == claims
    if columns:
        paths = [word for word in text.split() if word.startswith("/")]
        assert max(map(len, text.splitlines())) <= max(columns, *(len(path) + 5 for path in paths))


@pytest.mark.slow(seconds=2)
def test_the_command_prints_text_or_strict_json(roots, capsys):
    words = ["compare", *map(str, roots)]
    assert main(words) == 0
    assert "all of them the same to the bit" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(found) == ["old", "new", "claims", "notebooks", "versions"]
    assert {one["claim"] for one in found["claims"]} >= {"T1", "T3"}
    assert found["versions"]["numpy"] == {"old": "2.4.6", "new": "2.4.6"}
