"""Colors between colors. seaborn is loaded when the first are asked for, since it loads SciPy, which few figures need."""

from matplotlib.colors import Colormap


def light(color: str, reverse: bool = False) -> Colormap:
    """From nearly white to a color, or back."""
    import seaborn

    return seaborn.light_palette(color, reverse=reverse, as_cmap=True)


def between(*colors: str) -> Colormap:
    """From one color over the others to the last."""
    import seaborn

    return seaborn.blend_palette(colors, as_cmap=True)


def steps_between(*colors: str, count: int) -> list[str]:
    """`count` colors from the first to the last."""
    import seaborn

    return seaborn.blend_palette(colors, count).as_hex()
