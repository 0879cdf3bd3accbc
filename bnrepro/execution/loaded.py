"""What a process that trains begins as a copy of: TensorFlow is loaded and has done nothing yet, so there is one thread to copy.

Python imports this in the process that it forks others from (`multiprocessing.set_forkserver_preload`).
"""

import gc

from bnrepro.backend.tensorflow_logging import import_tensorflow

import_tensorflow()
gc.freeze()  # what is loaded stays, so a copy neither looks through it nor writes to its pages
