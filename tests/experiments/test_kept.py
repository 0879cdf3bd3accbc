"""What the experiments keep of their runs' tables is all that their claims and panels read."""

import pandas as pd
import pytest

from bnrepro.experiments import EXPERIMENTS
from tests.experiments.factories import make_tables
from tests.experiments.factories_dropout_and_weight_decay import kept as make_dropout_and_weight_decay
from tests.plotting.drawing import every_table


def of_learning_rates():
    return make_tables(EXPERIMENTS["03_learning_rates"].sweep("smoke", seeds=6))


def of_dropout_and_weight_decay():
    tables = make_dropout_and_weight_decay(seeds=6)
    gradients = tables["geometry"].assign(layer="hidden_1", quantity="gradient_norm")
    return {**tables, "geometry": pd.concat([tables["geometry"], gradients], ignore_index=True)}


@pytest.mark.parametrize(
    ("notebook", "make"),
    [("03_learning_rates", of_learning_rates), ("08_dropout_and_weight_decay", of_dropout_and_weight_decay)],
)
def test_what_is_kept_of_the_geometry_is_all_that_is_read(notebook, make):
    experiment, tables = EXPERIMENTS[notebook], make()
    kept = experiment.derive(tables)
    assert 0 < len(kept["geometry"]) < len(tables["geometry"])
    pd.testing.assert_frame_equal(experiment.findings(kept), experiment.findings(tables))
    drawn = every_table(experiment, kept)
    for name, table in every_table(experiment, tables).items():
        pd.testing.assert_frame_equal(drawn[name], table, obj=name)
