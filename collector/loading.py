"""How packages are loaded when somebody waits for the process to be there."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """Load packages without looking for garbage: there is none among classes, and looking costs a tenth of the time.

    What was loaded is never looked at again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
