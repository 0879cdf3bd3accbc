"""What large runs take, in words; that they are tried is tested with docs/imagenet.md."""

import os

import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.jupyter import trial_lines as module
from bnrepro.jupyter.trial_lines import in_long_words, trial_lines


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, "about 2 min"), (86_400, "about 24.0 h"), (31e6 * 0.03, "about 11 days")]
)
def test_long_times_are_told_in_days(seconds, words):
    assert in_long_words(seconds) == words


def test_runs_whose_data_are_in_memory_are_not_tried():
    assert trial_lines([RunConfig(), RunConfig(seed=1)]) == []


def too_large(config):
    raise MemoryError


def killed(config):
    os._exit(9)


@pytest.mark.parametrize("ended", [too_large, killed])
def test_a_net_that_does_not_fit_is_told_in_one_line(ended, monkeypatch):
    monkeypatch.setattr(module, "_tried", ended)
    words = r"mlp, normalization none, on imagenet, does not fit here with mini-batches of 7; lower batch_size$"
    with pytest.raises(UserError, match=words):
        trial_lines([RunConfig(task="imagenet", folder="/nowhere", batch_size=7)])
