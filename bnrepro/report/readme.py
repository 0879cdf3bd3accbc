"""The parts of the README that are generated from the record. Trains nothing."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.errors import UserError
from bnrepro.plotting.panel import lettered
from bnrepro.report.front_page import answers
from bnrepro.report.questions import FIRST
from bnrepro.report.sheets import PICTURE_NAME, pictured
from bnrepro.report.verdicts import Result


def update_readme(text: str, table: pd.DataFrame, results: Iterable[Result]) -> str:
    """The README with its blocks `picture` and `answers` written anew from the record.

    Args:
        text: It as it is.
        table: The verdicts of the record.
        results: Those of the record.

    Raises:
        UserError: A block's marks are missing.
    """
    for block, content in (("picture", picture(results)), ("answers", answers(table))):
        opening, closing = f"<!-- {block} -->", f"<!-- /{block} -->"
        before, opened, rest = text.partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed):
            raise UserError(f"the README has a block {opening} … {closing}: it is missing; put both lines back")
        text = f"{before}{opening}\n{content}\n{closing}{after}"
    return text


def picture(results: Iterable[Result]) -> str:
    """The three findings as one picture in Markdown, which leads to its caption, where their notebooks have results."""
    panels = [panel for panel, _ in pictured(results).values()]
    if len(panels) < len(FIRST):
        return "No figure yet: run `bnrepro run --preset paper`."
    return f"[![{lettered([panel.title for panel in panels])}](figures/{PICTURE_NAME}.png)](figures/README.md)"
