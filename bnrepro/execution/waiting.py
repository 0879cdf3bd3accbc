"""Waits for runs, and tells which of them failed. Knows futures, no record and no process."""

import concurrent.futures

from bnrepro.errors import one_line


class RunsFailed(RuntimeError):
    """Some of `total` runs failed; all others are recorded. The message names three, `failures` has a line for each."""

    def __init__(self, failures: list[str], total: int):
        named = "; ".join(map(one_line, failures[:3]))
        super().__init__(f"{len(failures)} of {total} runs failed, the others are recorded: {named}")
        self.failures, self.total = failures, total


def told(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(f"({type(error).__name__}: {error})".split())


def wait_for(futures: dict, while_waiting, when_done) -> None:
    """Waits until all are done.

    Args:
        futures: The group of runs of each future.
        while_waiting: Called now and then, without arguments.
        when_done: Called with each group that is done and did not fail.

    Raises:
        RunsFailed: Some raised.
    """
    failures, pending = [], set(futures)
    while pending:
        done, pending = concurrent.futures.wait(pending, timeout=0.2, return_when="FIRST_COMPLETED")
        while_waiting()
        for future in done:
            if error := future.exception():
                failures += [f"{config.id} {told(error)}" for config in futures[future]]
            else:
                when_done(futures[future])
    if failures:
        raise RunsFailed(failures, sum(map(len, futures.values())))
