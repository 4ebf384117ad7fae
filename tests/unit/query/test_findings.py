"""Each finding of `gasoline doctor` with the line to change."""

import re
from pathlib import Path
from typing import Any

import pytest

from collector.pdata.envelope import Signal
from collector.query.diagnosis import diagnose
from collector.query.findings import Finding, Port, PortProblem, findings_of
from collector.query.status import LiveStatus

ENDPOINTS = {"grpc": "127.0.0.1:1", "http": "127.0.0.1:2"}
START = "gasoline serve --data-dir /data"
HTTP = {"http.request.method": "GET", "url.path": "/"}
QUARTER = 15 * 60 * 10**9


def found(world: Any, live: LiveStatus | None = None) -> list[Finding]:
    world.commit()
    return findings_of(diagnose(world.store, QUARTER, None), live or LiveStatus(ENDPOINTS), [], START)


def healthy(world: Any) -> None:
    """A request with a log record, in a session."""
    world.span("t", "a", kind="server", service="shop", attributes=HTTP, session="s")
    world.log("x", "t", "a", service="shop")


def test_without_a_collector_and_a_store_both_are_asked_for() -> None:
    assert findings_of(None, None, [], START) == [
        Finding("problem", "not_running", "", "no collector runs on this data folder", [START]),
        Finding(
            "problem",
            "nothing_arrived",
            "",
            "nothing has arrived yet",
            ["OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"],
        ),
    ]


def test_nothing_is_found_where_all_is_well(world: Any) -> None:
    healthy(world)
    assert found(world) == []


@pytest.mark.parametrize(
    ("problem", "says", "change"),
    [
        ("unreachable", "does not answer", ["gasoline stop", START]),
        (
            "busy",
            "tells senders to come again",
            ["nothing for now: they do so by themselves; if it stays so, what the answer names"],
        ),
        (
            "token_refused",
            "does not know the token of this shell",
            ["export GASOLINE_TOKEN=<the value that the collector was started with>"],
        ),
    ],
)
def test_a_port_that_takes_nothing_is_a_problem(problem: PortProblem, says: str, change: list[str]) -> None:
    findings = findings_of(None, LiveStatus(ENDPOINTS), [Port("http", "127.0.0.1:2", problem, "its words")], START)
    message = f"the port http at 127.0.0.1:2 {says}: its words"
    assert findings[0] == Finding("problem", problem, "", message, change)
    assert findings[1].change[0] == "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:2"


@pytest.mark.parametrize(
    ("live", "level", "code", "message", "change"),
    [
        (
            LiveStatus({}, {"unauthenticated": 2}),
            "problem",
            "refused_unauthenticated",
            "refused 2: senders lack the bearer token",
            "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<the value of GASOLINE_TOKEN>",
        ),
        (
            LiveStatus(failing_exporters=["file", "index", "otlphttp/e"]),
            "problem",
            "backend_away",
            "the exporter otlphttp/e does not deliver just now; what waits is kept, and sent when it does",
            "exporters.otlphttp/e.endpoint: <where the backend answers>",
        ),
        (
            LiveStatus(ENDPOINTS, {"no_path": 2}),
            "problem",
            "refused_no_path",
            "refused 2: a sender asks for /: to the endpoint of one signal its SDK adds no path",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:2/v1/traces, "
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://127.0.0.1:2/v1/logs "
            "(or OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:2 for both)",
        ),
        (
            LiveStatus({}, {"forbidden": 2}),
            "problem",
            "refused_forbidden",
            "refused 2: a web page of a foreign origin sends",
            "receivers.otlp.protocols.http.cors.allowed_origins: [<the page's origin>]",
        ),
        (
            LiveStatus({}, {"forbidden_host": 2}),
            "problem",
            "refused_forbidden_host",
            "refused 2: a sender asks for a host name that the collector does not know as its own",
            "receivers.otlp.protocols.http.allowed_hosts: [<the host of the sender's OTEL_EXPORTER_OTLP_ENDPOINT>]",
        ),
        (
            LiveStatus({}, {"busy_in_flight_bytes": 3}),
            "hint",
            "refused_busy_in_flight_bytes",
            "refused 3 times: more bytes came at a time than may wait to be stored; "
            "senders were told to come again, which they do by themselves",
            "service.in_flight.bytes_max: 536870912",
        ),
        (
            LiveStatus({}, {"busy_memory": 1}),
            "hint",
            "refused_busy_memory",
            "refused 1 times: the collector held as much memory as it may; "
            "senders were told to come again, which they do by themselves",
            "processors.memory_limiter.limit_mib: 4096 (if the machine has it)",
        ),
        (
            LiveStatus({}, {"busy_of_tomorrow": 1}),
            "hint",
            "refused_busy_of_tomorrow",
            "refused 1 times: busy_of_tomorrow; senders were told to come again, which they do by themselves",
            "gasoline serve --log-level debug",
        ),
        (
            LiveStatus({}, {}, {"metrics_without_exporter": 9}),
            "hint",
            "dropped_metrics_without_exporter",
            "dropped 9: metrics are taken and not kept",
            "OTEL_METRICS_EXPORTER=none",
        ),
        (
            LiveStatus({}, {}, {"odd": 1}),
            "problem",
            "dropped_odd",
            "dropped 1: odd",
            "gasoline serve --log-level debug",
        ),
        (
            LiveStatus({}, {}, {}, 4),
            "problem",
            "session_id_too_long",
            "4 records name a session by more than 256 bytes, and are in none",
            "send a session id of at most 256 bytes",
        ),
    ],
)
def test_what_the_collector_counts_is_a_finding(
    world: Any, live: LiveStatus, level: str, code: str, message: str, change: str
) -> None:
    healthy(world)
    assert found(world, live) == [Finding(level, code, "", message, [change])]  # pyright: ignore[reportArgumentType] -- one of two words


def test_whatever_a_sender_is_told_to_come_again_for_has_its_line(root: Path, world: Any) -> None:
    healthy(world)
    sources = [path for folder in ("collector", "exporters") for path in sorted((root / folder).rglob("*.py"))]
    limits = {limit for path in sources for limit in re.findall(r'\blimit=f?"([a-z_{}]+)"', path.read_text())}
    assert "in_flight_{what}" in limits
    limits = {limit.format(what=what) for limit in limits for what in ("bytes", "requests")}
    findings = found(world, LiveStatus({}, {f"busy_{limit}": 1 for limit in limits}))
    assert {finding.code for finding in findings} == {f"refused_busy_{limit}" for limit in limits}
    assert len({finding.change[0] for finding in findings}) == len(limits)


def test_what_has_not_happened_lately_is_a_hint_with_its_time() -> None:
    live = LiveStatus(
        {},
        {"too_large": 2, "not_found": 1, "no_path": 1},
        {"invalid_ids": 3, "rejected_by_backend": 1},
        refused_last_unix_nano={"too_large": 10**18 - 1, "not_found": 10**18},
        dropped_last_unix_nano={"invalid_ids": 10**18 - 1, "rejected_by_backend": 10**18},
    )
    findings = findings_of(None, live, [], START, since_unix_nano=10**18)
    assert [(each.level, each.code) for each in findings] == [
        ("problem", "refused_no_path"),
        ("problem", "refused_not_found"),
        ("problem", "dropped_rejected_by_backend"),
        ("problem", "nothing_arrived"),
        ("hint", "refused_too_large"),
        ("hint", "dropped_invalid_ids"),
    ]
    assert findings[4].message == (
        "refused 2: a request is over the limit on bodies; not since 2001-09-09T01:46:39.999999999Z"
    )


def test_counts_of_nothing_are_none(world: Any) -> None:
    healthy(world)
    assert found(world, LiveStatus(ENDPOINTS, {"busy": 0}, {"odd": 0})) == []


def test_services_without_any_session_get_the_line_of_their_language(world: Any) -> None:
    for number, language in enumerate(("python", "java", "go", "dotnet", "nodejs")):
        trace, resource = f"t{number}", {"telemetry.sdk.language": language}
        world.span(trace, "a", kind="server", service=language, attributes=HTTP, resource=resource)
        world.log("x", trace, "a", service=language)
    (finding,) = found(world)
    assert (finding.level, finding.code) == ("problem", "no_session")
    assert finding.change == [
        "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=X-Session-ID in dotnet",
        "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=X-Session-ID in java",
        "NODE_OPTIONS=--require=./node.cjs (the file otel-config/sdk/node.cjs) in nodejs",
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=X-Session-ID in python",
        "send `tracestate: gasoline=<session id>` beside traceparent with the first request",
    ]


def test_a_service_whose_requests_begin_in_no_session_is_named(world: Any) -> None:
    healthy(world)
    world.span("u", "b", kind="server", service="shop", attributes=HTTP)
    (finding,) = found(world)
    assert (finding.level, finding.code, finding.service, finding.message) == (
        "hint",
        "requests_without_session",
        "shop",
        "1 of the 2 requests that begin in shop are in no session",
    )


def test_signals_that_are_missing_are_hints(world: Any) -> None:
    healthy(world)
    world.span("t", "b", "a", service="mute", resource={"telemetry.sdk.language": "python"})
    world.span("t", "c", "a", service="quiet")
    world.log("x", "t", "a", service="blind")
    world.span("t", "d", "a", service="unknown_service:java")
    for number in range(5):
        world.log(str(number), service="unknown_service:java")
    assert [(each.level, each.code, each.service, list(each.change)) for each in found(world)] == [
        ("hint", "no_spans", "blind", ["OTEL_TRACES_EXPORTER=otlp in blind"]),
        (
            "hint",
            "no_logs",
            "mute",
            ["OTEL_LOGS_EXPORTER=otlp in mute"],
        ),
        ("hint", "no_logs", "quiet", ["OTEL_LOGS_EXPORTER=otlp in quiet"]),
        ("hint", "unnamed_service", "unknown_service:java", ["OTEL_SERVICE_NAME=<its name>"]),
        (
            "hint",
            "logs_without_trace",
            "unknown_service:java",
            [
                "log through OpenTelemetry's bridge in unknown_service:java, inside the request: "
                "it adds the trace id by itself"
            ],
        ),
    ]


def test_a_node_service_without_logs_is_told_of_es_modules(world: Any) -> None:
    healthy(world)
    world.span("t", "b", "a", service="mute", resource={"telemetry.sdk.language": "nodejs"})
    (finding,) = found(world)
    assert (finding.code, list(finding.change)) == (
        "no_logs",
        [
            "OTEL_LOGS_EXPORTER=otlp (pino and bunyan; winston with the package @opentelemetry/winston-transport) "
            "in mute",
            "NODE_OPTIONS=--require=./node.cjs (the file otel-config/sdk/node.cjs), for ES modules, in mute",
        ],
    )


@pytest.mark.parametrize("language", ["go", "rust"])
def test_where_the_sdk_is_set_up_in_code_no_variable_is_asked_for(world: Any, language: str) -> None:
    healthy(world)
    resource = {"telemetry.sdk.language": language}
    world.span("t", "b", "a", service="mute", resource=resource)
    world.log("x2", "t", "a", service="blind", resource=resource)
    findings = found(world)
    assert [(each.code, each.service) for each in findings] == [("no_spans", "blind"), ("no_logs", "mute")]
    for finding in findings:
        (line,) = finding.change
        assert line.startswith("code: ")
        assert "OTEL_" not in line


@pytest.mark.parametrize(("signal", "spans", "logs", "code"), [("traces", 0, 1, "no_spans"), ("logs", 1, 0, "no_logs")])
def test_a_signal_that_the_collector_drops_is_not_said_to_be_sent_by_nobody(
    world: Any, signal: str, spans: int, logs: int, code: str
) -> None:
    healthy(world)
    for number in range(spans):
        world.span("t", f"s{number}", "a", service="other")
    for number in range(logs):
        world.log(f"y{number}", "t", "a", service="other")
    assert [finding.code for finding in found(world)] == [code]
    (finding,) = found(world, LiveStatus(ENDPOINTS, {}, {f"{signal}_without_exporter": 3}))
    assert finding == Finding(
        "problem",
        f"dropped_{signal}_without_exporter",
        "",
        f"dropped 3: no pipeline takes {signal}",
        [f"service.pipelines.{signal}: {{receivers: [otlp], processors: [redaction, session], exporters: [index]}}"],
    )


def test_where_all_that_arrives_is_dropped_nobody_is_told_that_nothing_arrives() -> None:
    live = LiveStatus(ENDPOINTS, {}, {"traces_without_exporter": 3})
    assert [finding.code for finding in findings_of(None, live, [], START)] == ["dropped_traces_without_exporter"]


def test_logs_outside_of_requests_are_judged_from_a_number_on_and_not_if_they_name_a_session(world: Any) -> None:
    healthy(world)
    for number in range(4):
        world.span("t", "b", "a", service="few")
        world.log(str(number), service="few")
    for number in range(5):
        world.span("t", "c", "a", service="page")
        world.log(str(number), service="page", session="s")
    assert found(world) == []


def test_every_reason_for_which_records_are_dropped_has_its_line(world: Any, root: Path) -> None:
    sources = "\n".join(
        path.read_text() for folder in ("collector", "exporters") for path in sorted((root / folder).rglob("*.py"))
    )
    found_in_sources = {
        *re.findall(r'_drop\("(\w+)"', sources),
        *re.findall(r'counters\.drop\(f?"([\w{}.]+)"', sources),
    }
    assert found_in_sources >= {"invalid_ids", "rejected_by_backend", "{telemetry.signal}_without_exporter"}
    reasons = {re.sub(r"{.*}", signal, reason) for reason in found_in_sources for signal in Signal}
    healthy(world)
    findings = found(world, LiveStatus(ENDPOINTS, {}, dict.fromkeys(reasons, 1)))
    assert {finding.code for finding in findings} == {f"dropped_{reason}" for reason in reasons}
    assert [finding.code for finding in findings if finding.change == ["gasoline serve --log-level debug"]] == []


def test_counters_that_could_not_be_asked_for_are_not_none() -> None:
    live = LiveStatus(ENDPOINTS, counters_unknown="the collector does not answer")
    assert findings_of(None, live, [], START)[-1] == Finding(
        "hint",
        "counts_unknown",
        "",
        "what was refused or dropped, and which exporters fail, is not known: the collector does not answer",
        ["gasoline doctor, once more"],
    )
