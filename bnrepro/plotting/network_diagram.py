"""The picture of an Inception: its modules, their branches and channels, from the plan it is built by. Knows no run."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bnrepro.config.inception_small import Module
from bnrepro.plotting.inks import INK

_FILLS = {"convolution": "#D6E6F4", "pool": "#EDEDED", "baseline": "white", "images": "white", "softmax": "#D6E6F4"}
_BOX = (9.0, 6.4)  # mm; width and height of a box
_COLUMN = 12.0  # mm; width of a box in the columns at both ends
_GAP = 0.9  # mm; between the boxes of a branch, and around them
_BETWEEN = 1.9  # mm; between modules
_ROWS = 4  # the most branches of a module, one above the other
_SMALL = 7  # points


class Box(NamedTuple):
    """One operation: its text, and its kind, a key of `_FILLS`; `baseline` is what the changes of section 4.2.1 remove."""

    text: str
    kind: str = "convolution"


def branches(module: Module) -> list[list[Box]]:
    """The branches of a module from top to bottom, each its operations from left to right, with the channels they give."""
    half = "/2" if module.kind == "stride" else ""
    if module.kind == "stem":
        return [[Box(f"3×3/2\n{module.three}")]]
    three = [Box(f"1×1\n{module.three_reduce}"), Box(f"3×3{half}\n{module.three}")]
    double = [Box(f"1×1\n{module.double_reduce}"), Box(f"3×3\n{module.double}"), Box(f"3×3{half}\n{module.double}")]
    if module.kind == "stride":
        return [three, double, [Box("3×3/2\nmax", "pool")]]
    projection = [Box("3×3\nmean", "pool"), Box(f"1×1\n{module.projection}")]
    return [[Box(f"1×1\n{module.one}")], three, double, projection]


def draw(axes: Axes, modules: list[Module], size: int, channels: int, classes: int = 10) -> None:
    """The net from left to right, in mm.

    Args:
        axes: Where to; 171 mm by 37 mm hold it.
        modules: What `architecture.inception_small` gives.
        size, channels: Of the images.
        classes: Width of the softmax.
    """
    stem, *others = modules
    entry = [Box(f"{size}×{size}×{channels}", "images"), *branches(stem)[0], Box("LRN", "baseline")]
    left = _arrow(axes, _column(axes, 0, entry, "stem", _words_of(stem)))
    for module in others:
        left = _arrow(axes, _module(axes, left, branches(module), module.name, _words_of(module)))
    end = [Box("global\nmean", "pool"), Box("Dropout", "baseline"), Box(f"softmax\n{classes}", "softmax")]
    right = _column(axes, left, end, "", "")
    axes.set(xlim=(-0.3, right + 0.3), ylim=(_height() + 3.2, -3.2), xticks=[], yticks=[])
    axes.set_axis_off()


def draw_table(axes: Axes, modules: list[Module]) -> None:
    """The modules of a net too long for a picture, a row each, as the paper's Figure 5 prints them.

    Args:
        axes: Where to; 171 mm by 37 mm hold ten modules.
        modules: What `inception_bn` gives.
    """
    for row, module in enumerate(modules, 1):
        pool = "max, stride 2" if module.kind == "stride" else f"{module.pool}, {module.projection}"
        channels = (module.one, module.three_reduce, module.three, module.double_reduce, module.double)
        cells = (module.name, *(number or "–" for number in channels), pool, _words_of(module))
        for column, words in enumerate(cells):
            _words(axes, column, row, str(words))
    for column, words in enumerate(_HEADS):
        _words(axes, column, 0, words, fontweight="bold")
    axes.set(xlim=(-0.5, len(_HEADS) - 0.5), ylim=(len(modules) + 0.5, -0.5), xticks=[], yticks=[])
    axes.set_axis_off()


_HEADS = ("Module", "1×1", "3×3 reduce", "3×3", "double reduce", "double 3×3", "Pool, projection", "Images")


def _words_of(module: Module) -> str:
    return f"{module.size}×{module.size}×{module.channels}"


def _height() -> float:
    return _ROWS * _BOX[1] + (_ROWS + 1) * _GAP


def _column(axes: Axes, left: float, boxes: list[Box], name: str, words: str) -> float:
    """Boxes one after the other from top to bottom, without a frame; returns their right edge."""
    space = (_height() - len(boxes) * _BOX[1]) / (len(boxes) + 1)
    middle = left + _COLUMN / 2
    axes.plot([middle, middle], [space, _height() - space], color="#B5B5B5", linewidth=0.6, zorder=1)
    for index, box in enumerate(boxes):
        _box(axes, left, space + index * (_BOX[1] + space), (_COLUMN, _BOX[1]), box)
    _words(axes, middle, -1.8, name, fontweight="bold")
    _words(axes, middle, _height() + 1.8, words)
    return left + _COLUMN


def _module(axes: Axes, left: float, rows: list[list[Box]], name: str, words: str) -> float:
    """A frame with a branch a row; returns its right edge."""
    widest = max(len(row) for row in rows)
    width = widest * (_BOX[0] + _GAP) + _GAP
    axes.add_patch(Rectangle((left, 0), width, _height(), facecolor="none", edgecolor="#B5B5B5", linewidth=0.6))
    space = (_height() - len(rows) * _BOX[1]) / (len(rows) + 1)
    for index, row in enumerate(rows):
        top = space + index * (_BOX[1] + space)
        middle = top + _BOX[1] / 2
        axes.plot([left, left + width], [middle, middle], color="#B5B5B5", linewidth=0.6, zorder=1)
        start = left + (width - len(row) * (_BOX[0] + _GAP) + _GAP) / 2
        for number, box in enumerate(row):
            _box(axes, start + number * (_BOX[0] + _GAP), top, _BOX, box)
    _words(axes, left + width / 2, -1.8, name, fontweight="bold")
    _words(axes, left + width / 2, _height() + 1.8, words)
    return left + width


def _box(axes: Axes, left: float, top: float, size: tuple[float, float], box: Box) -> None:
    style = dict(facecolor=_FILLS[box.kind], edgecolor=INK, linewidth=0.5, zorder=3)
    style["linestyle"] = (0, (2, 1.2)) if box.kind == "baseline" else "-"
    axes.add_patch(Rectangle((left, top), *size, **style))
    _words(axes, left + size[0] / 2, top + size[1] / 2, box.text)


def _arrow(axes: Axes, left: float) -> float:
    middle = _height() / 2
    arrow = dict(arrowstyle="-|>", color=INK, linewidth=0.6, mutation_scale=5, shrinkA=0, shrinkB=0)
    axes.annotate("", (left + _BETWEEN, middle), (left, middle), arrowprops=arrow, annotation_clip=False)
    return left + _BETWEEN


def _words(axes: Axes, x: float, y: float, text: str, **style) -> None:
    axes.text(x, y, text, **dict(fontsize=_SMALL, ha="center", va="center", linespacing=1.1, zorder=4) | style)
