"""What `opentelemetry-instrument` calls once the SDK is set up, before it instruments libraries."""

from __future__ import annotations

import logging
import os

from opentelemetry import trace
from opentelemetry.environment_variables import OTEL_PROPAGATORS
from opentelemetry.sdk.trace import TracerProvider

from gasoline_opentelemetry.processors import SessionSpanProcessor
from gasoline_opentelemetry.session import SESSION_ID, session_in

PROPAGATOR = "gasoline"


def add_session_to_telemetry() -> None:
    """Name the session on every span and every record of `logging`, if OTEL_PROPAGATORS asks for `gasoline`."""
    if PROPAGATOR not in (name.strip() for name in os.environ.get(OTEL_PROPAGATORS, "").split(",")):
        return
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.add_span_processor(SessionSpanProcessor())
    _name_session_in_log_records()


def _name_session_in_log_records() -> None:
    # Not a log record processor: the exporting ones are set up by now, and copy a record before a later one sees it.
    make_record = logging.getLogRecordFactory()

    def make_record_of_session(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        session_id = session_in(None)
        if session_id is not None:
            record.__dict__.setdefault(SESSION_ID, session_id)
        return record

    logging.setLogRecordFactory(make_record_of_session)
