"""With `synchronized`, a mini-batch that is divided among devices or processes is one mini-batch, however it is divided."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.records.workspace import CHECKOUT
from tests.layers.parts import CASES, STATISTICS
from tests.layers.tolerances import assert_close

KINDS = {
    "mirrored": ("tensorflow", 1),
    "workers": ("tensorflow", 2),
    "whole": ("jax", 1),
    "shards": ("jax", 1),
    "processes": ("torch", 2),
}
"""Who divides: `MirroredStrategy`, `MultiWorkerMirroredStrategy`, `keras.distribution.DataParallel`, `jax.shard_map`,
`torch.distributed`; each with its library, and how many processes.
"""


def free_ports(count: int) -> str:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = ",".join(str(one.getsockname()[1]) for one in sockets)
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=pytest.mark.xdist_group(f"sync_{kind}")) for kind in KINDS]
)
def found(request, tmp_path_factory):
    """What `synchronized_probe.py` found: the kind, and arrays by case, place and name."""
    (library, places), folder = KINDS[request.param], tmp_path_factory.mktemp(request.param)
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed: pip install 'bnrepro[backends]'")
    meeting = free_ports(places) if request.param == "workers" else str(folder / "meeting")
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    probe, processes = Path(__file__).parent / "synchronized_probe.py", []
    for place in range(places):
        words = [sys.executable, probe, request.param, folder / f"{place}.npz", str(place), str(places), meeting]
        with open(folder / f"{place}.log", "w") as log:
            processes.append(subprocess.Popen(words, env=environment, stdout=log, stderr=log))
    try:
        codes = [process.wait(900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    logs = [(folder / f"{place}.log").read_text()[-3000:] for place in range(places)]
    assert not any(codes), logs
    arrays = {}
    for place in range(places):
        with np.load(folder / f"{place}.npz") as file:
            arrays |= dict(file)
    return request.param, arrays


@pytest.mark.slow(seconds=30)
@pytest.mark.parametrize("name", CASES)
def test_outputs_gradients_and_statistics_are_those_of_one_device_with_the_whole(found, name):
    kind, arrays = found
    case, expected = CASES[name], CASES[name].expected()
    places = [place for place in (0, 1) if f"{name}/{place}/y" in arrays]
    parts = {key: [arrays[f"{name}/{place}/{key}"] for place in places] for key in expected}
    ours = {key: np.concatenate(parts[key]) for key in ("y", "dx")}
    if len(places) == 1:
        ours = {key: value[case.is_real()] for key, value in ours.items()}
    scales = {
        "dx": np.abs(case.dy).max(),
        **dict.fromkeys(("d_gamma", "d_beta"), np.abs(np.moveaxis(case.dy, case.axis, 0)).reshape(3, -1).sum(1).max()),
    }
    for key in ("d_gamma", "d_beta"):
        ours[key] = np.sum(parts[key], axis=0)
    for key, value in ours.items():
        assert_close(value, expected[key], "synchronized", f"{kind}/{name}/{key}", scales.get(key))
    for key in STATISTICS:
        for place, value in zip(places, parts[key]):
            assert_close(value, expected[key], "synchronized", f"{kind}/{name}/{key} at {place}")


def test_the_parts_are_unequal_and_each_alone_would_give_other_statistics():
    case = CASES["the last mini-batch"]
    whole = case.expected()["moving_mean"]
    alone = np.mean([part.mean(0) for part in case.parts("x")], axis=0)
    old = case.weights[2]
    assert np.abs(0.9 * old + 0.1 * alone - whole).max() > 1e-3


def test_a_backend_on_which_nothing_is_divided_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(
        ValueError, match="needs the backend tensorflow, jax or torch, not numpy: set KERAS_BACKEND"
    ) as error:
        BatchNormalization(synchronized=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("axis", [-1, 1])
def test_where_nothing_is_divided_it_is_the_layer_without(axis):
    case = CASES["images" if axis == -1 else "channels first"]
    layers = [BatchNormalization(synchronized=synchronized, **case.options) for synchronized in (True, False)]
    outputs = []
    for layer in layers:
        layer.build(case.shape)
        layer.set_weights(case.weights)
        outputs.append(layer(case.x, training=True))
    assert_close(*outputs, "synchronized")
    for pair in zip(*(layer.get_weights() for layer in layers)):
        assert_close(*pair, "synchronized")
