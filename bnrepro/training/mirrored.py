"""A training step of which each of several devices does a share, with one set of weights. Knows no config and no data set."""

import functools

import keras
import tensorflow as tf

from bnrepro.errors import UserError
from bnrepro.layers.batch_normalization import BatchNormalization

_APART = 15_485_863
"""Between the seeds of two devices: a prime, so that those of several layers hardly meet."""


@functools.cache
def strategy_of(engine: str) -> tf.distribute.Strategy:
    """Of the engine `mirrored` that of all GPUs, or, where there is none, of two halves of the processor, to try it out.

    Raises:
        UserError: There is but one GPU, or TensorFlow runs already, with the processor as one device.
    """
    if engine != "mirrored":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        _halve_processor()
    if len(gpus) == 1:
        raise UserError("the engine mirrored divides mini-batches among GPUs: got one; choose the engine tensorflow")
    devices = tf.config.list_logical_devices("GPU" if gpus else "CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _halve_processor() -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    except RuntimeError as error:
        raise UserError(
            "the engine mirrored halves the processor before TensorFlow starts: it runs already; use run_all, or a new process"
        ) from error


def divide(model: keras.Model) -> None:
    """Makes a model one whose mini-batches can be divided, before it is first called by an engine.

    Its BN takes statistics over the whole mini-batch, whatever share of it a device has. What is drawn at random, as by Dropout,
    is drawn on each device anew.

    Raises:
        UserError: A layer's BN is of parts of the mini-batch.
    """
    for layer in model.layers:
        if type(layer) is BatchNormalization:
            layer.synchronized = True
        elif isinstance(layer, BatchNormalization):
            raise UserError(
                f"the engine mirrored divides mini-batches: {type(layer).__name__} cannot be divided, as {layer.name}; "
                "leave it out, or choose the engine tensorflow"
            )
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.next = functools.partial(_next_seed, layer.seed_generator.next)


def _next_seed(next_seed, *args, **options):
    """The next seed of a generator, whose state all devices share, and which would be the same on all of them."""
    seed, context = next_seed(*args, **options), tf.distribute.get_replica_context()
    place = 0 if context is None else context.replica_id_in_sync_group
    return seed + tf.cast([place * _APART, 0], seed.dtype)


@tf.autograph.experimental.do_not_convert
def divided_step(strategy: tf.distribute.Strategy, engine, examples, labels):
    """An engine's step, on the devices of its strategy: what a step on one device gives, up to the order of sums.

    Device k of K has the examples from `k m / K` on of the m of a mini-batch. Loss and gradients are the sums of theirs, in which
    each example counts alike, and each device has a share of the penalties.

    Returns:
        Loss, mean metric and loss without penalties.
    """
    devices, size = strategy.num_replicas_in_sync, tf.shape(labels)[0]

    def share(examples, labels):
        place = tf.distribute.get_replica_context().replica_id_in_sync_group
        own = slice(size * place // devices, size * (place + 1) // devices)
        examples, labels = examples[own], labels[own]
        weight = tf.cast(tf.shape(labels)[0] / size, tf.float32)
        with tf.GradientTape() as tape:
            outputs = engine.model(examples, training=True)
            bare = engine.loss(labels, outputs) * devices * weight  # Keras divides a mean by the devices
            loss = tf.add_n([bare, *(penalty / devices for penalty in engine.model.losses)])
        weights = engine.model.trainable_variables
        engine.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss, tf.reduce_mean(engine.metric(labels, outputs)) * weight, bare

    return [strategy.reduce("SUM", each, axis=None) for each in strategy.run(share, (examples, labels))]
