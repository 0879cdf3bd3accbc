"""Verdicts in words, for a terminal and in Markdown. Knows no path and no run."""

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.analysis.formatting import interval, number
from bnrepro.experiments.claims import CLAIMS

MARKS = {SUPPORTED: "✓", CONTRADICTED: "✗", INCONCLUSIVE: "?"}

NOTHING = "No results yet: run `bnrepro run`."


def counted(verdicts: pd.DataFrame) -> str:
    """As "11 claims: 9 supported, 2 inconclusive"."""
    counts = verdicts["verdict"].value_counts()
    parts = [f"{counts[verdict]} {verdict}" for verdict in MARKS if verdict in counts]
    return f"{len(verdicts)} claim{'s' * (len(verdicts) != 1)}: {', '.join(parts)}"


def in_words(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts as text: `claim`, `section`, `statement`, `ours`, `interval`, `paper`, `n`, `rule`, `verdict`, `note`."""
    rows = []
    for row in verdicts.itertuples():
        rule = CLAIMS[row.claim].rule
        sign = {"above": ">", "below": "<", "at most": "≤", "around": "≈"}[rule.side]
        rows.append(
            {
                "claim": row.claim,
                "section": row.section,
                "statement": row.statement,
                "statistic": row.statistic,
                "ours": f"{row.bound} {number(row.estimate)}".strip(),
                "interval": interval(row.ci_low, row.ci_high),
                "paper": number(row.paper),
                "n": str(row.n),
                "rule": f"{sign} {number(rule.threshold)}" + (f" ± {number(rule.margin)}" if rule.margin else ""),
                "verdict": row.verdict,
                "note": row.note,
            }
        )
    return pd.DataFrame(rows)


def verdict_text(verdicts: pd.DataFrame) -> str:
    """The verdict table for a terminal: a line a claim, then the notes."""
    if verdicts.empty:
        return NOTHING
    words = in_words(verdicts)
    words["verdict"] = words["verdict"].map(MARKS) + " " + words["verdict"]
    heads = {"claim": "", "verdict": "verdict", "ours": "ours", "interval": "interval", "paper": "paper", "n": "n"}
    heads |= {"rule": "rule", "statement": "claim"}
    widths = {name: max(len(head), words[name].str.len().max()) for name, head in heads.items()}
    lines = ["  ".join(text.ljust(widths[name]) for name, text in heads.items())]
    lines += ["  ".join(row[name].ljust(widths[name]) for name in heads) for row in words.to_dict("records")]
    lines += ["", counted(verdicts), *(f"{row.claim}: {row.note}" for row in words.itertuples() if row.note)]
    return "\n".join(line.rstrip() for line in lines)


def verdict_markdown(verdicts: pd.DataFrame) -> str:
    """The verdict table in Markdown, with its notes below."""
    if verdicts.empty:
        return NOTHING
    lines = [
        "| | Claim | § | Ours | Interval | Paper | n | Supported if | Verdict |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in in_words(verdicts).itertuples():
        verdict = f"{MARKS[row.verdict]} **{row.verdict}**"
        cells = (row.claim, row.statement, row.section, row.ours, row.interval, row.paper, row.n, row.rule, verdict)
        lines.append(f"| {' | '.join(cells)} |")
    notes = [f"{row.claim}: {row.note}." for row in verdicts.itertuples() if row.note]
    return "\n".join([*lines, "", f"{counted(verdicts)}.", *notes])
