"""The layer: Algorithm 1 in training, running statistics at inference. Knows nothing of experiments, data or models."""

import keras
from keras import constraints, initializers, ops, regularizers

from bnrepro.layers import kernels
from bnrepro.layers.training_mode import recomputing, training_phase


@keras.saving.register_keras_serializable(package="bnrepro")
class BatchNormalization(keras.layers.Layer):
    """Normalizes each feature over the mini-batch, then scales and shifts it.

    In training, with m' values of a feature in the mini-batch (all of `batch` and of the locations, section 3.2):

        mean       = 1/m' sum(x)
        variance   = 1/m' sum((x - mean)^2)
        y          = gamma (x - mean) / sqrt(variance + epsilon) + beta
        moving_mean     <- momentum moving_mean     + (1 - momentum) mean
        moving_variance <- momentum moving_variance + (1 - momentum) variance m' / (m' - ddof)

    At inference, and in training if `trainable` is False, the fixed linear map

        y = gamma (x - moving_mean) / sqrt(moving_variance + epsilon) + beta

    Input `(batch, ..., features)` with `axis=-1`, or `(batch, features, ...)` with `axis=1`; output the same shape. Weights
    `gamma`, `beta`, `moving_mean`, `moving_variance`, each `(features,)`, in that order and under those names as in
    `keras.layers.BatchNormalization`, so that `set_weights` goes both ways. `moving_mean` is in the unit of `x`,
    `moving_variance` in its square. Statistics are computed and kept in float32 or wider, whatever the dtype policy.

    A `.keras` file with it loads without `custom_objects` where `bnrepro.BatchNormalization` was imported before.

    It takes the place of `keras.layers.BatchNormalization` in any model, and differs from it so:

    - The running variance is unbiased, as Algorithm 2 demands. `ddof=0` gives Keras's numbers.
    - A mini-batch with one value of each feature is refused in training, where its shape is known: its output would be
      beta, whatever the input. With `renorm` and `ddof=0` it is meaningful, and allowed.
    - `training` goes by what this call and those around it were told, never by what a sibling was told, so that a
      `Resizing` before it does not make a bare `model(x)` train.
    - Features of which a mini-batch has no more than `ddof` values, because they are masked, are normalized with the
      running statistics if they have none at all, and leave the running statistics as they are.
    - A mini-batch without values, such as one of 0 examples, leaves the running statistics as they are.
    - `mask` may leave out the last axis, as Keras's own masks do, or else the axis of the features.
    - `training=False` in a functional graph holds, whatever the whole model is told.
    - Under `keras.RematScope` a step moves the running statistics once. The layer itself is left out of it: its gradient needs
      nothing but the input, which rematerialization keeps too.

    With `renorm`, Batch Renormalization: `y = gamma (x_hat r + d) + beta` with `r = sigma / renorm_stddev`,
    `d = (mean - renorm_mean) / renorm_stddev`, `sigma = sqrt(variance + epsilon)`, both clipped and constant to
    differentiation. Weights `moving_stddev`, `renorm_mean`, `renorm_stddev` follow; `moving_stddev` carries `ddof`.

    Args:
        axis: Axis of the features; negative counts from the end. `1` after a convolution that is channels first.
        momentum: Weight of the old value in the running statistics (PyTorch's 0.1 is 0.9 here).
        epsilon: Added to the variance.
        center: Whether to add `beta`.
        scale: Whether to multiply by `gamma`.
        beta_initializer: Initializer of `beta`.
        gamma_initializer: Initializer of `gamma`.
        moving_mean_initializer: Initializer of `moving_mean`.
        moving_variance_initializer: Initializer of `moving_variance`.
        beta_regularizer: Regularizer of `beta`, or None.
        gamma_regularizer: Regularizer of `gamma`, or None.
        beta_constraint: Constraint of `beta`, or None.
        gamma_constraint: Constraint of `gamma`, or None.
        renorm: Whether to use Batch Renormalization in training.
        renorm_clipping: Dictionary with any of `"rmax"`, `"rmin"`, `"dmax"`; what is missing is not clipped.
        renorm_momentum: Weight of the old value in `renorm_mean` and `renorm_stddev`.
        synchronized: Whether all replicas make up one mini-batch, each value counting alike however many a replica has: those of
            a `tf.distribute` strategy, the shards of `jax.shard_map`, or the processes of `torch.distributed`. On JAX under
            `keras.distribution` they do so in any case; Keras divides evenly alone, so a last mini-batch is padded and masked.
        ddof: 1 for the running variance of Algorithm 2, 0 for the biased one of Keras. The word is NumPy's.
        **kwargs: As for any Keras layer, such as `name`, `dtype` and `trainable`.

    Call arguments:
        inputs: Tensor of any rank above 1, on TensorFlow a ragged one too: its values count, and no others.
        training: Whether to normalize with the mini-batch; None is what the calls around say, else inference.
        mask: Boolean tensor with one dimension less than `inputs`; only values where it is True enter the statistics.

    Returns:
        Tensor of the shape of `inputs`, in the compute dtype of the policy.

    Raises:
        ValueError: In training, if m' is 1; and for arguments or shapes that contradict one another.

    References:
        Ioffe and Szegedy 2015, section 3, Algorithms 1 and 2; section 3.2 for m' in convolutions (arXiv:1502.03167).
        Ioffe 2017, section 3, Algorithm 1: Batch Renormalization (arXiv:1702.03275).
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        ddof=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if ddof not in (0, 1):
            raise ValueError(f"ddof must be 0 or 1, not {ddof!r}: 1 is Algorithm 2's running variance, 0 is Keras's")
        if synchronized and keras.backend.backend() not in ("tensorflow", "jax", "torch"):
            raise ValueError(
                f"synchronized=True needs the backend tensorflow, jax or torch, not {keras.backend.backend()}: set KERAS_BACKEND"
            )
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm = renorm
        self.renorm_clipping = _checked_clipping(renorm_clipping)
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self.ddof = int(ddof)
        self.supports_masking = True
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

    def build(self, input_shape):
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(
                f"axis {self.axis} must lie in the input, but its shape is {tuple(input_shape)}: give the features' axis"
            )
        features = input_shape[self.axis]
        if features is None:
            raise ValueError(
                f"the features' axis must have a known size, but axis {self.axis} of {tuple(input_shape)} has none: set it"
            )

        def parameter(name, role):
            return self.add_weight(
                shape=(features,),
                name=name,
                initializer=getattr(self, f"{role}_initializer"),
                regularizer=getattr(self, f"{role}_regularizer"),
                constraint=getattr(self, f"{role}_constraint"),
                autocast=False,
            )

        def statistic(name, initializer):
            # A running average in bfloat16 could not take up a hundredth of a change.
            dtype = keras.backend.result_type(self.variable_dtype, "float32")
            return self.add_weight(
                shape=(features,), name=name, initializer=initializer, trainable=False, dtype=dtype, autocast=False
            )

        self.gamma = parameter("gamma", "gamma") if self.scale else None
        self.beta = parameter("beta", "beta") if self.center else None
        self.moving_mean = statistic("moving_mean", self.moving_mean_initializer)
        self.moving_variance = statistic("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = statistic("moving_stddev", self._stddev_initializer)
            self.renorm_mean = statistic("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = statistic("renorm_stddev", self._stddev_initializer)
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes={self.axis: features})

    def call(self, inputs, training=None, mask=None):
        if kernels.is_ragged(inputs):
            if self.axis % len(inputs.shape) <= inputs.ragged_rank:
                raise ValueError(
                    f"the features of a ragged tensor must be among its {len(inputs.flat_values.shape) - 1} axes that are not "
                    f"ragged, the last ones, but axis is {self.axis} in {inputs.shape}: use -1, or to_tensor() with a mask"
                )
            values = [None if each is None else kernels.ragged_values(each) for each in (inputs, mask)]
            y = BatchNormalization.call(self, values[0], training=training, mask=values[1])
            return kernels.as_ragged(y, inputs)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        gamma, beta = (None if weight is None else ops.cast(weight, x.dtype) for weight in (self.gamma, self.beta))
        # Where the number of values is not known, `_update_statistics` sees to the same.
        empty = 0 in tuple(x.shape) and not self.synchronized
        if self.trainable and not empty and training_phase(self, training):
            y = self._transform_batch(x, gamma, beta, mask)
        else:
            mean, variance = (ops.cast(weight, x.dtype) for weight in (self.moving_mean, self.moving_variance))
            y = kernels.population_transform(x, gamma, beta, mean, variance, self.axis, self.epsilon)
        return ops.cast(y, self.compute_dtype)

    def batch_moments(self, x, mask=None):
        """Mean, biased variance and number of values of each feature in the mini-batch; `x` is float32 or wider.

        Nothing is updated. In a class that normalizes parts of a mini-batch apart, each is `(parts, features)`.
        """
        return kernels.moments(x, self.axis, None if mask is None else kernels.aligned_mask(mask, x, self.axis))

    def rematerialized_call(self, layer_call, *args, **kwargs):
        return layer_call

    def get_config(self):
        plain = ("axis", "momentum", "epsilon", "center", "scale", "renorm", "renorm_clipping", "renorm_momentum")
        config = {name: getattr(self, name) for name in (*plain, "synchronized", "ddof")}
        for role in ("beta", "gamma", "moving_mean", "moving_variance"):
            config[f"{role}_initializer"] = initializers.serialize(getattr(self, f"{role}_initializer"))
        for role in ("beta", "gamma"):
            config[f"{role}_regularizer"] = regularizers.serialize(getattr(self, f"{role}_regularizer"))
            config[f"{role}_constraint"] = constraints.serialize(getattr(self, f"{role}_constraint"))
        return {**super().get_config(), **config}

    def compute_output_shape(self, input_shape):
        return input_shape

    def _stddev_initializer(self, shape, dtype=None):
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def _transform_batch(self, x, gamma, beta, mask):
        number = kernels.count(x, self.axis)
        if not self.synchronized and not (self.renorm and self.ddof == 0):
            self._refuse_one_value(number, x)
        inner = (None, None) if self.renorm else (gamma, beta)
        if mask is None and not self.synchronized:
            y, mean, variance = kernels.batch_transform(x, *inner, self.axis, self.epsilon)
            if self.renorm and not isinstance(number, int):
                mean, variance = self._or_running(mean, variance, number)  # else d is nan, and so is a gradient
        else:
            mask = None if mask is None else kernels.aligned_mask(mask, x, self.axis)
            mean, variance, number = kernels.moments(x, self.axis, mask, self.synchronized)
            if mask is not None:
                mean, variance = self._or_running(mean, variance, number)
            y = kernels.transform(x, *inner, mean, variance, self.axis, self.epsilon)
            mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
        if self.renorm:
            r, d = self._renorm_correction(mean, variance)
            scale, offset = (r, d) if gamma is None else (r * gamma, d * gamma)
            offset = offset if beta is None else offset + beta
            y = y * kernels.along(scale, x, self.axis) + kernels.along(offset, x, self.axis)
        self._update_statistics(mean, variance, number)
        return y

    def _refuse_one_value(self, number, x):
        if isinstance(number, int) and number == 1:
            raise ValueError(
                f"training needs at least 2 values of each feature in a mini-batch, but inputs of shape {tuple(x.shape)}, with "
                f"features on axis {self.axis}, have 1, so that the output is beta: use a larger one, or training=False"
            )

    def _or_running(self, mean, variance, number):
        """The statistics, or the running ones of features that have no value."""
        running = (ops.cast(weight, mean.dtype) for weight in (self.moving_mean, self.moving_variance))
        return tuple(ops.where(number > 0, *pair) for pair in zip((mean, variance), running))

    def _renorm_correction(self, mean, variance):
        renorm_mean = ops.cast(self.renorm_mean, mean.dtype)
        # An initial 0 must not divide.
        renorm_stddev = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        r = ops.sqrt(variance + self.epsilon) / renorm_stddev
        d = (mean - renorm_mean) / renorm_stddev
        clipping = self.renorm_clipping or {}
        r = r if clipping.get("rmin") is None else ops.maximum(r, clipping["rmin"])
        r = r if clipping.get("rmax") is None else ops.minimum(r, clipping["rmax"])
        d = d if clipping.get("dmax") is None else ops.clip(d, -clipping["dmax"], clipping["dmax"])
        return r, d

    def _unbiased(self, variance, number):
        """The variance with divisor m' - ddof, and where m' is larger than ddof; None is everywhere."""
        if isinstance(number, int):
            return variance * (number / (number - self.ddof)), None
        return variance * (number / ops.maximum(number - self.ddof, 1.0)), number > self.ddof

    def _update_statistics(self, mean, variance, number):
        unbiased, enough = self._unbiased(variance, number)
        self._move_statistics(mean, variance, unbiased, enough)

    def _move_statistics(self, mean, variance, unbiased, enough):
        if recomputing():
            return

        def assign(variable, value):
            variable.assign(value if enough is None else ops.where(enough, value, ops.cast(variable, value.dtype)))

        def moved(variable, value, momentum):
            return ops.cast(variable, value.dtype) * momentum + value * (1.0 - momentum)

        assign(self.moving_mean, moved(self.moving_mean, mean, self.momentum))
        if not self.renorm:
            assign(self.moving_variance, moved(self.moving_variance, unbiased, self.momentum))
            return
        stddev = moved(self.moving_stddev, ops.sqrt(unbiased + self.epsilon), self.momentum)
        assign(self.moving_stddev, stddev)
        assign(self.moving_variance, ops.relu(ops.square(stddev) - self.epsilon))
        assign(self.renorm_mean, moved(self.renorm_mean, mean, self.renorm_momentum))
        assign(self.renorm_stddev, moved(self.renorm_stddev, ops.sqrt(variance + self.epsilon), self.renorm_momentum))


def _checked_clipping(clipping):
    known = ("rmax", "rmin", "dmax")
    for name in clipping or {}:
        if name not in known:
            raise ValueError(f"renorm_clipping knows {', '.join(known)}, not {name!r}: take it out")
    limits = {name: (clipping or {}).get(name) for name in known}
    if None not in (limits["rmax"], limits["rmin"]) and limits["rmax"] < limits["rmin"]:
        raise ValueError(f"rmax must be at least rmin, but they are {limits['rmax']} and {limits['rmin']}: swap them")
    if limits["dmax"] is not None and limits["dmax"] < 0:
        raise ValueError(f"dmax must not be negative, but is {limits['dmax']}: give its absolute value")
    return clipping
