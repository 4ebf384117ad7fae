"""`wait_for`: until the asked-for thing is there and has come to rest. Contract "Calls".

The same for every call: what is asked for is what matches, filters included. It is there if anything matches.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from collector.store.api import Reader

QUIET_S = 1.0
PROBE_INTERVAL_S = 0.05
CANCEL_CHECK_S = 0.25


class Probe(NamedTuple):
    """What is there of the asked-for thing: whether anything, and the last commit that added to it."""

    exists: bool
    last_commit: int


class Waited(NamedTuple):
    """How the waiting ended; `ended_after_s` is how long it was if it was ended before its time, else None."""

    exists: bool
    is_quiet: bool
    ended_after_s: float | None = None

    def missing(self, seconds: float) -> str:
        """Say what is still missing after a wait of at most `seconds`; "" if nothing is."""
        if self.is_quiet:
            return ""
        waited = f"{seconds:g} s"
        if self.ended_after_s is not None:
            waited = f"{math.floor(self.ended_after_s * 10) / 10:g} of {seconds:g} s, until the waiting was ended"
        if self.exists:
            return f"waited {waited}: more was still arriving"
        return f"waited {waited}: still missing, nothing that matches has arrived"


def wait_for(
    reader: Reader,
    probe: Callable[[], Probe],
    seconds: float,
    now_unix_nano: Callable[[], int],
    monotonic: Callable[[], float] = time.monotonic,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Waited:
    """Return when `probe` finds something to which nothing was committed for QUIET_S, or when the time is over.

    Returns soon after `is_cancelled` has turned true, too: nobody waits any more.
    """
    begin = monotonic()
    end = begin + seconds
    quiet_since: float = math.inf
    last_commit = -1
    while True:
        commit = reader.position().commit
        found = probe()
        now = monotonic()
        if found.exists and found.last_commit != last_commit:
            last_commit = found.last_commit
            committed = reader.commit_time_unix_nano(last_commit)
            age_s = (now_unix_nano() - committed) / 1e9 if committed else 0.0
            quiet_since = now - min(max(age_s, 0.0), QUIET_S)
        if found.exists and now - quiet_since >= QUIET_S:
            return Waited(True, True)
        if now >= end:
            return Waited(found.exists, False)
        if is_cancelled():
            return Waited(found.exists, False, now - begin)
        until = min(end, quiet_since + QUIET_S) if found.exists else end
        while (left := until - monotonic()) > 0 and not is_cancelled():
            if reader.wait_for_commit(commit, min(left, CANCEL_CHECK_S)) > commit:
                break
        # Many commits a second must not mean as many probes.
        pause = min(PROBE_INTERVAL_S, end - monotonic())
        if pause > 0 and reader.position().commit > commit:
            time.sleep(pause)
