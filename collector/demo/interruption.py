"""Ctrl-C that never leaves a process behind: it takes effect once, and not while a process is being started."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Turns the first SIGINT or SIGTERM into KeyboardInterrupt; later ones do not disturb the cleaning up."""

    def __init__(self) -> None:
        self._seen = False
        self._pending = False
        self._deferred = False

    @contextmanager
    def installed(self) -> Generator[None]:
        """Handle both signals inside the block. In another thread than the main one, where none arrive, do nothing."""
        numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        before = [(number, signal.signal(number, self._on_signal)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Let a signal wait for the end of the block: what starts in it is in the hands of its cleaner by then."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _on_signal(self, signal_number: int, frame: FrameType | None) -> None:
        if self._seen:
            return
        self._seen = True
        if self._deferred:
            self._pending = True
        else:
            raise KeyboardInterrupt
