"""What notebook 00 measures can fail: each measurement is also made on something that is wrong."""

import numpy as np
import pandas as pd
import pytest

from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.layers import reference
from bnrepro.measurements import layer_equations
from bnrepro.plotting.panel import draw_panel
from bnrepro.records.schemas import SCHEMAS
from bnrepro.report.verdicts import judged

pytestmark = pytest.mark.slow

the_layer = EXPERIMENTS["00_the_layer"]


@pytest.fixture(scope="module")
def tables():
    return layer_equations.measure(draws=7)


def verdicts(tables):
    return judged(the_layer, tables).set_index("claim")["verdict"]


def test_every_claim_of_the_notebook_is_measured_and_holds(tables):
    expected = {claim.id for claim in the_layer.claims}
    found = verdicts(tables)
    assert set(found.index) == expected
    assert set(found) == {"supported"}
    assert {name: tuple(table.columns) for name, table in tables.items()} == {name: SCHEMAS[name] for name in tables}


@pytest.mark.parametrize("claim", ["A1", "A2", "A3", "A6", "A7"])
def test_an_error_of_a_tenth_contradicts_the_claim(tables, claim):
    facts = tables["facts"].copy()
    facts.loc[facts["claim"] == claim, "value"] += 0.1
    assert verdicts(tables | {"facts": facts})[claim] == "contradicted"


@pytest.mark.parametrize("value", [0.1, np.nan])
@pytest.mark.parametrize("claim", ["A1", "A2", "A3", "A5", "A6", "A7"])
def test_one_broken_draw_contradicts_the_claim(tables, claim, value):
    facts = tables["facts"].copy()
    rows = (facts["claim"] == claim) & (facts["setting"] != "finite differences") & (facts["setting"] != "Keras")
    facts.loc[facts.index[rows & (facts["draw"] == 3)][0], "value"] = value
    assert verdicts(tables | {"facts": facts})[claim] == "contradicted"


def test_keras_running_variance_would_contradict_the_claim(tables):
    facts = tables["facts"]
    keras_rows = facts[facts["setting"] == "Keras"].assign(setting="m - 1 (Algorithm 2)")
    others = facts[~facts["setting"].str.startswith("m - 1")]
    assert verdicts(tables | {"facts": pd.concat([others, keras_rows])})["A5"] == "contradicted"


def test_the_gradient_of_a_frozen_mean_is_not_the_printed_one():
    generator = np.random.default_rng(0)
    x, dy = generator.normal(size=(12, 5)), generator.normal(size=(12, 5))
    dx, _, _ = reference.gradients(dy, x, np.ones(5), axis=-1, epsilon=1e-3)
    frozen = dy / np.sqrt(x.var(axis=0) + 1e-3)
    assert np.abs(dx - frozen).max() > 0.1


def test_a_bias_whose_mean_is_included_stays_while_the_loss_of_both_is_the_same(tables):
    bias = tables["bias"]
    assert bias.query("gradient == 'mean included'")["bias"].abs().max() < 1e-10
    spread = bias.groupby("draw")["loss"].agg(np.ptp)
    assert spread.max() < 1e-10


def test_draws_out_of_range_are_refused_and_0_means_the_presets():
    assert the_layer.count("paper") == the_layer.PRESETS["paper"]["draws"]
    assert the_layer.count("paper", 3) == 3
    with pytest.raises(UserError, match="draws is 0 or above: got -1"):
        the_layer.sweep("paper", draws=-1)
    for draws in (2.5, float("nan"), "3"):
        with pytest.raises(UserError, match="draws is a whole number"):
            the_layer.count("paper", draws)


def test_each_panel_shows_its_table(tables):
    gradient, bias = (draw_panel(the_layer.panel(name), tables).axes[0] for name in ("gradient", "bias"))
    points = tables["pairs"].query("claim == 'A1'")
    np.testing.assert_allclose(gradient.lines[1].get_ydata(), points["found"])
    first = tables["bias"].query("gradient == 'mean ignored' and draw == 0")
    np.testing.assert_allclose(bias.lines[0].get_ydata(), first["bias"])
