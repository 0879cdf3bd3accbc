"""Verdicts in words, for a terminal and in Markdown. Knows no path and no run."""

import math
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType

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


def shortfall(row) -> str:
    """Of a row of verdicts, as "needs 9 seeds, has 2; the record says supported (n = 12)"; empty where it has enough."""
    if row.verdict != INCONCLUSIVE or row.n >= row.needs:
        return ""
    values = "draws or seeds" if row.kind == "check" else "seeds"
    record = f"; the record says {row.record} (n = {row.record_n})" if row.record_n > row.n else ""
    return f"needs {row.needs} {values}, has {row.n}{record}"


def in_words(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts as text.

    Returns:
        Columns `claim`, `kind`, `section`, `sentence`, `statistic`, `ours`, which has the unit of all numbers of its row,
        `interval`, `paper`, `n`, `rule`, which supports the claim, `other`, which contradicts it, `verdict`, `note`, `lacks`,
        what it needs for another verdict, and `record`, the record's verdict.
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
                "lacks": shortfall(row),
                "record": f"{row.record} (n = {row.record_n})" if row.record else "",
            }
        )
    return pd.DataFrame(rows)


def verdict_text(verdicts: pd.DataFrame, columns: int | None = None) -> str:
    """The verdict table for a terminal: a line a claim, then the notes.

    Args:
        verdicts: As `judge` gives them.
        columns: Of a terminal, in which sentences are broken, or where the numbers leave them no room set below; None is a file,
            which has a line a claim however long.
    """
    if verdicts.empty:
        return NOTHING
    words = in_words(verdicts)
    words["verdict"] = words["verdict"].map(MARKS) + " " + words["verdict"]
    words["sentence"] += words["lacks"].map(lambda lacks: f" – {lacks}" if lacks else "")
    heads = {
        "claim": "",
        "kind": "kind",
        "verdict": "verdict",
        "ours": "ours",
        "interval": "interval",
        "paper": "paper",
    }
    heads |= {"n": "n", "rule": "rule", "sentence": "claim"}
    lines = aligned(words.to_dict("records"), heads, columns, _below_each_other)
    notes = [counted(verdicts), *(f"{row.claim}: {row.note}" for row in words.itertuples() if row.note)]
    lines += ["", *(part for note in notes for part in broken(note, columns, 4))]
    return "\n".join(line.rstrip() for line in lines)


def aligned(
    rows: list[dict[str, str]],
    heads: dict[str, str],
    columns: int | None,
    below: Callable[[dict[str, str], int], list[str]],
) -> list[str]:
    """Rows as the lines of a table.

    Args:
        rows: Texts by name.
        heads: By name what stands above; the last one is that of sentences, which are broken.
        columns: Of a terminal; None is a file.
        below: Of a row and the columns the lines, for a terminal in which the other texts leave sentences no room.
    """
    widths = {name: max(len(row[name]) for row in (heads, *rows)) for name in heads}
    *_, last = heads
    sentence = sum(widths.values()) + 2 * (len(widths) - 1) - widths[last]
    if columns is not None and columns - sentence < _LEAST:
        return [line for row in rows for line in below(row, columns)]
    lines = ["  ".join(row[name].ljust(widths[name]) for name in heads) for row in (heads, *rows)]
    return [part for line in lines for part in broken(line, columns, sentence)]


NONE = amount(math.nan, "ratio")
"""Where the paper has no number."""

_LEAST = 40
"""Columns in which a sentence is still read with pleasure."""


def broken(line: str, columns: int | None, indent: int) -> list[str]:
    """A line as several, all but the first indented; what is equal stays together."""
    if not columns:
        return [line]
    together = line.replace(" = ", "\0=\0")
    parts = textwrap.wrap(together, columns, subsequent_indent=" " * indent, break_on_hyphens=False)
    return [part.replace("\0", " ") for part in parts]


def _below_each_other(row: dict[str, str], columns: int) -> list[str]:
    """A verdict for a narrow terminal."""
    paper = f", the paper {row['paper']}" if row["paper"] != NONE else ""
    parts = [
        f"{row['claim']}  {row['kind']}  {row['verdict']}",
        f"    {row['sentence']}",
        f"    {row['ours']} ({row['interval']}; n = {row['n']}){paper}; supported: {row['rule']}",
    ]
    return [line for part in parts for line in broken(part, max(columns, 20), 4)]


def verdict_markdown(verdicts: pd.DataFrame, code: Mapping[str, str] = MappingProxyType({})) -> str:
    """The verdict table in Markdown, and below it its notes as a list.

    Args:
        verdicts: As `judge` gives them.
        code: Where the code of a claim is, by its id; its name leads there.
    """
    if verdicts.empty:
        return NOTHING
    lines = [
        "| | Kind | Claim | § | Ours | Interval | Paper | n | Supported if | Verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in in_words(verdicts).itertuples():
        name = f"[{row.claim}]({code[row.claim]})" if row.claim in code else row.claim
        verdict = f"{MARKS[row.verdict]} **{row.verdict}**{row.lacks and ': '}{row.lacks}"
        cells = (
            name,
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
    notes = [f"- {row.claim}: {row.note}." for row in verdicts.itertuples() if row.note]
    return "\n".join([*lines, "", f"{counted(verdicts)}.", *(["", *notes] if notes else [])])
