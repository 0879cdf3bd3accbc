"""The parts of the README that are generated from the record. Trains nothing."""

from bnrepro.errors import UserError
from bnrepro.plotting.panel import sheet_caption
from bnrepro.records.workspace import Workspace
from bnrepro.report.formatting import verdict_markdown
from bnrepro.report.sheets import PICTURE
from bnrepro.report.verdicts import RECORD, kept_results, verdicts


def update_readme(text: str, workspace: Workspace = RECORD) -> str:
    """The README with its blocks `verdicts` and `picture` written anew from the record.

    Raises:
        UserError: A block's marks are missing.
    """
    for block, content in (("verdicts", verdict_markdown(verdicts(workspace))), ("picture", picture(workspace))):
        opening, closing = f"<!-- {block} -->", f"<!-- /{block} -->"
        before, opened, rest = text.partition(opening)
        _, closed, after = rest.partition(closing)
        if not (opened and closed):
            raise UserError(f"the README has a block {opening} … {closing}: it is missing; put both lines back")
        text = f"{before}{opening}\n{content}\n{closing}{after}"
    return text


def picture(workspace: Workspace = RECORD) -> str:
    """One sheet with its caption in Markdown, where its notebook has results."""
    notebook, sheet = PICTURE
    for name, experiment, tables in kept_results(workspace):
        if name == notebook:
            image = f"![{experiment.TITLE}](figures/{notebook}-{sheet}.png)"
            return f"{image}\n\n{sheet_caption(experiment.sheets()[sheet], tables)}"
    return "No figure yet: run `bnrepro run --preset paper`."
