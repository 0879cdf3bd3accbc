"""The paper's numbers: the tables as published, and what is computed from them."""

import pytest

from bnrepro.analysis import paper
from bnrepro.errors import UserError


@pytest.mark.parametrize(
    "load, columns, rows",
    [
        (paper.figure1a, ["arm", "step", "test_accuracy"], 86),
        (paper.figure1bc, ["arm", "percentile", "training_fraction", "sigmoid_input"], 600),
        (paper.figure2, ["model", "step", "validation_accuracy"], 204),
        (paper.figure3, ["model", "initial_learning_rate", "steps_to_72_2_percent", "max_accuracy"], 5),
        (paper.figure4, ["model", "resolution", "crops", "models", "top1_error", "top5_error"], 7),
    ],
)
def test_a_figure_is_a_table_with_the_columns_its_docstring_names(load, columns, rows):
    table = load()
    assert table.columns.tolist() == columns and len(table) == rows
    assert all(f"`{column}`" in load.__doc__ for column in columns)


def test_the_arms_of_figure_1_have_our_words():
    assert set(paper.figure1a()["arm"]) == set(paper.figure1bc()["arm"]) == {"none", "batch"}


def test_accuracies_are_fractions_and_steps_rise():
    curves = paper.figure1a()
    assert curves["test_accuracy"].between(0.7, 1).all()
    assert curves.groupby("arm")["step"].apply(lambda steps: steps.is_monotonic_increasing).all()
    assert paper.figure2()["validation_accuracy"].between(0.35, 0.8).all()


def test_batch_normalization_reaches_97_percent_first():
    assert paper.STEPS_TO_97_PERCENT["none"] == pytest.approx(36_500)
    assert paper.STEPS_TO_97_PERCENT["batch"] == pytest.approx(14_000 + 1000 * 7 / 27)


def test_the_percentiles_drift_three_times_less_with_batch_normalization():
    assert paper.DRIFT["none"] == pytest.approx(0.356, abs=1e-3)
    assert paper.DRIFT["batch"] == pytest.approx(0.121, abs=1e-3)


def test_the_ensemble_of_figure_4_errs_less_than_one_network():
    errors = paper.figure4().set_index("model")["top5_error"]
    assert errors["BN-Inception ensemble"] == 0.049 < errors["BN-Inception single crop"] == 0.0782


def test_a_missing_table_is_named_with_the_command_that_repairs_it(monkeypatch, tmp_path):
    monkeypatch.setattr(paper, "DATA", tmp_path)
    with pytest.raises(UserError, match=r"figure1a\.csv is missing; run `git checkout -- data/paper/figure1a\.csv`"):
        paper.figure1a()
