"""Our own log lines: one line each, on stderr, in UTC."""

import logging
import sys
import time
from typing import Final, Literal

LogLevel = Literal["debug", "info", "warn", "error"]

_LINE_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_QUIET_LIBRARIES: Final = ("uvicorn", "mcp", "asyncio", "grpc", "httpx2")


class _OneLine(logging.Formatter):
    """A formatter whose output is one line: what senders put into a message cannot forge a second one."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.exc_info else text.replace("\r", "\\r").replace("\n", "\\n")


def configure_logging(level: LogLevel) -> None:
    """Send the log lines of this process at or above `level` to stderr; libraries only from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(_LINE_FORMAT, _TIME_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(
        {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}[level]
    )
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
