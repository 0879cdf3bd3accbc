"""Percentiles and drift against NumPy's own."""

import numpy as np

from bnrepro.measurements.activation_quantiles import PERCENTILES, ActivationQuantiles


def measured(inputs_by_step):
    probe = ActivationQuantiles("hidden_3")
    for step, inputs in inputs_by_step.items():
        probe.measure(step, inputs)
    return probe.tables("run")


def test_percentiles_are_numpys():
    inputs = np.random.default_rng(0).standard_normal((997, 5)).astype("float32")
    quantiles = measured({0: inputs})["quantiles"]
    pooled = quantiles.loc[quantiles["unit"] == "all", "value"]
    np.testing.assert_allclose(pooled, np.percentile(inputs, PERCENTILES), rtol=1e-5)


def test_drift_is_the_mean_over_percentiles_of_their_deviation_after_step_0():
    generator = np.random.default_rng(1)
    inputs = {step: generator.standard_normal((200, 4)).astype("float32") * (1 + step) for step in range(4)}
    drift = measured(inputs)["drift"]["drift"]
    series = np.array([np.percentile(inputs[step], PERCENTILES, axis=0) for step in (1, 2, 3)])
    np.testing.assert_allclose(drift, series.std(axis=0).mean(axis=0), rtol=1e-5)


def test_inputs_that_never_change_do_not_drift():
    inputs = np.random.default_rng(2).standard_normal((50, 3)).astype("float32")
    assert measured({step: inputs for step in range(3)})["drift"]["drift"].eq(0).all()


def test_the_typical_unit_is_the_one_of_lower_median_drift():
    base = np.linspace(-1, 1, 101, dtype="float32")[:, None] * np.ones((1, 4), "float32")
    moves = np.array([3.0, 1.0, 4.0, 2.0], "float32")  # drifts in the ratio 3 : 1 : 4 : 2, lower median 2, unit 3
    tables = measured({step: base + step * moves for step in range(4)})
    quantiles = tables["quantiles"].query("unit == 'typical' and percentile == 50")
    np.testing.assert_allclose(quantiles["value"], [0, 2, 4, 6], atol=1e-6)
