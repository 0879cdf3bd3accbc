"""A dense net on few examples: without BN, with BN over ghost batches of several sizes, with Dropout, with the noise of ghost
batches but not their statistics. Two rounds: rates are chosen, then judged. Knows no claim and draws nothing.
"""

from dataclasses import dataclass

from bnrepro.analysis.select import trained_curves
from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.mini_batch_noise.tables import (
    APART,
    BEST,
    DOSES,
    DROPPED,
    FEW,
    FIRST_DOSE,
    GAMMA,
    GHOSTS,
    KEPT,
    NOISE,
    OVER,
    SAME,
    SECOND,
    WHOLE,
    WITH_BN,
    WITHOUT,
    best_settings,
)
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve, smallest
from bnrepro.experiments.setups import DENSE
from bnrepro.records.schemas import Tables

TABLES = ("runs", "curves", "provenance")

ROUNDS = True
"""Later runs depend on what earlier ones gave."""

TIMES_FIRST_ROUND = {"smoke": 2.5, "quick": 7.6, "paper": 5.7}
"""By preset about how many times the work of its first round all rounds come to."""

BATCH_SIZE = 256
"""Examples in the optimizer's mini-batch, whatever BN normalizes over."""

BASE = DENSE.replace(batch_size=BATCH_SIZE, sgd_momentum=0.9, train_examples=1_000)
"""Three hidden layers of 100 ReLU on few examples; with momentum, for so large mini-batches converge in few steps then."""

STEADY = 0.9
"""Weight of the old value in the running averages of nets that are trained with them: behind by ten steps, and as steady as the
statistics of 19 mini-batches.
"""

DROPOUT = {"dropout": 0.4, "dropout_place": "after"}
"""As much as in the Baseline of section 4.2, after each nonlinearity."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Judged runs of an arm; the seeds are `FIRST_JUDGED` and on, of the doses `FIRST_DOSE` and on.
        over: Over how many examples BN normalizes: the sizes of its ghost batches.
        besides: Whether there are, besides the arms of the primary claims, those with Dropout, those that tell noise from
            normalization, and the net without BN at its second best rate.
        rates: Learning rates, of which each arm takes its best.
        decays: L2 weights of gamma, of which the arm where it decays takes its best.
        choice: The runs that choose.
        judged: The runs that are judged after training.
        over_equal: Over how many examples BN normalizes where nets are compared at equal training loss: those of `over` with
            which a net gets there in time.
        equal: Their runs, and those without BN, evaluated often.
        doses: Over how many examples BN normalizes where these nets are compared at equal training loss with one another, if
            they are.
        few: Their runs with the smallest ghost batches, which take long to get there.
        more: Their other runs, evaluated more often, for they get there in some fifty steps.
    """

    seeds: int
    over: tuple[int, ...]
    besides: bool
    rates: tuple[float, ...]
    decays: tuple[float, ...]
    choice: Length
    judged: Length
    over_equal: tuple[int, ...]
    equal: Length
    doses: tuple[int, ...]
    few: Length
    more: Length


PRESETS = {
    "smoke": Preset(
        seeds=1,
        over=(64, 4),
        besides=False,
        rates=(0.1,),
        decays=(),
        choice=Length(10, 10),
        judged=Length(20, 20),
        over_equal=(64,),
        equal=Length(30, 10),
        doses=(),
        few=Length(30, 10),
        more=Length(30, 10),
    ),
    "quick": Preset(
        seeds=10,
        over=(64, 4),
        besides=False,
        rates=(0.03, 0.1),
        decays=(),
        choice=Length(400, 400),
        judged=Length(400, 400),
        over_equal=(64,),
        equal=Length(400, 20),
        doses=(),
        few=Length(400, 20),
        more=Length(160, 4),
    ),
    "paper": Preset(
        seeds=16,
        over=(256, 64, 16, 4),
        besides=True,
        rates=(0.01, 0.03, 0.1, 0.3),
        decays=(1e-4, 1e-3, 1e-2),
        choice=Length(1_200, 200),
        judged=Length(1_200, 1_200),
        over_equal=(256, 64, 16),
        equal=Length(700, 20),
        doses=(256, 64, 16, 4),
        few=Length(1_600, 20),
        more=Length(160, 4),
    ),
}

_ACCEPTED = ("hidden_units", "train_examples", "task")


def sweep(preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
    """The runs of the rounds so far and of the next one, by group.

    `choice`: each arm at each rate, on seeds that judge nothing. `judged`: each arm on the judged seeds, at the rate that those
    have chosen. The arms are the net without BN, with BN over each number of examples, both with Dropout, and those of `APART`,
    of which one chooses a decay too. `equal`: the same runs of some arms without Dropout, shorter and evaluated often. In the
    setting `SECOND` of both stands the net without BN at its second best rate, for its test loss depends on the rate; in the
    setting `SAME` of `judged` stand the arms of `APART` at one rate. `doses`: nets with BN over several numbers of examples on
    seeds of their own, evaluated often; in the setting `SAME` the one called with BN at the rate of the smallest ghost batches.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    base = base.replace(fit_examples=base.task.train_examples)
    nets = _nets(values, smallest(base) if preset == "smoke" else base)
    choice = [
        config
        for arm, net in nets.items()
        for config in grid(
            lengthened(net, values.choice),
            weight_decay=values.decays if arm == GAMMA else (0.0,),
            learning_rate=values.rates,
            seed=SELECTING_SEEDS,
        )
    ]
    best, second = (_settings(choice, so_far, place) for place in (0, 1))
    compared = {WITHOUT, *(("batch", size) for size in values.over_equal)}
    second = {arm: own for arm, own in second.items() if arm == WITHOUT and values.besides}
    one_rate = {"learning_rate": best[WHOLE]["learning_rate"]} if values.besides and best else {}
    same = {arm: best[arm] | one_rate for arm in APART if one_rate}
    slowly = {WITH_BN: best[GHOSTS]} if one_rate else {}
    doses = {("batch", size): values.few if size == FEW else values.more for size in values.doses}
    groups = {Group("choice"): choice}
    for group, first, lengths, settings in (
        ("judged", FIRST_JUDGED, dict.fromkeys(nets, values.judged), {BEST: best, SECOND: second, SAME: same}),
        ("equal", FIRST_JUDGED, dict.fromkeys(compared, values.equal), {BEST: best, SECOND: second}),
        (DOSES, FIRST_DOSE, doses, {BEST: best, SAME: slowly}),
    ):
        for setting, own in settings.items():
            groups[Group(group, setting=setting)] = [
                run
                for arm, found in own.items()
                if arm in lengths
                for run in grid(
                    lengthened(nets[arm], lengths[arm]).replace(**found), seed=range(first, first + values.seeds)
                )
            ]
    return groups


def _nets(values: Preset, base: RunConfig) -> dict[tuple[str, int], RunConfig]:
    """A net for each arm; its accuracy is read with the statistics of Algorithm 2 where it has mini-batches' in its gradient."""
    nets = {WITHOUT: base, **{("batch", size): _with_bn(base, size) for size in values.over}}
    if values.besides:
        kept = base.replace(normalization="kept", momentum=STEADY, inference="population")
        nets |= {
            ("none_dropout", 0): base.replace(**DROPOUT),
            ("batch_dropout", OVER): _with_bn(base, OVER).replace(**DROPOUT),
            DROPPED: base.replace(normalization="population", momentum=STEADY),
            KEPT: kept,
            NOISE: kept.replace(noise_size=FEW),
            GAMMA: _with_bn(base, WHOLE[1]).replace(weight_decay_on="gamma"),
        }
    return nets


def _with_bn(base: RunConfig, size: int) -> RunConfig:
    ghosts = 0 if size == base.batch_size else size
    return base.replace(normalization="batch", ghost_size=ghosts, inference="population")


def _settings(choice: list[RunConfig], so_far: Tables | None, place: int) -> dict[tuple[str, int], dict[str, float]]:
    """By arm its best rate and decay, or those at another place; none while a run that chooses is not trained."""
    curves = trained_curves(choice, so_far)
    return {} if curves is None else best_settings(curves, place)
