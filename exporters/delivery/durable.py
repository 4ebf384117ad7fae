"""What it takes until bytes and names are on disk. Both raise OSError."""

import os
from pathlib import Path


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of `data`; the operating system may take it in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Return when names that came to be in `folder`, or changed, are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
