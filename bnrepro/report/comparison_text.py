"""Two records side by side in words, for a terminal. Knows no path and no table of runs."""

import math

from bnrepro.analysis.formatting import interval, quantity, whole
from bnrepro.report.compare import SIDES, Comparison
from bnrepro.report.formatting import MARKS, NONE, aligned, broken

_HEADS = {
    "claim": "",
    "old_verdict": "old",
    "old_number": "",
    "new_verdict": "new",
    "new_number": "",
    "difference": "new minus old",
    "sentence": "claim",
}


def comparison_text(comparison: Comparison, columns: int | None = None) -> str:
    """A line a claim, then what there is to say of each notebook, then what the two were made with.

    Args:
        comparison: The two records.
        columns: Of a terminal; None is a file, whose lines are as long as they are.
    """
    rows = [_in_words(row) for row in comparison.claims.to_dict("records")]
    lines = [f"{side}: {folder}" for side, folder in zip(SIDES, comparison.folders)]
    lines += ["", *aligned(rows, _HEADS, columns, _below_each_other), ""]
    notes = [_of_notebook(row) for row in comparison.notebooks.to_dict("records")]
    notes += [_of_version(name, *values) for name, *values in comparison.versions.itertuples()]
    lines += [line for note in notes for line in broken(note, columns, 4)]
    return "\n".join(line.rstrip() for line in lines)


def _in_words(row: dict) -> dict[str, str]:
    words = {"claim": row["claim"], "sentence": row["sentence"]}
    for side in SIDES:
        verdict = row[f"{side}_verdict"]
        words[f"{side}_verdict"] = f"{MARKS[verdict]} {verdict}" if verdict else "not there"
        words[f"{side}_number"] = _number(row, side, row["unit"]) if verdict else ""
    return words | {"difference": _number(row, "difference", row["difference_unit"])}


def _number(row: dict, prefix: str, unit: str) -> str:
    """As "3.7 times (3.3 to 4.1; n = 12)"; a dash for none."""
    if not row[f"{prefix}_n"]:
        return NONE
    number = quantity(row[f"{prefix}_estimate"], unit, row[f"{prefix}_bound"])
    ends = interval(row[f"{prefix}_ci_low"], row[f"{prefix}_ci_high"], unit)
    return f"{number} ({ends}; n = {row[f'{prefix}_n']:.0f})"


def _below_each_other(row: dict[str, str], columns: int) -> list[str]:
    """A claim for a narrow terminal."""
    parts = [f"{row['claim']}  {row['sentence']}"]
    parts += [f"    {side}: {row[f'{side}_verdict']} {row[f'{side}_number']}" for side in SIDES]
    parts += [f"    new minus old: {row['difference']}"]
    return [line for part in parts for line in broken(part, max(columns, 20), 8)]


def _of_notebook(row: dict) -> str:
    """As "01_training_speed: 106 runs in both, all of them the same to the bit; training 2,400 s and 2,390 s, evaluation ..."."""
    for side, other in zip(SIDES, reversed(SIDES)):
        if not row[side]:
            return f"{row['notebook']}: in the {other} one alone"
    runs = row["both"] + row["old_only"] + row["new_only"]
    if not runs:
        return f"{row['notebook']}: {'all tables are the same to the bit' if row['same'] else 'tables differ'}"
    told = [f"{row['notebook']}: {row['both']} runs in both"]
    if row["both"]:
        told.append(f"{'all' if row['identical'] == row['both'] else row['identical']} of them the same to the bit")
    told += [f"{row[f'{side}_only']} in the {side} one alone" for side in SIDES if row[f"{side}_only"]]
    parts = [", ".join(told)]
    if not any(math.isnan(row[f"{side}_train_seconds"]) for side in SIDES):
        parts.append(f"training {_seconds(row, 'train')}, evaluation {_seconds(row, 'evaluate')}")
    if row["both"] < runs:
        parts.append("no difference by seed, which is one of the same runs")
    return "; ".join(parts)


def _seconds(row: dict, what: str) -> str:
    return " and ".join(f"{whole(row[f'{side}_{what}_seconds'])} s" for side in SIDES)


def _of_version(name: str, old: str, new: str) -> str:
    return f"{name}: {old or 'not known'}" + (" in both" if old == new else f" and {new or 'not known'}")
