"""What a process that trains on TensorFlow begins as a copy of. Python imports this in its `forkserver` (see `process_start`)."""

import contextlib
import gc
import signal

from bnrepro.backend.tensorflow_logging import import_tensorflow

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C meanwhile needs no traceback
with contextlib.suppress(Exception):  # what is wrong is told in the copy, which tries once more
    import_tensorflow()
gc.freeze()  # what is loaded stays, so a copy neither looks through it nor writes to its pages
