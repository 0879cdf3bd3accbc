"""The table over the cells of a grid: keys first, every finding of every cell, readable by any program."""

import io

import pandas as pd
import pytest

from bnrepro.experiments import EXPERIMENTS
from bnrepro.report.cells import COLUMNS, cells_file, cells_text
from bnrepro.report.formatting import NOTHING
from bnrepro.report.verdicts import together
from tests.experiments.factories import finding_tables

DRIFT = "02_activation_drift"


@pytest.fixture(scope="module")
def cells():
    """Two cells by name: values, findings, verdicts."""
    made = {}
    for seeds in (1, 2):
        findings = {DRIFT: EXPERIMENTS[DRIFT].findings(finding_tables(DRIFT, "smoke", seeds))}
        made[f"seeds={seeds}"] = {"seeds": seeds, "sizes": [seeds]}, findings, together(findings)
    return made


def test_a_row_is_a_cell_a_claim_and_a_finding_with_the_verdict_at_the_statistic(cells):
    table = pd.read_csv(io.BytesIO(cells_file(cells.values())), keep_default_na=False)
    assert tuple(table) == ("seeds", "sizes", *COLUMNS)
    assert not table.duplicated(["seeds", "sizes", "claim", "label"]).any()
    assert len(table) == sum(len(findings[DRIFT]) for _, findings, _ in cells.values())
    assert set(table.loc[table["label"] == "", "verdict"]) == {"inconclusive"}
    assert set(table.loc[table["label"] != "", "verdict"]) == {""}


def test_cells_without_results_leave_an_empty_table_and_say_so():
    assert cells_file([]).decode().strip() == ",".join(COLUMNS)
    empty = together({})
    assert cells_file([({"size": 1}, {}, empty)]).decode().strip() == ",".join(["size", *COLUMNS])
    assert cells_text({"size=1": empty}) == NOTHING


@pytest.mark.parametrize("columns", [None, 70])
def test_the_text_goes_claim_by_claim_with_a_line_a_cell(cells, columns):
    text = cells_text({name: verdicts for name, (_, _, verdicts) in cells.items()}, columns)
    claims = [claim.id for claim in EXPERIMENTS[DRIFT].claims]
    starts = [line.split()[0] for line in text.splitlines() if line.split()[0] in (*claims, *cells)]
    assert starts == [word for claim in claims for word in (claim, *cells)]
    assert max(map(len, text.splitlines())) <= (columns or 1_000)
