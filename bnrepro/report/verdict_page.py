"""`docs/verdicts.md`: every claim with its verdict, its notes, its code, its notebook and its command. Knows no number."""

import pandas as pd

from bnrepro.experiments import OURS, Experiment
from bnrepro.report.formatting import NOTHING, counted, verdict_markdown

_HEAD = """# Verdicts

Generated from the committed record by `bnrepro figures`. What the words mean stands in
[reading-the-results.md](reading-the-results.md), when each rule was written down in [claims.csv](../data/claims.csv). The name of
a claim leads to its code."""


def verdict_page(verdicts: pd.DataFrame) -> str:
    """The page in Markdown; its links lead from the folder `docs`."""
    parts = [_HEAD, f"{counted(verdicts)}." if len(verdicts) else NOTHING]
    for notebook, experiment in OURS.items():
        own = verdicts[verdicts["experiment"] == experiment.name]
        if len(own):
            parts.append(_section(notebook, experiment, own))
    return "\n\n".join(parts) + "\n"


def _section(notebook: str, experiment: Experiment, verdicts: pd.DataFrame) -> str:
    file = f"../bnrepro/experiments/{experiment.name}/claims.py"
    code = {claim.id: f"{file}#L{claim.line}" for claim in experiment.own_claims}
    source = f"[{notebook}](../notebooks/{notebook}.ipynb), made by `bnrepro run {notebook[:2]} --preset paper`."
    return f"## {experiment.TITLE}\n\n{source}\n\n{verdict_markdown(verdicts, code)}"
