"""The paper's own numbers: its figures as tables from `data/paper`, what its text states. Knows nothing of our runs.

Ioffe and Szegedy 2015, arXiv:1502.03167v3. What can be computed from a table is computed here, not typed.
"""

import numpy as np
import pandas as pd

from bnrepro.errors import UserError
from bnrepro.records.workspace import DATA

ARMS = {"without_bn": "none", "with_bn": "batch"}
"""Our words for the arms of Figure 1."""

# Section 4.1, the training of Figure 1.
BATCH_SIZE = 60
STEPS = 50_000
FIGURE1_TARGET = 0.97
"""The accuracy our comparison of speed in Figure 1(a) asks for; the paper names none."""


def figure1a() -> pd.DataFrame:
    """Figure 1(a), MNIST: `arm`, `step`, `test_accuracy` (a fraction). Read off the plot every 1000 steps."""
    return _with_our_arms(_read("figure1a"))


def figure1bc() -> pd.DataFrame:
    """Figure 1(b, c), the input of one typical sigmoid of the last hidden layer while training.

    Columns `arm`, `percentile` (15, 50 or 85), `training_fraction` (0.01 to 1 of the steps), `sigmoid_input`.
    """
    return _with_our_arms(_read("figure1bc"))


def figure2() -> pd.DataFrame:
    """Figure 2, ImageNet: `model`, `step`, `validation_accuracy` (single crop, a fraction). Read off the plot."""
    return _read("figure2")


def figure3() -> pd.DataFrame:
    """Figure 3, printed: `model`, `initial_learning_rate`, `steps_to_72_2_percent` (NaN: never), `max_accuracy`."""
    return _read("figure3")


def figure4() -> pd.DataFrame:
    """Figure 4, printed: ImageNet errors of single networks and ensembles.

    Columns `model`, `resolution`, `crops`, `models` (networks averaged), `top1_error`, `top5_error` (fractions).
    NaN: not given.
    """
    return _read("figure4")


def _read(name: str) -> pd.DataFrame:
    path = DATA / "paper" / f"{name}.csv"
    if not path.is_file():
        remedy = f"git checkout -- data/paper/{name}.csv"
        raise UserError(f"the paper's numbers lie in data/paper: {path.name} is missing; run `{remedy}`")
    return pd.read_csv(path)


def _with_our_arms(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(arm=table["arm"].map(ARMS))


def _first_crossing(steps: pd.Series, values: pd.Series, target: float) -> float:
    """The first step at which the line through the points is at `target`, which the first point lies below."""
    reached = int(np.argmax(values.to_numpy() >= target))
    around = slice(reached - 1, reached + 1)
    return float(np.interp(target, values.iloc[around], steps.iloc[around]))


def steps_to(accuracy: float) -> dict[str, float]:
    """Figure 1(a): by arm, the first step at this test accuracy, on straight lines between the points of the table."""
    return {
        arm: _first_crossing(curve["step"], curve["test_accuracy"], accuracy)
        for arm, curve in figure1a().groupby("arm", sort=False)
    }


def _drift() -> dict[str, float]:
    each = figure1bc().groupby(["arm", "percentile"], sort=False)["sigmoid_input"].std(ddof=0)
    return each.groupby("arm", sort=False).mean().to_dict()


STEPS_TO_97_PERCENT = steps_to(FIGURE1_TARGET)
"""By arm, as `steps_to`."""

DRIFT = _drift()
"""Figure 1(b, c): by arm, the standard deviation over training of a percentile, the mean of the three percentiles."""
