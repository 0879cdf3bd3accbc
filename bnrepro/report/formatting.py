"""Verdicts in words, for a terminal and in Markdown. Knows no path and no run."""

import pandas as pd

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED, Rule
from bnrepro.analysis.formatting import amount, interval, quantity, threshold

MARKS = {SUPPORTED: "✓", CONTRADICTED: "✗", INCONCLUSIVE: "?"}

NOTHING = "No results yet: run `bnrepro run`."

_SIGNS = {"above": (">", "<"), "below": ("<", ">"), "at most": ("≤", ">"), "around": ("≈", "≠")}
"""By the side of a rule, how a claim is supported and how contradicted."""


def counted(verdicts: pd.DataFrame) -> str:
    """As "11 claims on training: 9 supported, 2 inconclusive (2 primary: 2 supported); 1 check of the layer: 1 supported"."""
    primary, checks = (verdicts[verdicts["kind"] == kind] for kind in ("primary", "check"))
    training = verdicts[verdicts["kind"] != "check"]
    of_primary = f" ({len(primary)} primary: {_tally(primary)})" if len(primary) else ""
    parts = [f"{_number_of('claim', training)} on training: {_tally(training)}{of_primary}"] if len(training) else []
    parts += [f"{_number_of('check', checks)} of the layer: {_tally(checks)}"] if len(checks) else []
    return "; ".join(parts)


def _number_of(name: str, verdicts: pd.DataFrame) -> str:
    return f"{len(verdicts)} {name}{'s' * (len(verdicts) != 1)}"


def _tally(verdicts: pd.DataFrame) -> str:
    counts = verdicts["verdict"].value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in MARKS if verdict in counts)


def rule_in_words(rule: Rule, unit: str) -> tuple[str, str]:
    """What supports a claim and what contradicts it, in the unit of its statistic, as "≤ 0" and "> 0"."""
    supported, contradicted = (f"{sign} {threshold(rule.threshold, unit)}" for sign in _SIGNS[rule.side])
    return supported + (f" ± {threshold(rule.margin, unit)}" if rule.margin else ""), contradicted


def in_words(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts as text.

    Returns:
        Columns `claim`, `kind`, `section`, `sentence`, `statistic`, `ours`, which has the unit of all numbers of its row,
        `interval`, `paper`, `n`, `rule`, which supports the claim, `other`, which contradicts it, `verdict`, `note`.
    """
    rows = []
    for row in verdicts.itertuples():
        rule, other = rule_in_words(row.rule, row.unit)
        rows.append(
            {
                "claim": row.claim,
                "kind": row.kind,
                "section": row.section,
                "sentence": row.sentence,
                "statistic": row.statistic,
                "ours": quantity(row.estimate, row.unit, row.bound),
                "interval": interval(row.ci_low, row.ci_high, row.unit),
                "paper": amount(row.paper, row.unit),
                "n": str(row.n),
                "rule": rule,
                "other": other,
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
    heads = {
        "claim": "",
        "kind": "kind",
        "verdict": "verdict",
        "ours": "ours",
        "interval": "interval",
        "paper": "paper",
    }
    heads |= {"n": "n", "rule": "rule", "sentence": "claim"}
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
        "| | Kind | Claim | § | Ours | Interval | Paper | n | Supported if | Verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in in_words(verdicts).itertuples():
        verdict = f"{MARKS[row.verdict]} **{row.verdict}**"
        cells = (
            row.claim,
            row.kind,
            row.sentence,
            row.section,
            row.ours,
            row.interval,
            row.paper,
            row.n,
            row.rule,
            verdict,
        )
        lines.append(f"| {' | '.join(cells)} |")
    notes = [f"{row.claim}: {row.note}." for row in verdicts.itertuples() if row.note]
    return "\n".join([*lines, "", f"{counted(verdicts)}.", *notes])
