"""Processes that the demo starts, and ends by their own ids."""

import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from collector.errors import GasolineError

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
LINES_KEPT_MAX = 40
LINES_TOLD_MAX = 12


class DemoError(GasolineError):
    """The demo cannot go on; the text says what failed, with the last lines of the process that did."""


class StartedProcess:
    """One child process: its output is kept, not shown; it is ended by `stop`, whatever happened before."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], *, ends_with_stdin: bool = False
    ) -> None:
        """Start `python <arguments>` with this environment and no other.

        A process that `ends_with_stdin` is given the time to do so before it is asked by signal.
        """
        self.name = name
        self._ends_with_stdin = ends_with_stdin
        self._lines: deque[str] = deque(maxlen=LINES_KEPT_MAX)
        self._news = threading.Condition()
        self._ended = False
        # A session of its own, so that Ctrl-C reaches this process alone, which then ends its children in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Return the match of the first line of output that `pattern` is found in. Raises DemoError."""
        compiled = re.compile(pattern)
        with self._news:
            self._news.wait_for(lambda: self._ended or self._find(compiled) is not None, START_TIMEOUT_S)
            found = self._find(compiled)
            ended = self._ended
        if found is not None:
            return found
        what = "ended before it was ready" if ended else f"was not ready within {START_TIMEOUT_S:.0f} s"
        raise DemoError(f"{self.name} {what}{self.last_lines()}")

    def check(self) -> None:
        """Raise DemoError if the process has ended by itself."""
        status = self._process.poll()
        if status is not None:
            self._reader.join(STOP_TIMEOUT_S)
            raise DemoError(f"{self.name} ended with status {status}{self.last_lines()}")

    def last_lines(self) -> str:
        """Return the end of the output as a block to put behind a message."""
        with self._news:
            lines = list(self._lines)[-LINES_TOLD_MAX:]
        return "".join(f"\n  {self.name} | {line}" for line in lines) or " and printed nothing"

    def stop(self) -> None:
        """End the process: its input closes, then it is asked to end, then it is killed. May be called twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if not (self._ends_with_stdin and self._has_ended()):
            self._process.send_signal(signal.SIGTERM)
            if not self._has_ended():
                self._process.kill()
                self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)

    def _has_ended(self) -> bool:
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is not None:
            with stream:
                for line in stream:
                    with self._news:
                        self._lines.append(line.decode(errors="replace").rstrip())
                        self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        for line in self._lines:
            found = pattern.search(line)
            if found is not None:
                return found
        return None
