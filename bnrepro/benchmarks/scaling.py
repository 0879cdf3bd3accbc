"""How many runs an hour a cluster does, modelled from what is measured: `python -m bnrepro.benchmarks.scaling`. Measures nothing.

Workers do runs at once, and the driver does what it has to do for each run one after the other, so with W workers

    runs an hour = 3600 N / max(start + ceil(N / W) run, N driver),

of a sweep of N runs, where `run` is a run's seconds on one worker, `start` what a worker takes to load the backend and to
compile, and `driver` what it takes to send a run and to record it.
"""

import argparse

WORKERS = (1, 2, 8, 32, 128, 512, 1_000)


def runs_an_hour(workers: int, run: float, start: float, driver: float, runs: int) -> float:
    """Of a sweep.

    Args:
        workers: How many train at once.
        run: Seconds of a run on a worker.
        start: Seconds until a worker trains its first run: loading the backend, and compiling.
        driver: Seconds of the driver for each run.
        runs: In all.
    """
    each = -(-runs // workers)  # by the worker that does the most
    return 3_600 * runs / max(start + each * run, runs * driver)


def largest_useful(run: float, driver: float) -> float:
    """Workers that keep the driver busy all the time: more of them bring nothing."""
    return run / driver


def table(run: float, start: float, driver: float, runs: int) -> str:
    """Runs an hour by workers, as Markdown."""
    rows = [(workers, runs_an_hour(workers, run, start, driver, runs)) for workers in WORKERS]
    lines = [f"| {workers:,} | {hourly:,.0f} | {hourly / (workers * rows[0][1]):.0%} |" for workers, hourly in rows]
    return "\n".join(["| workers | runs an hour | of one worker's times their number |", "|---|---|---|", *lines])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bnrepro.benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=float, default=15.0, metavar="SECONDS", help="a run on one worker")
    parser.add_argument(
        "--start", type=float, default=8.0, metavar="SECONDS", help="until a worker trains its first run"
    )
    parser.add_argument("--driver", type=float, default=11.0, metavar="MS", help="rows cluster/send and cluster/record")
    parser.add_argument("--runs", type=int, default=3_000, metavar="COUNT", help="of the sweep")
    given = parser.parse_args(arguments)
    print(table(given.run, given.start, given.driver / 1e3, given.runs))
    print(f"\nThe driver is busy all the time from {largest_useful(given.run, given.driver / 1e3):,.0f} workers on.")


if __name__ == "__main__":
    main()
