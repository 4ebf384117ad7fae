"""What the operating system counts of this process: memory, CPU time, and for how long it has run."""

import os
import time
from pathlib import Path

from collector.telemetry.metrics import PROCESS_CPU_SECONDS, PROCESS_MEMORY_RSS, PROCESS_UPTIME, Counters

_MEMORY_FILE = Path("/proc/self/statm")


def watch_process(counters: Counters) -> None:
    """Show the process among the metrics; resident memory only where the system tells it in a file (Linux)."""
    started_s = time.monotonic()
    counters.watch(PROCESS_CPU_SECONDS, (), time.process_time)
    counters.watch(PROCESS_UPTIME, (), lambda: time.monotonic() - started_s)
    if _MEMORY_FILE.exists():
        page_bytes = os.sysconf("SC_PAGE_SIZE")
        counters.watch(PROCESS_MEMORY_RSS, (), lambda: int(_MEMORY_FILE.read_text().split()[1]) * page_bytes)
