"""What the measurements come to: the errors that a claim is about, the growth of a bias. Knows no claim's rule, draws nothing."""

import pandas as pd

from bnrepro.records.schemas import Tables

_EXACT = "epsilon 1e-12"


def errors(tables: Tables, claim: str) -> pd.DataFrame:
    """The rows of `facts` whose `value` is an error of a claim.

    An identity of section 3.3 is exact but for epsilon, so it is judged where that is smallest; a variance is an error by its
    distance from 1, where Algorithm 2's factor is used; finite differences are for the eye.
    """
    facts = tables["facts"]
    own = facts[(facts["claim"] == claim) & (facts["setting"] != "finite differences")]
    if claim == "A3":
        return own[own["setting"].str.startswith(_EXACT)]
    if claim == "A5":
        unbiased = own[own["setting"].str.startswith("m - 1")]
        return unbiased.assign(value=(unbiased["value"] - 1).abs())
    return own


def growth(tables: Tables) -> pd.Series:
    """By draw, the bias after all steps over the bias after half of them, where the gradient ignores the mean."""
    bias = tables["bias"]
    ignored = bias[bias["gradient"] == "mean ignored"].pivot(index="draw", columns="step", values="bias")
    last = ignored.columns.max()
    return ignored[last] / ignored[last // 2]
