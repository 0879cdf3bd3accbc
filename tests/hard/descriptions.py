"""Small Keras models as Hypothesis draws them: plain data, from which a model is made. Knows no check."""

from dataclasses import dataclass

from hypothesis import strategies

FORMS = ("sequential", "functional", "nested", "shared", "subclassed")
DTYPES = ("float32", "float64", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
SHAPES = {0: (3,), 1: (5, 3), 2: (5, 4, 2), 3: (3, 3, 4, 2)}
"""By number of locations' axes the shape of an example, features last."""

MOST_AROUND = 3
"""Parts before one of our layers, and after it."""

BN = {
    "momentum": (0.0, 0.5, 0.9, 0.99),
    "epsilon": (1e-5, 1e-3, 0.1),
    "center": (True, True, False),
    "scale": (True, True, False),
    "ddof": (0, 1),
    "trainable": (True, True, True, False),
}
"""What is drawn for one of our layers; what stands several times is drawn more often."""


@dataclass(frozen=True)
class Description:
    """A model.

    Attributes:
        form: One of `FORMS`.
        dtype: Its dtype policy.
        rank: Axes of an example that are locations.
        channels_first: Whether the features stand before the locations.
        masked: Whether examples have locations that a mask leaves out.
        parts: Layers as `(kind, settings)`; `residual` has parts of its own.
        examples: In a mini-batch.
        seed: Of weights and data.
    """

    form: str
    dtype: str
    rank: int
    channels_first: bool
    masked: bool
    parts: tuple
    examples: int
    seed: int

    @property
    def axis(self) -> int:
        """The features' axis."""
        return 1 if self.channels_first else -1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an example."""
        *locations, features = SHAPES[self.rank]
        return (features, *locations) if self.channels_first else (*locations, features)


def descriptions() -> strategies.SearchStrategy[Description]:
    """Models with one of our layers and up to `MOST_AROUND` parts on each side of it."""
    return strategies.integers(0, 3).flatmap(_of_rank)


def _of_rank(rank: int) -> strategies.SearchStrategy[Description]:
    masked = strategies.booleans() if rank == 1 else strategies.just(False)
    first = strategies.booleans() if rank else strategies.just(False)
    return strategies.tuples(masked, first).flatmap(lambda drawn: _of_kind(rank, drawn[0], drawn[1] and not drawn[0]))


def _of_kind(rank: int, masked: bool, channels_first: bool) -> strategies.SearchStrategy[Description]:
    bn = _settings(**BN).map(lambda drawn: (("bn", drawn),))
    around = strategies.lists(_parts(rank, masked, channels_first), max_size=MOST_AROUND).map(tuple)
    parts = strategies.tuples(around, bn, around).map(lambda three: three[0] + three[1] + three[2])
    return strategies.builds(
        Description,
        form=strategies.sampled_from(FORMS),
        dtype=strategies.sampled_from(DTYPES),
        rank=strategies.just(rank),
        channels_first=strategies.just(channels_first),
        masked=strategies.just(masked),
        parts=parts,
        examples=strategies.integers(4, 8),
        seed=strategies.integers(0, 10_000),
    )


def _settings(**choices) -> strategies.SearchStrategy[tuple]:
    return strategies.fixed_dictionaries(
        {name: strategies.sampled_from(values) for name, values in choices.items()}
    ).map(lambda settings: tuple(sorted(settings.items())))


def _parts(rank: int, masked: bool, channels_first: bool) -> strategies.SearchStrategy[tuple]:
    activations = ("linear", "linear", "relu", "tanh", "sigmoid")
    kinds = {
        "bn": _settings(**BN),
        "activation": _settings(activation=activations[2:]),
    }
    if not channels_first:
        kinds["dense"] = _settings(units=(2, 3), use_bias=(True, False), activation=activations)
    if rank and not masked and (rank == 3 or not channels_first):  # TensorFlow has no other one on a CPU
        kinds["conv"] = _settings(
            filters=(2, 3), kernel_size=(1, 2, 3), padding=("same",), use_bias=(True, False), activation=activations
        )
    if rank in (1, 2) and not masked:
        kinds["depthwise"] = _settings(
            kernel_size=(1, 2),
            padding=("same",),
            use_bias=(True, False),
            activation=activations,
            depth_multiplier=(1, 2),
        )
    plain = strategies.one_of(
        *(settings.map(lambda drawn, kind=kind: (kind, drawn)) for kind, settings in kinds.items())
    )
    block = strategies.lists(plain, min_size=1, max_size=3).map(lambda parts: ("block", tuple(parts)))
    return strategies.one_of(plain, plain, block)
