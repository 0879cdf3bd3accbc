"""`python -m bnrepro` is the command `bnrepro`."""

import sys

from bnrepro.cli import main

sys.exit(main())
