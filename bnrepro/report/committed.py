"""What is committed of the record besides its tables: sheets, pages, and what any page or plan reads of it at once."""

from pathlib import Path

import pandas as pd

from bnrepro.records.costs import COSTS, costs_file
from bnrepro.records.drafts import write_whole
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report import sheets
from bnrepro.report.deviations import deviation_page
from bnrepro.report.readme import update_readme
from bnrepro.report.record_verdicts import RECORD_VERDICTS, record_verdicts_file
from bnrepro.report.verdict_page import verdict_page
from bnrepro.report.verdicts import RECORD, Result, kept_results, of_ours, verdicts_on
from bnrepro.report.write import all_runs


def publish() -> list[Path]:
    """Writes the record's sheets and pages; returns what was written."""
    results = list(kept_results(RECORD))
    table = verdicts_on(results)
    return [*sheets.draw_all(RECORD, results), *update_pages(table, results)]


def update_pages(table: pd.DataFrame, results: list[Result]) -> list[Path]:
    """Writes the README, the pages of `docs`, the record's verdicts and what its runs cost; returns what was written."""
    readme, data, table = CHECKOUT / "README.md", CHECKOUT / "data", of_ours(table)
    written = {
        readme: update_readme(readme.read_text(encoding="utf-8"), table, results).encode(),
        CHECKOUT / "docs" / "verdicts.md": verdict_page(table).encode(),
        CHECKOUT / "docs" / "deviations.md": deviation_page().encode(),
        data / RECORD_VERDICTS.name: record_verdicts_file(table),
        data / COSTS.name: costs_file(all_runs(results, "provenance"), all_runs(results, "runs")),
    }
    for path, content in written.items():
        write_whole(path, content)
    return list(written)
