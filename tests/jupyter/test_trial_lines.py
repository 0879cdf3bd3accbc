"""What large runs take, in words; that they are tried is tested with docs/imagenet.md."""

import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.jupyter.trial_lines import in_long_words, trial_lines


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, "about 2 min"), (86_400, "about 24.0 h"), (31e6 * 0.03, "about 11 days")]
)
def test_long_times_are_told_in_days(seconds, words):
    assert in_long_words(seconds) == words


def test_runs_whose_data_are_in_memory_are_not_tried():
    assert trial_lines([RunConfig(), RunConfig(seed=1)]) == []
