"""Processors that name the session on what a service records. They come before the processors that export."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from gasoline_opentelemetry.session import SESSION_ID, session_in


class SessionSpanProcessor(SpanProcessor):
    """Sets `session.id` on every span that starts in a session and does not name one itself."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """See the class."""
        session_id = session_in(parent_context)
        if session_id is not None and SESSION_ID not in (span.attributes or {}):
            span.set_attribute(SESSION_ID, session_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing: the span had its session from the start."""


class SessionLogRecordProcessor(LogRecordProcessor):
    """Sets `session.id` on every log record that is emitted in a session and does not name one itself."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """See the class."""
        record = log_record.log_record
        session_id = session_in(record.context)
        attributes = record.attributes or {}
        if session_id is not None and SESSION_ID not in attributes:
            record.attributes = {**attributes, SESSION_ID: session_id}

    def shutdown(self) -> None:
        """Do nothing: nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: nothing is held."""
        return True
