"""Which events a question asks for: by their rows where that suffices, by their words for `query`."""

from collections.abc import Iterable
from typing import NamedTuple

from collector.correlation.record import EventType, Severity
from collector.pdata import native
from collector.pdata.attributes import PlainValue
from collector.query.adjusters import ORDER_KERNEL, Ordered
from collector.query.params import ObserveParams
from collector.query.timeline import Text
from collector.query.times import time_unix_nano_of
from collector.query.values import json_text, json_value
from collector.store.api import Row

_TYPES = {"network": EventType.NETWORK, "span": EventType.SPAN, "event": EventType.EVENT, "log": EventType.LOG}


class Window(NamedTuple):
    """From `since` on, before `until`, in unix nanoseconds; None leaves that side open."""

    since: int | None
    until: int | None

    def holds(self, time_unix_nano: int) -> bool:
        """Tell whether a time lies in the window."""
        return (self.since is None or time_unix_nano >= self.since) and (
            self.until is None or time_unix_nano < self.until
        )

    def overlaps(self, start_time_unix_nano: int, last_time_unix_nano: int) -> bool:
        """Tell whether anything between two times, both included, lies in the window."""
        return (self.since is None or last_time_unix_nano >= self.since) and (
            self.until is None or start_time_unix_nano < self.until
        )


EVERY_TIME = Window(None, None)


def window_of(params: ObserveParams, now_unix_nano: int) -> Window:
    """Resolve `since` and `until`; ages count from now."""
    return Window(
        None if params.since is None else time_unix_nano_of(params.since, now_unix_nano),
        None if params.until is None else time_unix_nano_of(params.until, now_unix_nano),
    )


class Selection:
    """The event filters of one question."""

    def __init__(self, params: ObserveParams, window: Window) -> None:
        self._window = window
        self._service = params.service
        self._severity = Severity[params.severity] if params.severity else None
        wanted = set(params.event_types or ())
        self._types = {_TYPES[name] for name in wanted if name != "error"} if wanted else None
        self._wants_logs = "log" in wanted
        self._wants_errors = "error" in wanted
        self.query = params.query.casefold() if params.query else ""
        self._takes_every = window == EVERY_TIME and not (self._service or self._severity or wanted)
        self._kernel = native.kernel(ORDER_KERNEL)

    def of(self, ordered: Ordered) -> Ordered:
        """Return the events that pass every filter but `query`, in their order."""
        if self._takes_every:
            return ordered
        if self._kernel is None or not isinstance(ordered, self._kernel.NativeOrder):
            return [item for item in ordered if self.takes(item[1])]
        severity = self._severity or Severity.NONE
        return self._kernel.NativeOrder.select(
            ordered, self._service, severity, self._types, self._wants_logs, self._wants_errors, *self._window
        )

    def takes(self, row: Row) -> bool:
        """Tell whether a row passes every filter but `query`."""
        if self._service is not None and row.service != self._service:
            return False
        if self._severity is not None and row.severity < self._severity:
            return False
        if self._types is not None and not (
            row.type in self._types or (self._wants_logs and row.signal == "log") or (self._wants_errors and row.error)
        ):
            return False
        return self._window.holds(row.time_unix_nano)

    def matches(self, text: Text) -> bool:
        """Tell whether a record's words hold the query."""
        return (
            self.query in text.name.casefold()
            or self.query in text.status_message.casefold()
            or _holds(text.attributes.values(), self.query)
            or _holds_body(text.body, self.query)
        )


def _holds_body(body: PlainValue, query: str) -> bool:
    if body is None:
        return False
    return _holds((body,), query) or (
        not isinstance(body, (str, bytes)) and query in json_text(json_value(body)).casefold()
    )


def _holds(values: Iterable[PlainValue], query: str) -> bool:
    """Tell whether any text among values, nested ones too, holds the query."""
    for value in values:
        if isinstance(value, str):
            if query in value.casefold():
                return True
        elif isinstance(value, list):
            if _holds(value, query):
                return True
        elif isinstance(value, dict) and _holds(value.values(), query):
            return True
    return False
