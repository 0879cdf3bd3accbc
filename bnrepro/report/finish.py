"""What a batch leaves besides its tables: figures and report, of the record its pages too. Trains nothing."""

import pandas as pd

from bnrepro.records.workspace import Workspace
from bnrepro.report.committed import update_pages
from bnrepro.report.sheets import draw_sheets, save_sheets
from bnrepro.report.verdicts import Result
from bnrepro.report.write import write_report


def finish(workspace: Workspace, table: pd.DataFrame, results: list[Result]) -> None:
    """Writes figures and report.

    Args:
        workspace: Of the batch.
        table: All verdicts of its results.
        results: These; panels have what the claims have computed of them.
    """
    sheets = draw_sheets(results)
    write_report(workspace, results, table, sheets=sheets)
    save_sheets(workspace, results, sheets)
    if workspace.is_record:
        update_pages(table, results)
