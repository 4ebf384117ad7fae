"""One record as it is stored, with its resource and scope: what another tool for OTLP reads."""

import re
from typing import NamedTuple

from collector.correlation.join import TraceKey
from collector.encoding.to_json import request_to_json
from collector.errors import QueryError
from collector.pdata.envelope import Signal
from collector.pdata.envelope_pb2 import RequestEnvelope, ResourceEnvelope
from collector.pdata.ids import trace_id_from_text
from collector.query.event_id import event_id
from collector.query.snapshot import Snapshot
from collector.store.api import Body, Row

_SPAN_ID = re.compile(r"([0-9a-f]{32}):[0-9a-f]{16}(:\d+)?", re.ASCII)


class FiledUnder(NamedTuple):
    """What an event says of where its record is filed: its own fields of these names, "" where it has none."""

    request_id: str = ""
    session_id: str = ""
    service: str = ""

    @property
    def trace_key(self) -> TraceKey | None:
        """The trace, or the pseudo trace in its place; None if nothing names one."""
        if self.request_id:
            trace_id = trace_id_from_text(self.request_id.lower())
            return TraceKey("trace", trace_id) if trace_id else None
        if self.session_id:
            return TraceKey("session", self.session_id.encode())
        return TraceKey("service", self.service.encode()) if self.service else None


def stored_otlp_json(snapshot: Snapshot, whole_id: str, filed_under: FiledUnder) -> bytes:
    """Return the record of an event as an Export…ServiceRequest in OTLP/JSON that holds it alone.

    The record of a span event is its span. Raises QueryError if no such event is stored.
    """
    of_span = _SPAN_ID.fullmatch(whole_id)
    trace_key = TraceKey("trace", bytes.fromhex(of_span[1])) if of_span else filed_under.trace_key
    row = _row_of(snapshot, whole_id, trace_key) if trace_key else None
    body = snapshot.bodies([row]).get(row.key) if row else None
    if row is None or body is None:
        raise QueryError(
            f"id: no event {whole_id[:80]!r} is stored; give the id of an event, and of a log also its request_id, or"
            " if it has none its session_id, or if it has neither its service"
        )
    signal = Signal.LOGS if row.signal == "log" else Signal.TRACES
    return request_to_json(signal, _request(body).SerializeToString())


def _request(body: Body) -> RequestEnvelope:
    """Put a record back into its resource and scope; what is empty in its context was not sent, or said nothing."""
    context = ResourceEnvelope.FromString(body.context)
    scope = context.scopes[0] if context.scopes else context.scopes.add()
    scope.records.append(body.raw)
    for message, names in ((context, ("resource", "schema_url")), (scope, ("scope", "schema_url"))):
        for name in names:
            if not getattr(message, name):
                message.ClearField(name)
    return RequestEnvelope(resources=[context])


def _row_of(snapshot: Snapshot, whole_id: str, trace_key: TraceKey) -> Row | None:
    counts = snapshot.trace(trace_key).counts
    for row in snapshot.adjusted(trace_key).rows:
        if event_id(row, counts.get((row.key.commit, row.key.position), 0)) == whole_id:
            return row
    return None
