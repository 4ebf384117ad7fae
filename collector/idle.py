"""When a collector that nobody uses may end."""

import asyncio
import time
from collections.abc import Callable, Hashable

CHECKS_PER_IDLE_TIME = 20
CHECK_INTERVAL_S_MAX = 30.0


async def wait_until_idle(
    idle_s: float,
    activity: Callable[[], Hashable],
    is_used: Callable[[], bool],
    clock_s: Callable[[], float] = time.monotonic,
) -> None:
    """Return when for `idle_s` seconds `activity()` has not changed and `is_used()` was false.

    Looks at fixed intervals, so that an export costs nothing here; it may return one interval late.
    """
    interval_s = min(idle_s / CHECKS_PER_IDLE_TIME, CHECK_INTERVAL_S_MAX)
    seen, idle_since_s = activity(), clock_s()
    while True:
        await asyncio.sleep(interval_s)
        now = activity()
        if now != seen or is_used():
            seen, idle_since_s = now, clock_s()
        elif clock_s() - idle_since_s >= idle_s:
            return
