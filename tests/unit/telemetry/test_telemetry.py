"""What the collector counts and logs about itself."""

import logging
from collections.abc import Generator

import pytest

from collector.telemetry.logging import configure_logging
from collector.telemetry.metrics import Counters


def test_counters_are_read_by_kind_and_under_their_opentelemetry_names() -> None:
    counters = Counters()
    counters.accept("traces", 3)
    counters.accept("logs", 2)
    counters.refuse("busy")
    counters.refuse("busy")
    counters.drop("invalid_ids", 1)
    counters.drop("metrics_without_exporter", 0)
    assert (counters.accepted, counters.accepted_total) == ({"traces": 3, "logs": 2}, 5)
    assert (counters.refused, counters.dropped) == ({"busy": 2}, {"invalid_ids": 1})
    assert counters.by_metric_name() == {
        "otelcol_receiver_accepted_spans": 3,
        "otelcol_receiver_accepted_log_records": 2,
        "otelcol_receiver_accepted_metric_points": 0,
        'otelcol_receiver_refused_requests{reason="busy"}': 2,
        'otelcol_processor_dropped_items{reason="invalid_ids"}': 1,
    }


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
