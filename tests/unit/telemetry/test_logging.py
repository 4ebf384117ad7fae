"""The collector's own log lines."""

import io
import json
import logging
import re
import sys
from collections.abc import Generator

import pytest

from collector.telemetry.logging import configure_logging


@pytest.fixture
def restored_logging() -> Generator[None]:
    """The root logger is pytest's again afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_a_message_is_one_line_whatever_a_sender_put_into_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("gasoline").info("name %s", "a\nERROR forged\r")
    logging.getLogger("gasoline").debug("not shown")
    logging.getLogger("uvicorn.error").info("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("Z INFO gasoline name a\\nERROR forged\\r")


@pytest.mark.usefixtures("restored_logging")
def test_json_lines_have_the_keys_of_the_collector(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug", "json")
    logger = logging.getLogger("gasoline.part")
    logger.warning('said "%s"', "a\nb")
    try:
        raise ValueError("wrong")
    except ValueError:
        logger.exception("failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    stacktrace = second.pop("stacktrace")
    assert stacktrace.startswith("Traceback") and stacktrace.endswith("ValueError: wrong")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts")) for line in (first, second))
    assert (first, second) == (
        {"level": "warn", "logger": "gasoline.part", "msg": 'said "a\nb"'},
        {"level": "error", "logger": "gasoline.part", "msg": "failed"},
    )


class BrokenPipe(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError


@pytest.mark.usefixtures("restored_logging")
def test_a_log_that_nobody_reads_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", BrokenPipe())
        configure_logging("info")
    logging.getLogger("gasoline").info("lost")
    assert capsys.readouterr().err == ""
    logging.getLogger("gasoline").info("%d", "no number")
    assert "Logging error" in capsys.readouterr().err
