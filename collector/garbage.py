"""When a collector's process looks for reference cycles."""

import gc
from collections.abc import Generator
from contextlib import contextmanager

# Objects that came and did not go again, then looks of each generation until the next older one is looked at as well.
# https://docs.python.org/3/library/gc.html#gc.set_threshold
THRESHOLDS = (700, 1, 10_000)


@contextmanager
def young_garbage_only() -> Generator[None]:
    """Look for cycles among new objects, hardly ever among all.

    All are hundreds of thousands, of what lists are made from and of ids seen of late. To walk them takes 0.2 s, in
    which nobody is answered, and finds nothing: what cycles requests and questions make are garbage while they are new.
    The few that are not wait for the ten thousandth look, or until the memory limiter has all looked at.
    """
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
