"""Two records side by side: what each says to the claims, by seed and run, how long it took and on what. Trains nothing."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bnrepro.analysis.differences import NOTHING, difference
from bnrepro.analysis.findings import Row
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.results import load_results
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.records.workspace import whole_path
from bnrepro.report.identical import are_same, different
from bnrepro.report.kept_findings import findings_in
from bnrepro.report.sweep_table import listed
from bnrepro.report.verdicts import together

SIDES = ("old", "new")

_OF_VERDICTS = ("verdict", "estimate", "ci_low", "ci_high", "n", "bound")
_OF_DIFFERENCES = ("estimate", "ci_low", "ci_high", "n", "bound", "unit")
_SECONDS = ("train_seconds", "evaluate_seconds")
_MEASURED = (*_SECONDS, "compile_seconds", "peak_memory_mib")


@dataclass(frozen=True)
class Comparison:
    """Two records side by side.

    Attributes:
        folders: Of their results, the old one first.
        claims: A row a claim that either has: `claim`, `sentence`, `experiment`, `unit`; `old_verdict`, `old_estimate`,
            `old_ci_low`, `old_ci_high`, `old_n`, `old_bound` and the same for `new`, empty where a side has not got it; and
            `difference_estimate`, ... of new minus old by seed, with `difference_unit`; n = 0 where none can be told.
        notebooks: A row a notebook that either has: `notebook`, `old`, `new`, whether this side has it; how many runs are in
            `both`, only in the old one and only in the new one, `old_only`, `new_only`; of how many in both every row is
            `identical` to the bit; `same`, whether all tables are, but for what was measured of the machine; and the seconds of
            the runs in both, `old_train_seconds`, `old_evaluate_seconds`, and the same for `new`, NaN where none were kept.
        versions: By what it is (processor, package) the columns `old` and `new`: all that the runs of that side had, empty where
            it kept none; no row where neither did.
    """

    folders: tuple[Path, Path]
    claims: pd.DataFrame
    notebooks: pd.DataFrame
    versions: pd.DataFrame


def results_of(place: str | Path) -> Path:
    """The folder of results that a place means: an output root, or such a folder itself.

    Raises:
        UserError: There is none.
    """
    root = whole_path(place)
    for folder in (root / "results", root):
        if any((folder / notebook).is_dir() for notebook in EXPERIMENTS):
            return folder
    raise UserError(
        f"a record is the folder that a batch wrote to, or its results: {place} has none; name one, as data/results"
    )


def compare(old: str | Path, new: str | Path) -> Comparison:
    """Sets two records side by side.

    Args:
        old: An output root or a folder of results.
        new: Another.

    Raises:
        UserError: There are no results.
        RecordError: A table is damaged, or one that a claim reads is not there.
    """
    folders = results_of(old), results_of(new)
    sides = [_tables(folder) for folder in folders]
    notebooks = pd.DataFrame([_notebook(name, *(side.get(name) for side in sides)) for name in _names(*sides)])
    verdicts = [together(findings_in(folder)).set_index("claim") for folder in folders]
    paired = notebooks[notebooks["old"] & notebooks["new"] & (notebooks["old_only"] + notebooks["new_only"] == 0)]
    differences = {
        claim.id: _difference(*(claim.statistic_of(side[name]) for side in sides), same)
        for name, same in zip(paired["notebook"], paired["same"])
        for claim in EXPERIMENTS[name].claims
    }
    return Comparison(folders, _claims(verdicts, differences), notebooks, _versions(sides))


def _tables(folder: Path) -> dict[str, Tables]:
    return {name: load_results(folder / name) for name in EXPERIMENTS if (folder / name).is_dir()}


def _names(*sides: dict[str, Tables]) -> list[str]:
    """The notebooks that either has."""
    return [name for name in EXPERIMENTS if any(name in side for side in sides)]


def _difference(old: Row, new: Row, same: bool) -> Row:
    """New minus old; of what is the same to the bit nothing, also where its values are only bounds."""
    found = difference(old, new)
    zero = found._replace(estimate=0.0, ci_low=0.0, ci_high=0.0, bound="")
    return zero if same and found.n and old.sample == new.sample else found


def _claims(verdicts: list[pd.DataFrame], differences: dict[str, Row]) -> pd.DataFrame:
    known = pd.concat(verdicts)[["sentence", "experiment", "unit"]]
    order = [claim.id for experiment in EXPERIMENTS.values() for claim in experiment.claims if claim.id in known.index]
    known = known[~known.index.duplicated()].loc[order]
    own = [table[list(_OF_VERDICTS)].add_prefix(f"{side}_") for side, table in zip(SIDES, verdicts)]
    rows = [differences.get(claim, NOTHING) for claim in known.index]
    found = pd.DataFrame(rows, known.index, Row._fields)[list(_OF_DIFFERENCES)].add_prefix("difference_")
    table = known.join(own).join(found)
    words = {f"{side}_{name}": "" for side in SIDES for name in ("verdict", "bound")}
    return table.fillna(words | {f"{side}_n": 0 for side in SIDES}).reset_index(names="claim")


def _notebook(name: str, *sides: Tables | None) -> dict:
    """A row of `Comparison.notebooks`."""
    runs = [set() if tables is None or "runs" not in tables else set(tables["runs"]["run"]) for tables in sides]
    both = runs[0] & runs[1]
    there = {side: tables is not None for side, tables in zip(SIDES, sides)}
    row = {"notebook": name, **there, "both": len(both)}
    row |= {"old_only": len(runs[0] - both), "new_only": len(runs[1] - both)}
    row |= {"identical": len(both - different(*sides)) if both else 0}
    row |= {"same": all(there.values()) and are_same(*sides)}
    for side, tables in zip(SIDES, sides):
        for column in _SECONDS:
            row[f"{side}_{column}"] = _sum(tables, both, column)
    return row


def _sum(tables: Tables | None, runs: set[str], column: str) -> float:
    if tables is None or "provenance" not in tables:
        return math.nan
    return float(tables["provenance"].loc[tables["provenance"]["run"].isin(runs), column].sum())


def _versions(sides: list[dict[str, Tables]]) -> pd.DataFrame:
    nothing = pd.DataFrame(columns=SCHEMAS["provenance"])
    whole = [
        pd.concat([nothing, *(tables["provenance"] for tables in side.values() if "provenance" in tables)])
        for side in sides
    ]
    names = dict.fromkeys(name for table in whole for name in table if name not in ("run", *_MEASURED))
    rows = {
        name: [listed(sorted(table[name].dropna().astype(str).unique())) if name in table else "" for table in whole]
        for name in names
    }
    return pd.DataFrame.from_dict({name: row for name, row in rows.items() if any(row)}, orient="index", columns=SIDES)
