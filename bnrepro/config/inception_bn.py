"""The plan of `inception_bn` as plain numbers: the table of the paper's appendix (Figure 5). Knows no Keras."""

from bnrepro.config.inception_small import Module

FIRST, REDUCE, SECOND = 64, 64, 192
"""Channels of the first convolution, of the 1x1 before the second, and of the second."""

DEPTH_MULTIPLIER = 8
"""Channels that the 7x7 of the first convolution makes of each color; a 1x1 follows it (the appendix: "separable")."""

STEMS = {"imagenet": 3, "small": 2}
"""What stands before the modules, and how often it halves the images."""

_TABLE = (
    # name, 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, projection, pool
    ("3a", 64, 64, 64, 64, 96, 32, "average"),
    ("3b", 64, 64, 96, 64, 96, 64, "average"),
    ("3c", 0, 128, 160, 64, 96, 0, "max"),
    ("4a", 224, 64, 96, 96, 128, 128, "average"),
    ("4b", 192, 96, 128, 96, 128, 128, "average"),
    ("4c", 160, 128, 160, 128, 160, 96, "average"),
    ("4d", 96, 128, 192, 160, 192, 96, "average"),
    ("4e", 0, 128, 192, 192, 256, 0, "max"),
    ("5a", 352, 192, 320, 160, 224, 128, "average"),
    ("5b", 352, 192, 320, 192, 224, 128, "max"),
)
"""In 4c and 4d the projection has the 96 channels that the printed output sizes ask for (576); with 128, as some nets have it,
they would be 608."""


def scaled(channels: int, width: int) -> int:
    """Channels of the paper's net in one whose first convolution has `width`; 0 stays 0."""
    return max(1, round(channels * width / FIRST)) if channels else 0


def inception_bn(width: int, size: int, stem: str = "imagenet") -> list[Module]:
    """The ten modules in their order.

    Args:
        width: Channels after the first convolution, 64 in the paper; all others in proportion.
        size: Height and width of the images, 224 in the paper.
        stem: What stands before them, one of `STEMS`.
    """
    size, channels, modules = halved(size, STEMS[stem]), scaled(SECOND, width), []
    for name, *numbers, pool in _TABLE:
        one, three_reduce, three, double_reduce, double, projection = (scaled(number, width) for number in numbers)
        strided = not one
        size, beside = (halved(size), channels) if strided else (size, one + projection)
        channels = three + double + beside
        kind = "stride" if strided else "inception"
        modules.append(
            Module(name, kind, one, three_reduce, three, double_reduce, double, projection, size, channels, pool)
        )
    return modules


def halved(size: int, times: int = 1) -> int:
    """Height and width after so many strides of 2."""
    return -(-size // 2**times)
