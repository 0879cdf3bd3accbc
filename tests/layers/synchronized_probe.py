"""Run as `synchronized_probe.py KIND FILE PLACE PLACES MEETING`: what the layer gives where a mini-batch is divided.

KIND says who divides it; of several processes this is the one at PLACE of so many PLACES, which meet at MEETING, ports or a file.
Written to FILE: each part's outputs and gradients, and the running statistics, of the cases of `parts.py`.
"""

import json
import os
import sys

KIND, FILE, PLACE, PLACES, MEETING = sys.argv[1:]
PLACE, PLACES = int(PLACE), int(PLACES)
os.environ["KERAS_BACKEND"] = {"mirrored": "tensorflow", "workers": "tensorflow", "processes": "torch"}.get(KIND, "jax")
if KIND == "workers":
    addresses = [f"127.0.0.1:{port}" for port in MEETING.split(",")]
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": PLACE}})
if KIND in ("whole", "shards"):
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from bnrepro.layers.batch_normalization import BatchNormalization  # noqa: E402
from tests.layers.parts import CASES, STATISTICS  # noqa: E402

FOUND = {}


def keep(name, place, **values):
    for key, value in values.items():
        FOUND[f"{name}/{place}/{key}"] = np.asarray(keras.ops.convert_to_numpy(value))


def made(case):
    """The layer of a case, with its weights, `synchronized`."""
    layer = BatchNormalization(synchronized=True, **case.options)
    layer.build((None, *case.shape[1:]))
    layer.set_weights(case.weights)
    return layer


def statistics(layer):
    return {name: getattr(layer, name).value for name in STATISTICS}


def on_tensorflow(strategy):
    import tensorflow as tf

    for name, case in CASES.items():
        with strategy.scope():
            layer = made(case)

        @tf.function(reduce_retracing=False)
        def step(x, dy, mask, layer=layer):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True, mask=mask)
            return y, *tape.gradient(y, [x, layer.gamma.value, layer.beta.value], dy)

        parts = [
            None
            if whole is None
            else strategy.experimental_distribute_values_from_function(
                lambda context, whole=whole: tf.constant(whole[context.replica_id_in_sync_group])
            )
            for whole in (case.parts("x"), case.parts("dy"), case.parts("mask"))
        ]
        results = [strategy.experimental_local_results(one) for one in strategy.run(step, parts)]
        moved = {key: strategy.experimental_local_results(value) for key, value in statistics(layer).items()}
        for place, own in enumerate(zip(*results)):
            own = dict(zip(("y", "dx", "d_gamma", "d_beta"), own))
            keep(name, PLACE + place, **own, **{key: values[place] for key, values in moved.items()})


def on_torch():
    import torch

    torch.distributed.init_process_group("gloo", init_method=f"file://{MEETING}", rank=PLACE, world_size=PLACES)
    for name, case in CASES.items():
        layer = made(case)
        x, dy, mask = (
            None if each is None else torch.tensor(each[PLACE]) for each in map(case.parts, ("x", "dy", "mask"))
        )
        x.requires_grad_()
        y = layer(x, training=True, mask=mask)
        y.backward(dy)
        gradients = dict(dx=x.grad, d_gamma=layer.gamma.value.grad, d_beta=layer.beta.value.grad)
        keep(name, PLACE, y=y.detach(), **gradients, **statistics(layer))
    torch.distributed.destroy_process_group()


def on_jax(divide):
    """Parts of unequal size are padded to equal ones, and the padding is masked, since JAX divides evenly."""
    import jax

    for name, case in CASES.items():
        with keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:2]).scope():
            layer = made(case)
            weights, others = layer.trainable_variables, layer.non_trainable_variables

            def outputs(gamma_beta, x, mask, layer=layer, others=others):
                return layer.stateless_call(gamma_beta, [each.value for each in others], x, training=True, mask=mask)

            apply = divide(outputs)

            def loss(gamma_beta, x, dy, mask, apply=apply):
                y, moved = apply(gamma_beta, x, mask)
                return (y * dy).sum(), (y, moved)

            whole = [case.padded(each) for each in ("x", "dy", "mask")]
            layout = keras.distribution.distribution().get_data_layout
            whole = [jax.device_put(each, layout(each.shape).backend_layout) for each in whole]
            differentiated = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
            (_, (y, moved)), ((d_gamma, d_beta), dx) = differentiated([each.value for each in weights], *whole)
            if divide is not as_one:
                assert len(y.sharding.device_set) == 2
        keep(name, 0, y=y, dx=dx, d_gamma=d_gamma, d_beta=d_beta, **dict(zip(STATISTICS, moved)))


def as_one(outputs):
    """The program of the whole mini-batch, which XLA divides."""
    return outputs


def in_shards(outputs):
    """A program of each half, as `shard_map` has it."""
    import jax

    rows, all_alike = jax.sharding.PartitionSpec("batch"), jax.sharding.PartitionSpec()
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    return jax.shard_map(
        outputs, mesh=mesh, in_specs=(all_alike, rows, rows), out_specs=(rows, all_alike), check_vma=True
    )


if __name__ == "__main__":
    if KIND == "mirrored":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        on_tensorflow(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    elif KIND == "workers":
        import tensorflow as tf

        on_tensorflow(tf.distribute.MultiWorkerMirroredStrategy())
    elif KIND == "processes":
        on_torch()
    else:
        on_jax(as_one if KIND == "whole" else in_shards)
    np.savez(FILE, **FOUND)
