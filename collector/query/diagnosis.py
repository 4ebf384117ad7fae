"""Who has sent what lately, and how it came to be in a session: what `gasoline doctor` finds its findings in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import TraceKey
from collector.correlation.record import EventType, Evidence
from collector.pdata.attributes import PlainValue
from collector.query.catalog import Catalog
from collector.query.lost_propagation import lost_propagation_in
from collector.query.records import resource_attributes
from collector.query.snapshot import Snapshot, TimeLimit
from collector.query.status import LostPropagation
from collector.query.times import rfc3339
from collector.store.api import Reader, Row, ServiceActivity

DIAGNOSIS_TIME_S_MAX = 10.0
TRACES_DIAGNOSED_MAX = 2_000
EVIDENCE_NAMES = ("attribute", "header", "tracestate", "trace", "none")
_OWN_EVIDENCE = {Evidence.ATTRIBUTE: "attribute", Evidence.HEADER: "header", Evidence.TRACESTATE: "tracestate"}


@dataclass(slots=True)
class ServiceDiagnosis:
    """What one service has sent in the window.

    `evidence` counts its spans and log records by what put them into a session, `none` those in no session;
    `logs_alone` counts log records in no trace and no session, `requests_begun` SERVER spans without a parent,
    `requests_begun_without_session` those of them in traces of no session.
    """

    service: str
    last_seen_unix_nano: int = 0
    language: str = ""
    spans: int = 0
    logs: int = 0
    logs_alone: int = 0
    evidence: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EVIDENCE_NAMES, 0))
    requests_begun: int = 0
    requests_begun_without_session: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {
            "name": self.service,
            "last_seen": rfc3339(self.last_seen_unix_nano),
            "language": self.language,
            "spans": self.spans,
            "logs": self.logs,
            "evidence": dict(self.evidence),
            "requests_begun": self.requests_begun,
            "requests_begun_without_session": self.requests_begun_without_session,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The window [since, until) by commit time, and what was committed in it; `silent` sent something before it."""

    since_unix_nano: int
    until_unix_nano: int
    services: Sequence[ServiceDiagnosis]
    silent: Sequence[ServiceActivity]
    sessions: int
    requests: int
    lost: Sequence[LostPropagation]
    notes: Sequence[str]


def diagnose(reader: Reader, window_nano: int, now_unix_nano: int | None) -> Diagnosis:
    """Look at what was committed in the last `window_nano` before now; None stands for the time of the last commit.

    Traces count whole, of more than TRACES_DIAGNOSED_MAX those with the newest events. Raises what the reader raises.
    """
    position = reader.position()
    if now_unix_nano is None:
        now_unix_nano = reader.commit_time_unix_nano(position.commit) + 1
    since = now_unix_nano - window_nano
    snapshot = Snapshot(reader, position.commit, TimeLimit(DIAGNOSIS_TIME_S_MAX))
    catalog = Catalog(reader)
    catalog.advance(position, snapshot)
    after = _last_commit_before(reader, since, position.commit)
    recent = [
        trace_key
        for trace_key in catalog.trace_keys()
        if any(slot.last_commit > after for slot in catalog.merged.traces[trace_key].values())
    ]
    read = snapshot.read_ahead(recent[:TRACES_DIAGNOSED_MAX])
    if len(recent) > TRACES_DIAGNOSED_MAX:
        snapshot.note(f"partial: the newest {TRACES_DIAGNOSED_MAX} of {len(recent)} traces were looked at")
    activities = reader.status().services
    last_seen = {activity.service: activity.last_commit_unix_nano for activity in activities}
    services: dict[str, ServiceDiagnosis] = {}
    for trace_key in read:
        _add(services, catalog, snapshot, trace_key)
    for each in services.values():
        each.last_seen_unix_nano = last_seen.get(each.service, 0)
    return Diagnosis(
        since,
        now_unix_nano,
        [services[name] for name in sorted(services)],
        [activity for activity in activities if activity.service not in services],
        len({session_id for trace_key in read for session_id in catalog.session_ids_of(trace_key)}),
        sum(trace_key.is_trace for trace_key in read),
        lost_propagation_in(catalog, snapshot, set(read)) if read else [],
        snapshot.notes,
    )


def _last_commit_before(reader: Reader, time_unix_nano: int, last_commit: int) -> int:
    """Return the last commit before a time, 0 if there is none. Commit times only grow but for a clock set back."""
    low, high = 0, last_commit
    while low < high:
        middle = (low + high + 1) // 2
        if reader.commit_time_unix_nano(middle) < time_unix_nano:
            low = middle
        else:
            high = middle - 1
    return low


def _add(services: dict[str, ServiceDiagnosis], catalog: Catalog, snapshot: Snapshot, trace_key: TraceKey) -> None:
    is_in_session = bool(catalog.session_ids_of(trace_key))
    for row in snapshot.trace(trace_key).rows:
        if row.signal == "span_event":
            continue
        service = services.get(row.service)
        if service is None:
            service = services[row.service] = ServiceDiagnosis(row.service, language=_language(snapshot, row))
        if row.signal == "log":
            service.logs += 1
            service.logs_alone += not trace_key.is_trace and not row.session_id
        else:
            service.spans += 1
            if row.kind == Span.SPAN_KIND_SERVER and row.type is EventType.NETWORK and not row.parent_span_id:
                service.requests_begun += 1
                service.requests_begun_without_session += not is_in_session
        service.evidence[_OWN_EVIDENCE.get(row.evidence, "trace" if is_in_session else "none")] += 1


def _language(snapshot: Snapshot, row: Row) -> str:
    body = snapshot.bodies([row]).get(row.key)
    value: PlainValue = resource_attributes(body).get("telemetry.sdk.language") if body else None
    return value if isinstance(value, str) else ""
