"""Runs in pairs: what one arm gives against the other at the same seed. Knows no claim, no figure and no file."""

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import bound_of


def paired(
    table: pd.DataFrame,
    value: str,
    by: tuple[str, ...] = ("seed",),
    arms: tuple[str, str] = ("none", "batch"),
    column: str = "normalization",
) -> pd.DataFrame:
    """Two arms side by side: by seed (or whatever `by` names), a column for each of `arms`, the values of `column`.

    Raises:
        ValueError: A seed is in one arm only, or twice in one, or runs are of several engines: then the arms were not treated
            alike.
    """
    asked = {*by, column, "run", value, "engine"}
    table = table[[name for name in table if name in asked]][table[column].isin(arms)]
    if "engine" in table and table["engine"].nunique() > 1:
        raise ValueError(f"pairs are of one engine: got {' and '.join(sorted(table['engine'].unique()))}")
    index = list(by) if len(by) > 1 else by[0]
    pairs = table.pivot(index=index, columns=column, values="run")
    if set(pairs) != set(arms) or pairs.isna().any(axis=None):
        raise ValueError(
            f"each {', '.join(by)} is in both arms, {' and '.join(arms)}: {pairs.isna().sum().to_dict()} are missing"
        )
    return table.pivot(index=index, columns=column, values=value)[list(arms)]


def ratios(pairs: pd.DataFrame, limit: float, arms: tuple[str, str] = ("none", "batch")) -> pd.DataFrame:
    """Adds `ratio`, the first arm over the second, and `bound`, to pairs of steps that may be infinite.

    A side that never got there counts as `limit`, the steps it was given. So where only the first arm (without BN) never
    got there, the ratio is a lower bound (`>`); where only the second never did, an upper bound (`<`); where neither did,
    the pair is undetermined and counts as a tie, ratio 1 (`~`).
    """
    first, second = (pairs[arm] for arm in arms)
    if (pairs[list(arms)] <= 0).any(axis=None):
        raise ValueError("ratios are of numbers above 0")
    never = np.isinf(first), np.isinf(second)
    ratio = first.clip(upper=limit) / second.clip(upper=limit)
    return pairs.assign(ratio=ratio, bound=bound_of(*never))
