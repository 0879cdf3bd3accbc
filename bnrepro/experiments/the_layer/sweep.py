"""Trains nothing: how many random draws the layer is measured with. Knows no table."""

from bnrepro.config.group import Sweep
from bnrepro.config.validation import check_preset, check_type
from bnrepro.errors import UserError

PRESETS = {"smoke": {"draws": 2}, "quick": {"draws": 8}, "paper": {"draws": 20}}
TABLES = ("facts", "pairs", "bias")


def sweep(preset: str, draws: int = 0) -> Sweep:
    """No run. Raises `UserError` for draws out of range."""
    count(preset, draws)
    return {}


def count(preset: str, draws: int = 0) -> int:
    """Random draws of each measurement, 0 meaning the preset's."""
    if check_type("draws", draws, int) < 0:
        raise UserError(f"draws is 0 or above: got {draws}; leave it out for the preset's value")
    return draws or PRESETS[check_preset(preset)]["draws"]
