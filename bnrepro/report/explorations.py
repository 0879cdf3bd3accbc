"""The figure of a notebook's widget at every choice of its sliders, drawn beforehand for a page without Python."""

import base64
import io
import itertools
import json
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from bnrepro.experiments import Experiment
from bnrepro.experiments.control import Control, start_of
from bnrepro.plotting.style import styled
from bnrepro.records.schemas import Tables


class Exploration(NamedTuple):
    """What a page shows of a widget.

    Attributes:
        controls: The sliders.
        still: The figure of the first choice, as SVG: what print shows, and a browser that runs no script.
        packed: `packed_pictures` of all choices, the last slider the fastest.
    """

    controls: tuple[Control, ...]
    still: str
    packed: str


def exploration(experiment: Experiment, tables: Tables) -> Exploration | None:
    """The widget of an experiment over its tables; None where it has no widget, or they have nothing for it to turn."""
    controls = experiment.controls(tables) if hasattr(experiment, "explore") else ()
    if all(len(control.values) == 1 for control in controls):
        return None
    names = [control.name for control in controls]
    choices = itertools.product(*(control.values for control in controls))
    pictures = {choice: outlined(experiment.explore(tables, **dict(zip(names, choice)))) for choice in choices}
    return Exploration(controls, pictures[tuple(start_of(controls).values())], packed_pictures(pictures.values()))


def packed_pictures(pictures: Iterable[str]) -> str:
    """Pictures that have most of their lines in common, as text.

    It is base64 of deflated JSON: all `lines`, each once, and by picture the positions of its `own`.
    """
    lines: dict[str, int] = {}
    own = [[lines.setdefault(line, len(lines)) for line in picture.split("\n")] for picture in pictures]
    whole = json.dumps({"lines": list(lines), "own": own}, separators=(",", ":"))
    return base64.b64encode(zlib.compress(whole.encode(), level=9)).decode()


@styled
def outlined(figure: Figure) -> str:
    """A figure as SVG whose letters are outlines: in an image they would else be of the reader's fonts, as wide as those are."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor="white")
    return buffer.getvalue()
