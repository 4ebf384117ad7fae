"""`status`: what listens, who has sent what, what was refused or lost, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from collector.correlation.keys import SESSION_ID_BYTES_MAX
from collector.query.times import rfc3339
from collector.store.api import ServiceActivity, StoreStatus
from collector.telemetry.metrics import ExporterTrouble


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What only the running collector knows: where it listens (name to host:port), and what it counted by reason.

    `counters_unknown` says why the counts could not be asked for; "" if they are known.

    `session_ids_too_long` counts records that were kept without the session they name; `failing_exporters` are the
    ids of those whose last attempt to deliver failed, `exporter_troubles` what each lost, `queue_folders` where their
    queues are. When something was refused or dropped last, by reason, is known as far as it is told.
    """

    endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    session_ids_too_long: int = 0
    failing_exporters: Sequence[str] = ()
    exporter_troubles: Mapping[str, ExporterTrouble] = field(default_factory=dict[str, ExporterTrouble])
    queue_folders: Sequence[str] = ()
    counters_unknown: str = ""
    refused_last_unix_nano: Mapping[str, int] = field(default_factory=dict[str, int])
    dropped_last_unix_nano: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class LostPropagation:
    """A service whose spans stand in traces of their own while a session was calling it."""

    service: str
    requests: int
    example_request_id: str
    called_from: str

    def as_json(self) -> dict[str, Any]:
        """Return it as an answer holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much there is, as the lists see it."""

    sessions: int
    requests: int
    requests_without_session: int


def status_answer(
    store: StoreStatus, live: LiveStatus | None, holdings: Holdings, lost: Sequence[LostPropagation]
) -> dict[str, Any]:
    """Return the answer of `status`."""
    known = live or LiveStatus()
    dropped = {**known.dropped, "retention": store.counters.get("evicted_records", 0)}
    return {
        "endpoints": dict(known.endpoints),
        "services": [_service(activity) for activity in store.services],
        "refused": {reason: count for reason, count in sorted(known.refused.items()) if count},
        "dropped": {reason: count for reason, count in sorted(dropped.items()) if count},
        "session_ids_too_long": known.session_ids_too_long,
        "sessions": holdings.sessions,
        "requests": holdings.requests,
        "requests_without_session": holdings.requests_without_session,
        "bytes_on_disk": store.bytes_on_disk,
        "lost_propagation": [item.as_json() for item in lost],
        "advice": _advice(store, live, holdings, lost),
    }


def _service(activity: ServiceActivity) -> dict[str, Any]:
    return {
        "name": activity.service,
        "last_seen": rfc3339(activity.last_commit_unix_nano),
        "spans": activity.spans,
        "logs": activity.logs,
    }


def _advice(
    store: StoreStatus, live: LiveStatus | None, holdings: Holdings, lost: Sequence[LostPropagation]
) -> list[str]:
    advice: list[str] = []
    if live is None:
        advice.append("no collector runs on this data folder: start one with `gasoline serve`")
    elif live.counters_unknown:
        advice.append(f"what was refused or dropped is not known: {live.counters_unknown}")
    http = live.endpoints.get("http", "") if live else ""
    if not store.services:
        endpoint = f"http://{http}" if http else "the collector's HTTP endpoint"
        advice.append(f"nothing has arrived yet: set OTEL_EXPORTER_OTLP_ENDPOINT={endpoint} in a service and use it")
    elif not holdings.sessions:
        advice.append(
            "no record names a session: send X-Session-ID and have it captured, or set the attribute session.id;"
            ' until then ask observe(what="requests")'
        )
    advice += [
        f"{item.service} begins traces of its own while {item.called_from} calls it: traceparent is lost between them"
        for item in lost
    ]
    if live and any(live.refused.values()):
        advice.append("requests were refused: see `refused`; retryable ones were sent again by their senders")
    if live and any(live.dropped.values()):
        advice.append("records were dropped: see `dropped` for the reasons")
    if live and live.session_ids_too_long:
        advice.append(
            f"{live.session_ids_too_long} record(s) name a session by more than {SESSION_ID_BYTES_MAX} bytes; they are"
            " kept, but not under that name: send a shorter id"
        )
    return advice
