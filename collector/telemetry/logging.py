"""Our own log lines: one line each, on stderr, in UTC; as text, or as JSON with the keys of the Collector's."""

import json
import logging
import sys
import time
from typing import Final, Literal, TextIO

LogLevel = Literal["debug", "info", "warn", "error"]
LogEncoding = Literal["console", "json"]

_LINE_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_LEVEL_NAMES: Final = {logging.WARNING: "warn", logging.CRITICAL: "fatal"}
_QUIET_LIBRARIES: Final = ("uvicorn", "mcp", "asyncio", "grpc", "httpx2")


class _OneLine(logging.Formatter):
    """A formatter whose output is one line: what senders put into a message cannot forge a second one."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.exc_info else text.replace("\r", "\\r").replace("\n", "\\n")


class _JsonLine(logging.Formatter):
    """A formatter whose output is one JSON object: `level`, `ts`, `logger`, `msg`, and `stacktrace` of an error."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": _LEVEL_NAMES.get(record.levelno, record.levelname.lower()),
            "ts": f"{self.formatTime(record, _TIME_FORMAT)}.{int(record.msecs):03}Z",
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            line["stacktrace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _OutlivingHandler(logging.StreamHandler[TextIO]):
    """A handler that is silent about lines that nobody reads any more: whoever held the other end is gone."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the name that logging calls
        if not isinstance(sys.exception(), BrokenPipeError):
            super().handleError(record)


def configure_logging(level: LogLevel, encoding: LogEncoding = "console") -> None:
    """Send the log lines of this process at or above `level` to stderr; libraries only from WARNING up."""
    handler = _OutlivingHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if encoding == "json" else _OneLine(_LINE_FORMAT, _TIME_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(
        {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}[level]
    )
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
