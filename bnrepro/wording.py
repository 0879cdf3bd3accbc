"""Verdicts in words: numbers as text, the verdict table for a terminal and for Markdown. Knows no file and no experiment."""

import math

import pandas as pd

from bnrepro.claims import CLAIMS, CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.stats import Interval

MARKS = {SUPPORTED: "✓", CONTRADICTED: "✗", INCONCLUSIVE: "?"}
NOTHING = "No results yet: run `bnrepro run`."


def number(value: float) -> str:
    """Three significant digits, a dash for none."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.3g}".replace("e-0", "e-").replace("-", "−")


def interval(low: float, high: float) -> str:
    """As "2.94 to 3.33"; "> 2.94" where nothing bounds it above; the one number where both ends are the same."""
    if low == high:
        return number(low)
    return f"> {number(low)}" if math.isinf(high) and low > 0 else f"{number(low)} to {number(high)}"


def joined(*parts: str) -> str:
    """A note of those parts that say something."""
    return "; ".join(part for part in parts if part)


def hundredths(fraction: float) -> str:
    """A fraction in points."""
    return f"{round(100 * fraction, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0 makes a plain zero of a negative one


def points(found: Interval) -> str:
    """As "0.12 points (−0.20 to 0.41)"; a dash for none."""
    if not found.n:
        return "–"
    return f"{hundredths(found.estimate)} points ({hundredths(found.ci_low)} to {hundredths(found.ci_high)})"


def times(found: Interval) -> str:
    """As "1.54 (1.51 to 1.56)"; a dash for none."""
    return f"{number(found.estimate)} ({interval(found.ci_low, found.ci_high)})" if found.n else "–"


def diverged(runs: pd.DataFrame, words: str) -> str:
    """As "3 of 8 runs diverged and count as guessing"; nothing where none did."""
    count = int((runs["status"] == "diverged").sum())
    return f"{count} of {len(runs)} runs {words}" if count else ""


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
