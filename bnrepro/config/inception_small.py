"""The plan of `inception_small` as plain numbers, for the model that is built and the picture that is drawn. Knows no Keras."""

from typing import NamedTuple


class Module(NamedTuple):
    """One module: channels of its branches, and the images it gives, `size` by `size` with `channels`.

    The kinds are `stem` (one 3x3 convolution of stride 2), `inception` (branches 1x1, 3x3, double 3x3 and pool
    projection, side by side) and `stride` (3x3 and double 3x3 of stride 2 beside a max pool, as in the paper's 3c and 4e).
    `pool` is what stands before a projection, `average` or `max`.
    """

    name: str
    kind: str
    one: int
    three_reduce: int
    three: int
    double_reduce: int
    double: int
    projection: int
    size: int
    channels: int
    pool: str = "average"


def inception_small(width: int, size: int) -> list[Module]:
    """The modules in their order, named after those of the paper's appendix that they stand for.

    Args:
        width: Channels after the stem, all others in proportion.
        size: Height and width of the images.
    """
    half, size = max(width // 2, 1), -(-size // 2)
    modules = [Module("stem", "stem", 0, 0, width, 0, 0, 0, size, width)]
    for name, kind, times in (("3a", "inception", 1), ("3c", "stride", 1), ("4a", "inception", 2), ("4e", "stride", 2)):
        one, three, double, projection = times * width, times * width, times * half, times * half
        channels = one + three + double + projection
        if kind == "stride":
            one = projection = 0
            size, channels = -(-size // 2), three + double + modules[-1].channels
        # Each 3x3 branch begins with a 1x1 convolution of half as many channels, "reduce".
        modules.append(Module(name, kind, one, three // 2, three, double // 2, double, projection, size, channels))
    return modules
