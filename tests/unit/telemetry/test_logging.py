"""The collector's own log lines."""

import logging
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
