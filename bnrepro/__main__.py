"""`python -m bnrepro` is the command `bnrepro`. Both begin here, so that an interrupt while they load is told in a line too."""

import gc
import sys


def main() -> int:
    """Runs the command that was typed, and returns its exit code."""
    gc.set_threshold(20_000)  # new objects, not 700: a tenth of the time of `bnrepro figures` went there
    try:
        from bnrepro import cli

        return cli.main()
    except KeyboardInterrupt:
        print("bnrepro: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
