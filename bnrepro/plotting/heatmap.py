"""Heat maps over learning rate and initial standard deviation. Knows no run, no experiment and no file."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Rectangle

from bnrepro.plotting.inks import INK
from bnrepro.plotting.style import small


def heat_map(axes: Axes, cells: pd.DataFrame, value: str, words: str, colors: Colormap, norm: Normalize) -> None:
    """Colored cells over learning rate and initial standard deviation, each with its text; without a value, pale grey.

    Args:
        axes: Where to.
        cells: `initial_std`, `learning_rate`, and the columns that `value` (a number) and `words` (its text) name.
        value: Column of the color.
        words: Column of the text.
        colors: Color map.
        norm: From values to colors.
    """
    keys = dict(index="initial_std", columns="learning_rate")
    numbers, texts = cells.pivot(values=value, **keys), cells.pivot(values=words, **keys)
    axes.set_facecolor("#F0F0F0")
    axes.pcolormesh(numbers.to_numpy(), cmap=colors, norm=norm, edgecolors="white", linewidth=0.8)
    for row, std in enumerate(numbers.index):
        for column, rate in enumerate(numbers.columns):
            red, green, blue, _ = (
                colors(norm(numbers.loc[std, rate])) if pd.notna(numbers.loc[std, rate]) else (1, 1, 1, 1)
            )
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            text = dict(ha="center", va="center", fontsize=small(), color="white" if dark else INK)
            axes.text(column + 0.5, row + 0.5, texts.loc[std, rate], **text)
    axes.set_xticks([index + 0.5 for index in range(len(numbers.columns))], [f"{rate:g}" for rate in numbers.columns])
    axes.set_yticks([index + 0.5 for index in range(len(numbers.index))], [f"{std:g}" for std in numbers.index])
    axes.set(xlabel="Learning rate")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def frame_cell(axes: Axes, cells: pd.DataFrame, initial_std: float, learning_rate: float) -> None:
    """Frames one cell of a heat map, where it has it."""
    stds, rates = sorted(set(cells["initial_std"])), sorted(set(cells["learning_rate"]))
    if initial_std in stds and learning_rate in rates:
        corner = (rates.index(learning_rate), stds.index(initial_std))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.5, clip_on=False, zorder=3))
