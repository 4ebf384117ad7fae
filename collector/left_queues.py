"""Where queues of exporters are on disk, and those whose exporter no longer runs: nobody sends what waits in them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from collector.store.sqlite.lock import is_locked

QUEUE_FOLDER_NAME = "sending_queue"
SEGMENT_SUFFIX = ".segment"


class LeftQueue(NamedTuple):
    """One such queue: the id of the exporter that it was for, its folder, and how many bytes are in it."""

    exporter: str
    folder: Path
    size_bytes: int


def left_queues(folders: Iterable[Path]) -> list[LeftQueue]:
    """Return the queues in these folders that hold anything and that no process has open, by folder and id.

    Without a running collector those are all.
    """
    found: list[LeftQueue] = []
    for folder in (each for one in folders for each in sorted(one.glob("*/"))):
        try:
            size_bytes = sum(path.stat().st_size for path in folder.glob(f"*{SEGMENT_SUFFIX}"))
        except OSError:
            continue  # it is being sent from, and so has an exporter
        if size_bytes and not is_locked(folder):
            found.append(LeftQueue(unquote(folder.name), folder, size_bytes))
    return found
