"""What is wrong between services and sessions, and the exact line that changes it. Pure: facts in, findings out."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from collector.correlation.keys import SESSION_ID_BYTES_MAX
from collector.query.diagnosis import Diagnosis, ServiceDiagnosis
from collector.query.status import LiveStatus, LostPropagation
from collector.query.times import rfc3339
from collector.telemetry.metrics import ExporterTrouble

UNKNOWN_SERVICE = "unknown_service"
LOGS_JUDGED_MIN = 5


class Finding(NamedTuple):
    """One finding: a `problem` loses something, a `hint` would gain something; `change` holds the lines to change."""

    level: Literal["problem", "hint"]
    code: str
    service: str
    message: str
    change: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {**self._asdict(), "change": list(self.change)}


PortProblem = Literal["", "unreachable", "busy", "token_refused"]


class Port(NamedTuple):
    """One port of the collector as an SDK or a browser meets it; `problem` is "" if all is well, `told` says more."""

    name: str
    endpoint: str
    problem: PortProblem = ""
    told: str = ""


_CAPTURE_SESSION: Mapping[str, Sequence[str]] = {
    "python": ["OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=X-Session-ID"],
    "java": ["OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=X-Session-ID"],
    "dotnet": ["OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=X-Session-ID"],
    "nodejs": ["NODE_OPTIONS=--require=./node.cjs (the file otel-config/sdk/node.cjs)"],
}
_SEND_TRACESTATE = "send `tracestate: gasoline=<session id>` beside traceparent with the first request"
# Go and Rust set up the SDK in their code, where no variable does; in Node.js a variable is not always enough.
_EXPORT_LOGS: Mapping[str, Sequence[str]] = {
    "nodejs": [
        "OTEL_LOGS_EXPORTER=otlp (pino and bunyan; winston with the package @opentelemetry/winston-transport)",
        "NODE_OPTIONS=--require=./node.cjs (the file otel-config/sdk/node.cjs), for ES modules,",
    ],
    "go": ["code: a LoggerProvider with the exporter otlploggrpc, and slog through the bridge otelslog"],
    "rust": [
        "code: an SdkLoggerProvider with the exporter of opentelemetry-otlp, and tracing through "
        "opentelemetry-appender-tracing"
    ],
}
_EXPORT_SPANS: Mapping[str, Sequence[str]] = {
    "go": ["code: a TracerProvider with the exporter otlptracegrpc"],
    "rust": ["code: an SdkTracerProvider with the exporter of opentelemetry-otlp"],
}
_PORT_PROBLEMS: Mapping[str, tuple[str, Sequence[str]]] = {
    "unreachable": ("does not answer", ()),
    "busy": (
        "tells senders to come again",
        ["nothing for now: they do so by themselves; if it stays so, what the answer names"],
    ),
    "token_refused": (
        "does not know the token of this shell",
        ["export GASOLINE_TOKEN=<the value that the collector was started with>"],
    ),
}
# Where it is not known which of several exporters it is: its lines in the log begin with its id.
_OF_LOG = "exporters.<the one that the log names>"
_A_BACKEND = "a backend that is forwarded to"
# By what the last attempt was told, which exporters/otlp_grpc.py and otlp_http.py word; else the address may be wrong.
_AWAY: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile("did not answer within|answered DEADLINE_EXCEEDED"),
        f"{_OF_LOG}.timeout: 60s, or look after the backend",
    ),
    (
        re.compile("answered (429|502|503|504|RESOURCE_EXHAUSTED|ABORTED|UNAVAILABLE: (?!failed to|DNS))"),
        f"nothing for now: it is sent again by itself; if it stays so, {_OF_LOG}.sending_queue.queue_size: 1073741824",
    ),
    (
        re.compile("answered (408|5[0-9][0-9]|INTERNAL|UNKNOWN)"),
        "what the backend's own log names: it fails itself, and what it fails at is given up after "
        f"{_OF_LOG}.retry_on_failure.max_elapsed_time_on_fault",
    ),
)
_ELSEWHERE = f"{_OF_LOG}.endpoint: <where the backend answers>"
_QUEUE_REASONS = ("busy_sending_queue", "busy_sending_queue_disk")
_FORWARDING = ("otlp", "otlphttp")
_AGAIN = "senders were told to come again, which they do by themselves"
# What is full, or in the way, while they are told so.
_BUSY: Mapping[str, tuple[str, str]] = {
    "busy_in_flight_bytes": (
        "more bytes came at a time than may wait to be stored",
        "service.in_flight.bytes_max: 536870912",
    ),
    "busy_in_flight_requests": (
        "more requests came at a time than may wait to be stored",
        "service.in_flight.requests_max: 20000 (or larger batches in the senders: OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512)",
    ),
    "busy_memory": (
        "the collector held as much memory as it may",
        "processors.memory_limiter.limit_mib: 4096 (if the machine has it)",
    ),
    "busy_body_timeout": (
        "bodies came too slowly",
        "receivers.otlp.protocols.http.body_timeout_s: 120 (or compress: OTEL_EXPORTER_OTLP_COMPRESSION=gzip)",
    ),
    "busy_store": (
        "the store could not be written",
        "exporters.index.retention.disk_bytes_max: <less than the disk has room for> (the log names the error)",
    ),
    "busy_sending_queue": (
        "the queue of what is to be forwarded is full: its backend is slow or away",
        f"{_OF_LOG}.sending_queue.queue_size: 1073741824 (and look after the backend: the log names its answers)",
    ),
    "busy_sending_queue_disk": (
        "the queue of what is to be forwarded cannot be written",
        f"{_OF_LOG}.sending_queue.storage: <a folder on a disk with room>",
    ),
    "busy_file": (
        "the file of an exporter cannot be written",
        f"{_OF_LOG}.path: <a file on a disk with room>",
    ),
    "busy_shutdown": ("the collector was ending", "nothing: it has been started again since, or will be"),
    "busy_fault": ("the collector met an error of its own", "report it with the lines of the collector's log"),
}
_REFUSED: Mapping[str, tuple[str, str]] = {
    "unauthenticated": (
        "senders lack the bearer token",
        "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<the value of GASOLINE_TOKEN>",
    ),
    "unsupported_media": ("a sender speaks no OTLP", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
    "not_found": (
        "a sender asks for a path that is not OTLP's",
        "OTEL_EXPORTER_OTLP_ENDPOINT without a path (the SDK adds /v1/traces and /v1/logs itself)",
    ),
    "no_path": (
        "a sender asks for /: to the endpoint of one signal its SDK adds no path",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://{http}/v1/traces, "
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://{http}/v1/logs "
        "(or OTEL_EXPORTER_OTLP_ENDPOINT=http://{http} for both)",
    ),
    "method_not_allowed": ("a sender does not POST", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
    "too_large": (
        "a request is over the limit on bodies",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 (or raise receivers.otlp.protocols.http.max_request_body_size)",
    ),
    "forbidden": (
        "a web page of a foreign origin sends",
        "receivers.otlp.protocols.http.cors.allowed_origins: [<the page's origin>]",
    ),
    "forbidden_host": (
        "a sender asks for a host name that the collector does not know as its own",
        "receivers.otlp.protocols.http.allowed_hosts: [<the host of the sender's OTEL_EXPORTER_OTLP_ENDPOINT>]",
    ),
    "invalid_data": (
        "a sender's bytes are no export request",
        "OTEL_EXPORTER_OTLP_PROTOCOL=grpc for the gRPC port, http/protobuf for the HTTP port",
    ),
}
_DROPPED: Mapping[str, tuple[Literal["problem", "hint"], str, str]] = {
    "metrics_without_exporter": ("hint", "metrics are taken and not kept", "OTEL_METRICS_EXPORTER=none"),
    "traces_without_exporter": (
        "problem",
        "no pipeline takes traces",
        "service.pipelines.traces: {receivers: [otlp], processors: [redaction, session], exporters: [index]}",
    ),
    "logs_without_exporter": (
        "problem",
        "no pipeline takes logs",
        "service.pipelines.logs: {receivers: [otlp], processors: [redaction, session], exporters: [index]}",
    ),
    "refused_by_backend": (
        "problem",
        f"{_A_BACKEND} refuses them for good",
        f"{_OF_LOG}, by its answer: headers for 401 or 403, the path of endpoint for 404; for 413 "
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 in the senders",
    ),
    "rejected_by_backend": (
        "problem",
        f"{_A_BACKEND} took the rest of their requests only",
        "whatever the backend's answer names (it is in the log), in the service that sent it",
    ),
    "gave_up_retrying": (
        "problem",
        f"{_A_BACKEND} did not take them in time",
        f"{_OF_LOG}.retry_on_failure: {{max_elapsed_time: 0s, max_elapsed_time_on_fault: 0s}} (0s is never)",
    ),
    "unreadable_in_queue": (
        "problem",
        "what waited on disk for a backend was damaged there",
        f"{_OF_LOG}.sending_queue.storage: <a folder on a disk that is well>",
    ),
    "invalid_ids": (
        "problem",
        "spans without a valid trace or span id cannot be shown",
        "let the SDK make the ids in the sender: 16 and 8 bytes, not all zero",
    ),
}


def findings_of(
    diagnosis: Diagnosis | None,
    live: LiveStatus | None,
    ports: Sequence[Port],
    start_command: str,
    since_unix_nano: int = 0,
) -> list[Finding]:
    """Return what there is to change, problems first; `diagnosis` is None where there is no store yet.

    What was refused or dropped for the last time before `since_unix_nano` is a hint.
    """
    found = [*_of_collector(live, ports, start_command, since_unix_nano)]
    lost_here = {signal for signal in ("traces", "logs") if live and live.dropped.get(f"{signal}_without_exporter")}
    if not lost_here and (diagnosis is None or not diagnosis.services):
        when = "lately" if diagnosis is not None and diagnosis.silent else "yet"
        found.append(_nothing_arrived(f"nothing has arrived {when}", live))
    if diagnosis is not None:
        languages = {each.service: each.language for each in diagnosis.services}
        found += [_lost(lost, languages) for lost in diagnosis.lost]
        found += _of_sessions(diagnosis)
        for service in diagnosis.services:
            found += _of_service(service, lost_here)
    return sorted(found, key=lambda finding: finding.level != "problem")


def _of_collector(
    live: LiveStatus | None, ports: Sequence[Port], start_command: str, since_unix_nano: int
) -> Iterator[Finding]:
    if live is None:
        yield Finding("problem", "not_running", "", "no collector runs on this data folder", [start_command])
        return
    for port in ports:
        if port.problem:
            message, change = _PORT_PROBLEMS[port.problem]
            text = f"the port {port.name} at {port.endpoint} {message}: {port.told}"
            yield Finding("problem", port.problem, "", text, change or ["gasoline stop", start_command])
    # Why is told where a port says so itself.
    if live.counters_unknown and not any(port.problem for port in ports):
        message = f"what was refused or dropped, and which exporters fail, is not known: {live.counters_unknown}"
        yield Finding("hint", "counts_unknown", "", message, ["gasoline doctor, once more"])
    # What the others fail at, senders are told to come again for.
    forwarders = (each for each in live.failing_exporters if each.partition("/")[0] in _FORWARDING)
    yield from (_away(each, live.exporter_troubles.get(each)) for each in forwarders)
    for reason, count in sorted(live.refused.items()):
        if count:
            yield _dated(_refused(reason, count, live), live.refused_last_unix_nano.get(reason), since_unix_nano)
    for reason, count in sorted(live.dropped.items()):
        for finding in _dropped(reason, count, live):
            yield _dated(finding, live.dropped_last_unix_nano.get(reason), since_unix_nano)
    if live.session_ids_too_long:
        message = f"{live.session_ids_too_long} records name a session by more than {SESSION_ID_BYTES_MAX} bytes"
        change = f"send a session id of at most {SESSION_ID_BYTES_MAX} bytes"
        yield Finding("problem", "session_id_too_long", "", f"{message}, and are in none", [change])


def _dated(finding: Finding, last_unix_nano: int | None, since_unix_nano: int) -> Finding:
    """Say when it was where that was before the time that is asked about: counts go on until the collector ends."""
    if last_unix_nano is None or last_unix_nano >= since_unix_nano:
        return finding
    return finding._replace(level="hint", message=f"{finding.message}; not since {rfc3339(last_unix_nano)}")


def _away(exporter: str, trouble: ExporterTrouble | None) -> Finding:
    told = trouble.failing if trouble else ""
    change = next((change for pattern, change in _AWAY if pattern.search(told)), _ELSEWHERE)
    answer = f" ({told})" if told else ""
    message = f"the exporter {exporter} does not deliver just now{answer}; what waits is kept, and sent when it does"
    return Finding("problem", "backend_away", "", message, [change.replace(_OF_LOG, f"exporters.{exporter}")])


def _refused(reason: str, count: int, live: LiveStatus) -> Finding:
    if reason not in _REFUSED:
        said, change = _BUSY.get(reason, (reason, "gasoline serve --log-level debug"))
        full = [exporter for exporter, trouble in live.exporter_troubles.items() if trouble.turned_away]
        lines = [change.replace(_OF_LOG, f"exporters.{each}") for each in full] if reason in _QUEUE_REASONS else []
        return Finding("hint", f"refused_{reason}", "", f"refused {count} times: {said}; {_AGAIN}", lines or [change])
    message, change = _REFUSED[reason]
    change = change.replace("{http}", live.endpoints.get("http", "") or "127.0.0.1:4318")
    return Finding("problem", f"refused_{reason}", "", f"refused {count}: {message}", [change])


def _dropped(reason: str, count: int, live: LiveStatus) -> Iterator[Finding]:
    level, message, change = _DROPPED.get(reason, ("problem", reason, "gasoline serve --log-level debug"))
    code = f"dropped_{reason}"
    for exporter, trouble in live.exporter_troubles.items():
        of_exporter = trouble.dropped.get(reason, 0)
        if of_exporter:
            told = f"; last it was told: {trouble.last_failure}" if trouble.last_failure else ""
            text = f"the exporter {exporter} dropped {of_exporter}: {message.replace(_A_BACKEND, 'its backend')}{told}"
            yield Finding(level, code, "", text, [change.replace(_OF_LOG, f"exporters.{exporter}")])
            count -= of_exporter
    if count > 0:
        yield Finding(level, code, "", f"dropped {count}: {message}", [change])


def _nothing_arrived(message: str, live: LiveStatus | None) -> Finding:
    http = live.endpoints.get("http", "") if live else ""
    lines = [
        f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{http or '127.0.0.1:4318'}",
        "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ]
    return Finding("problem", "nothing_arrived", "", message, lines)


def _lost(lost: LostPropagation, languages: Mapping[str, str]) -> Finding:
    """Say at which hop the context is lost. Either end may be at fault, and the same line mends either."""
    both = " and ".join(
        f"{name} ({language})" if (language := languages.get(name, "")) else name
        for name in (lost.called_from, lost.service)
    )
    return Finding(
        "problem",
        "lost_propagation",
        lost.service,
        f"{lost.called_from} calls {lost.service}, whose spans stand in traces of their own: {lost.requests} of them,"
        f" such as {lost.example_request_id}; traceparent is lost on this hop",
        [f"OTEL_PROPAGATORS=tracecontext,baggage in {both}; let a proxy between them pass traceparent and tracestate"],
    )


def _of_sessions(diagnosis: Diagnosis) -> Iterator[Finding]:
    if diagnosis.services and not diagnosis.sessions:
        lines = [line for each in diagnosis.services for line in _naming_lines(each)]
        message = "no record names a session, so requests are found one by one only"
        yield Finding("problem", "no_session", "", message, list(dict.fromkeys([*lines, _SEND_TRACESTATE])))
        return
    lost = {each.service for each in diagnosis.lost}
    for each in diagnosis.services:
        if not each.requests_begun_without_session or each.service in lost:
            continue
        count = each.requests_begun_without_session
        message = f"{count} of the {each.requests_begun} requests that begin in {each.service} are in no session"
        yield Finding(
            "hint", "requests_without_session", each.service, message, [*_naming_lines(each), _SEND_TRACESTATE]
        )


def _naming_lines(service: ServiceDiagnosis) -> list[str]:
    return [f"{line} in {service.service}" for line in _CAPTURE_SESSION.get(service.language, ())]


def _of_service(service: ServiceDiagnosis, lost_here: Collection[str]) -> Iterator[Finding]:
    """Of a signal in `lost_here` nobody knows which services send it: the collector drops it."""
    name = service.service
    if name == UNKNOWN_SERVICE or name.startswith(f"{UNKNOWN_SERVICE}:"):
        yield Finding(
            "hint", "unnamed_service", name, "a service sends without a name", ["OTEL_SERVICE_NAME=<its name>"]
        )
    if service.spans and not service.logs and "logs" not in lost_here:
        lines = _EXPORT_LOGS.get(service.language, ["OTEL_LOGS_EXPORTER=otlp"])
        yield Finding(
            "hint", "no_logs", name, f"{name} sends spans and no logs", [f"{line} in {name}" for line in lines]
        )
    elif service.logs and not service.spans and "traces" not in lost_here:
        lines = _EXPORT_SPANS.get(service.language, ["OTEL_TRACES_EXPORTER=otlp"])
        yield Finding(
            "hint", "no_spans", name, f"{name} sends logs and no spans", [f"{line} in {name}" for line in lines]
        )
    elif service.logs >= LOGS_JUDGED_MIN and service.logs_alone == service.logs:
        message = f"none of the {service.logs} log records of {name} is in a trace or a session"
        line = f"log through OpenTelemetry's bridge in {name}, inside the request: it adds the trace id by itself"
        yield Finding("hint", "logs_without_trace", name, message, [line])
