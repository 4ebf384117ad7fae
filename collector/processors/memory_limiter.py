"""The processor `memory_limiter`: tells senders to wait while the collector holds too much memory.

https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor
"""

import ctypes
import gc
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from collector.component import Telemetry
from collector.config.duration import Duration, seconds
from collector.config.model import Settings
from collector.errors import BusyError

LIMIT_MIB_MAX = 1_048_576
CHECK_INTERVAL_S_MAX = 60.0
MEMORY_RETRY_AFTER_S = 1.0
_MIB = 1024 * 1024
_MEMORY_FILE = Path("/proc/self/statm")

_logger = logging.getLogger("gasoline.memory_limiter")


class MemoryLimiterSettings(Settings):
    """`processors.memory_limiter`, with the Collector's names.

    Requests are refused while resident memory is above `limit_mib` less `spike_limit_mib`: the latter is room for
    what comes in between two looks, which are `check_interval` apart at least.
    """

    check_interval: Duration = "1s"
    limit_mib: Annotated[int, Field(ge=1, le=LIMIT_MIB_MAX)] = 2048
    spike_limit_mib: Annotated[int, Field(ge=0)] = 512

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.spike_limit_mib >= self.limit_mib:
            raise ValueError("spike_limit_mib has to be less than limit_mib; nothing would ever be taken")
        if seconds(self.check_interval) > CHECK_INTERVAL_S_MAX:
            raise ValueError(f"check_interval is at most {CHECK_INTERVAL_S_MAX:g}s")
        return self


class MemoryLimiter:
    """Refuses requests while memory is above the limit; looks when one comes, not more often than set.

    `resident_bytes` returns 0 where the system does not tell; then nothing is ever refused, and a log line says so at
    the start. (What other systems tell is the most that was ever held: it would refuse for good.) `give_back` returns
    to the system what was freed, so that memory which only lies idle refuses nobody.
    """

    def __init__(
        self,
        settings: MemoryLimiterSettings,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        resident_bytes: Callable[[], int] | None = None,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        self._interval_s = seconds(settings.check_interval)
        self._above_mib = settings.limit_mib - settings.spike_limit_mib
        self._clock_s = clock_s
        self._resident_bytes = resident_bytes or read_resident_bytes
        self._give_back = give_back or give_back_memory
        self._looked_at_s: float | None = None
        self._held_mib = 0.0
        if resident_bytes is None and read_resident_bytes() == 0:
            _logger.warning(
                "memory_limiter: nothing will be refused, for this system has no %s that tells how much memory is held",
                _MEMORY_FILE,
            )

    def process(self, telemetry: Telemetry) -> None:
        """Let the request pass. See Processor. Raises BusyError while memory is above the limit."""
        now_s = self._clock_s()
        if self._looked_at_s is None or now_s - self._looked_at_s >= self._interval_s:
            self._looked_at_s = now_s
            self._look()
        if self._held_mib > self._above_mib:
            raise BusyError(
                f"the collector holds {self._held_mib:.0f} MiB of memory, over {self._above_mib} MiB "
                "(memory_limiter: limit_mib less spike_limit_mib); send again later",
                max(MEMORY_RETRY_AFTER_S, self._interval_s),
                limit="memory",
            )

    def _look(self) -> None:
        self._held_mib = self._resident_bytes() / _MIB
        if self._held_mib > self._above_mib:
            self._give_back()
            self._held_mib = self._resident_bytes() / _MIB


def read_resident_bytes() -> int:
    """Return the resident memory of this process; 0 where the system has no file that tells it (Linux has)."""
    try:
        pages = int(_MEMORY_FILE.read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def give_back_memory() -> None:
    """Free what nothing refers to any more and, where the C library can, give the system its pages back."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
