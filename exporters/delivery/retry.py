"""When a request that could not be delivered is sent again. Names and times are the Collector's.

https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configretry
"""

import math
from typing import Annotated

from pydantic import AfterValidator

from collector.config.duration import Duration, seconds
from collector.config.model import Settings

MULTIPLIER = 1.5
RANDOMIZATION = 0.5
INTERVAL_S_MIN = 0.1
RETRY_AFTER_S_MAX = 3600.0


class NotDeliveredError(Exception):
    """A backend did not take a request; `retryable` if it may later, `retry_after_s` if it said when.

    `is_fault`: it failed itself, with an answer that OTLP calls final. What crashes says so, too, and may be well soon.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_s: float | None = None, is_fault: bool = False
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.is_fault = is_fault


def _check_interval(interval: str) -> str:
    if seconds(interval) < INTERVAL_S_MIN:
        raise ValueError(f"{interval!r} must be at least {INTERVAL_S_MIN * 1000:g}ms")
    return interval


_Interval = Annotated[Duration, AfterValidator(_check_interval)]


class RetrySettings(Settings):
    """`retry_on_failure`: pauses grow from `initial_interval` to `max_interval`.

    After `max_elapsed_time` a request is given up; 0 is never, for what was acknowledged must not be lost. After
    `max_elapsed_time_on_fault` it is given up where the backend fails at it: it may be what makes the backend fail.
    """

    initial_interval: _Interval = "5s"
    max_interval: _Interval = "30s"
    max_elapsed_time: Duration = "0s"
    max_elapsed_time_on_fault: Duration = "10m"


class Backoff:
    """The pauses of one request: each longer than the one before, in a random measure. Pure."""

    def __init__(self, settings: RetrySettings, started_s: float) -> None:
        """`started_s` is the time of the first attempt on the clock that `pause_s` is given."""
        self._interval_s = seconds(settings.initial_interval)
        self._interval_s_max = seconds(settings.max_interval)
        self._elapsed_s_max = seconds(settings.max_elapsed_time) or math.inf
        self._fault_s_max = min(self._elapsed_s_max, seconds(settings.max_elapsed_time_on_fault) or math.inf)
        self._started_s = started_s

    def pause_s(
        self, now_s: float, randomness: float, retry_after_s: float | None, *, is_fault: bool = False
    ) -> float | None:
        """Return how long to wait before the next attempt; None if the request is to be given up.

        `randomness` is between 0 and 1. Never shorter than the backend asked for, within RETRY_AFTER_S_MAX.
        """
        base_s = min(self._interval_s, self._interval_s_max)
        self._interval_s = base_s * MULTIPLIER
        pause_s = base_s * (1 - RANDOMIZATION + 2 * RANDOMIZATION * randomness)
        if retry_after_s is not None:
            pause_s = max(pause_s, min(retry_after_s, RETRY_AFTER_S_MAX))
        elapsed_s_max = self._fault_s_max if is_fault else self._elapsed_s_max
        return None if now_s + pause_s - self._started_s > elapsed_s_max else pause_s
