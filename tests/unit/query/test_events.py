"""Contract "Event" and "Values", sentence by sentence."""

import base64
import re
from typing import Any

import pytest

from collector.query.params import parse_params
from collector.query.values import SAFE_INTEGER_MAX, VALUE_BYTES_MAX

HTTP = {"http.request.method": "GET"}


def only_event(world: Any, **filters: Any) -> dict[str, Any]:
    """The one event of session s."""
    world.commit()
    answer = world.observe(what="session-trace", session_id="s", **filters)
    assert answer["total"] == 1
    return answer["events"][0]


def test_a_span_is_shown_whole(world: Any) -> None:
    world.span(
        "t", "a", "p", at=1.5, took=2.25, kind="client", service="pay", name="POST /charge", error=True,
        message="card declined", attributes={"http.request.method": "POST", "http.response.status_code": 402},
        session="s",
    )  # fmt: skip
    assert only_event(world) == {
        "id": f"{world.trace_id('t')}:{world.span_id('a')}",
        "type": "network",
        "signal": "span",
        "time_unix_nano": "1700000000001500000",
        "service": "pay",
        "name": "POST /charge",
        "session_id": "s",
        "request_id": world.trace_id("t"),
        "span_id": world.span_id("a"),
        "parent_span_id": world.span_id("p"),
        "kind": "client",
        "duration_ms": 2.25,
        "error": True,
        "status_message": "card declined",
        "evidence": "attribute",
        "summary": "POST /charge 402 ERROR card declined",
        "attributes": {"http.request.method": "POST", "http.response.status_code": 402, "session.id": "s"},
    }


def test_a_log_is_shown_whole_and_empty_fields_are_left_out(world: Any) -> None:
    world.log("paid", "t", "a", at=3, severity=9, service="pay", attributes={"session.id": "s", "n": 0, "e": ""})
    event = only_event(world)
    assert re.fullmatch(r"log:[0-9a-f]{16}", event.pop("id"))
    assert event == {
        "type": "log",
        "signal": "log",
        "time_unix_nano": "1700000000003000000",
        "service": "pay",
        "body": "paid",
        "session_id": "s",
        "request_id": world.trace_id("t"),
        "span_id": world.span_id("a"),
        "error": False,
        "severity": "INFO",
        "evidence": "attribute",
        "summary": "paid",
        "attributes": {"session.id": "s", "n": 0, "e": ""},
    }


def test_error_and_attributes_are_always_there(world: Any) -> None:
    world.span("t", "a", session="s")
    world.log("x", "t")
    world.commit()
    log = world.observe(what="session-trace", session_id="s", event_types="log")["events"][0]
    assert (log["error"], log["attributes"]) == (False, {})
    assert not {"name", "severity", "span_id", "status_message", "kind", "duration_ms", "truncated"} & log.keys()


def test_a_span_event_inherits_from_its_span(world: Any) -> None:
    world.span(
        "t", "a", session="s", service="pay",
        events=[("first", 0.5, {}), ("exception", 0.7, {"exception.type": "Declined", "exception.message": "no"})],
    )  # fmt: skip
    world.commit()
    events = world.observe(what="session-trace", session_id="s", event_types="event")["events"]
    span = f"{world.trace_id('t')}:{world.span_id('a')}"
    assert [(event["id"], event["type"], event["signal"], event["error"]) for event in events] == [
        (f"{span}:0", "event", "span_event", False),
        (f"{span}:1", "event", "span_event", True),
    ]
    assert [(event["span_id"], event["session_id"], event["evidence"], event["service"]) for event in events] == [
        (world.span_id("a"), "s", "attribute", "pay")
    ] * 2
    assert events[1]["summary"] == "exception Declined no"
    assert events[1]["attributes"] == {"exception.type": "Declined", "exception.message": "no"}


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        ("server", {"http.request.method": "GET"}, "network"),
        ("client", {"http.method": "GET"}, "network"),
        ("client", {"rpc.system": "grpc"}, "network"),
        ("server", {"rpc.system.name": "grpc"}, "network"),
        ("internal", {"http.request.method": "GET"}, "span"),
        ("client", {"db.system": "sqlite"}, "span"),
        ("producer", {"http.request.method": "GET"}, "span"),
    ],
)
def test_what_is_a_network_span(world: Any, kind: str, attributes: dict[str, Any], expected: str) -> None:
    world.span("t", "a", kind=kind, attributes=attributes, session="s")
    event = only_event(world)
    assert (event["type"], event["kind"]) == (expected, kind)


@pytest.mark.parametrize(
    ("fields", "type_", "name"),
    [
        ({"event_name": "click"}, "event", "click"),
        ({"attributes": {"event.name": "tap"}}, "event", "tap"),
        ({}, "log", None),
    ],
)
def test_a_log_with_an_event_name_is_an_event(world: Any, fields: dict[str, Any], type_: str, name: str | None) -> None:
    world.log("x", session="s", **fields) if "attributes" not in fields else world.log(
        "x", attributes={**fields["attributes"], "session.id": "s"}
    )
    event = only_event(world, event_types="log")
    assert (event["type"], event.get("name")) == (type_, name)


def test_event_types_take_one_or_several_and_error(world: Any) -> None:
    world.span("t", "net", kind="server", attributes=HTTP, session="s", at=0)
    world.span("t", "work", "net", at=1, error=True, events=[("note", 2, {})])
    world.log("plain", "t", "work", at=3)
    world.log("named", "t", "work", at=4, event_name="rust")
    world.log("bad", "t", "work", at=5, severity=17)
    world.commit()

    def names(types: object) -> list[str]:
        return world.names(what="session-trace", session_id="s", event_types=types)

    assert names("network") == ["net"]
    assert names("span") == ["work"]
    assert names("event") == ["note", "rust"]
    assert names("log") == ["plain", "rust", "bad"]
    assert names("error") == ["work", "bad"]
    assert names(["network", "error"]) == ["net", "work", "bad"]


@pytest.mark.parametrize(
    ("number", "text", "severity", "error"),
    [
        (1, "", "TRACE", False),
        (8, "", "DEBUG", False),
        (9, "error", "INFO", False),
        (0, "Warning", "WARN", False),
        (0, "eRRor", "ERROR", True),
        (17, "", "ERROR", True),
        (24, "", "FATAL", True),
        (0, "", None, False),
    ],
)
def test_severity_is_the_number_else_the_text(
    world: Any, number: int, text: str, severity: str | None, error: bool
) -> None:
    world.log("x", severity=number, severity_text=text, session="s")
    event = only_event(world)
    assert (event.get("severity"), event["error"]) == (severity, error)


def test_a_server_span_that_answered_4xx_without_status_error_is_no_error(world: Any) -> None:
    world.span("t", "a", kind="server", attributes={**HTTP, "http.response.status_code": 404}, session="s")
    assert only_event(world)["error"] is False


def test_times_are_as_recorded_and_logs_without_one_take_the_next_best(world: Any) -> None:
    world.log("timed", session="s", at=1, observed=9)
    world.log("observed", session="s", at=None, observed=2)
    world.commit()
    world.log("neither", session="s", at=None)
    world.commit()
    events = world.observe(what="session-trace", session_id="s")["events"]
    assert [(event["body"], event["time_unix_nano"]) for event in events] == [
        ("timed", "1700000000001000000"),
        ("observed", "1700000000002000000"),
        ("neither", str(world.now)),
    ]


def test_attribute_values_survive_json(world: Any) -> None:
    values = {
        "big": 2**53 + 1, "low": -(2**63), "safe": SAFE_INTEGER_MAX, "nan": float("nan"), "inf": float("-inf"),
        "bytes": b"\x00\xff", "list": [1, "a", [2**60]], "map": {"k": {"n": float("inf")}}, "none": None, "empty": "",
        "yes": True, "no": False, "zero": 0, "half": 0.5, "nothing": [],
    }  # fmt: skip
    world.span("t", "a", session="s", attributes=values, resource={"r": 1}, scope={"c": 2})
    assert only_event(world)["attributes"] == {
        **values,
        "big": "9007199254740993",
        "low": "-9223372036854775808",
        "nan": "NaN",
        "inf": "-Infinity",
        "bytes": base64.b64encode(b"\x00\xff").decode(),
        "list": [1, "a", [str(2**60)]],
        "map": {"k": {"n": "Infinity"}},
        "session.id": "s",
    }


def test_values_over_the_limit_are_cut_and_named(world: Any) -> None:
    whole = "é" * (VALUE_BYTES_MAX // 2)
    world.span("t", "a", session="s", attributes={
        "fits": whole, "over": whole + "x", "list": ["y" * 3000, "z" * 3000], "bytes": b"\0" * 4000,
        "keys": {f"k{n}": n for n in range(1000)},
    })  # fmt: skip
    event = only_event(world)
    assert event["truncated"] == ["over", "list", "bytes", "keys"]
    shown = event["attributes"]
    assert shown["fits"] == whole
    assert shown["over"] == whole
    assert shown["list"][0] == "y" * 3000 and 0 < len(shown["list"][1]) < 1200
    assert len(shown["bytes"]) == VALUE_BYTES_MAX
    assert 0 < len(shown["keys"]) < 1000


def test_a_long_body_is_cut_and_named_too(world: Any) -> None:
    world.log("b" * (VALUE_BYTES_MAX + 1), session="s")
    event = only_event(world)
    assert (len(event["body"]), event["truncated"]) == (VALUE_BYTES_MAX, ["body"])
    assert len(event["summary"]) == 200


def test_a_structured_body_is_a_plain_value(world: Any) -> None:
    world.log({"order": 7, "items": ["a\nb"]}, session="s")
    event = only_event(world)
    assert event["body"] == {"order": 7, "items": ["a\nb"]}
    assert event["summary"] == '{"order":7,"items":["a\\nb"]}'


def test_the_summary_is_one_line(world: Any) -> None:
    world.log("first\n  second\r\n\tthird", session="s")
    assert only_event(world)["summary"] == "first second third"


def test_equal_logs_have_different_ids_that_do_not_change(world: Any) -> None:
    for _ in range(2):
        world.log("same", "t", at=1, session="s")
    world.commit()
    first = [event["id"] for event in world.observe(what="session-trace", session_id="s")["events"]]
    world.log("same", "t", at=1, session="s")
    world.log("other", "t", at=0, session="s")
    world.commit()
    after = [event["id"] for event in world.observe(what="session-trace", session_id="s")["events"]]
    assert len(set(after)) == 4
    assert set(first) < set(after)
    logs = world.fresh_query().observe(parse_params({"what": "logs"}))["events"]
    assert {event["id"] for event in logs} == set(after)


def test_equal_logs_in_other_commits_get_the_same_ids(world: Any) -> None:
    other = type(world)()
    for body in ("one", "two", "one"):
        world.log(body, "t", at=1, session="s")
        world.commit()
    for body in ("one", "one", "two"):
        other.log(body, "t", at=1, session="s")
    other.commit()
    ids = [
        {event["id"] for event in each.observe(what="session-trace", session_id="s")["events"]}
        for each in (world, other)
    ]
    assert ids[0] == ids[1] and len(ids[0]) == 3


def test_evidence_says_why_a_record_belongs_to_its_session(world: Any) -> None:
    world.span("t", "a", at=0, attributes={"session.id": "s"})
    world.span("t", "b", "a", at=1, attributes={"http.request.header.x-session-id": ["s"]})
    world.span("t", "c", "b", at=2, trace_state="vendor=1,gasoline=s", events=[("e", 2.1, {})])
    world.span("t", "d", "c", at=3, events=[("f", 3.1, {})])
    world.commit()
    events = world.observe(what="session-trace", session_id="s")["events"]
    assert [(event["name"], event["evidence"], event["session_id"]) for event in events] == [
        ("a", "attribute", "s"),
        ("b", "header", "s"),
        ("c", "tracestate", "s"),
        ("e", "tracestate", "s"),
        ("d", "trace", "s"),
        ("f", "trace", "s"),
    ]


def test_a_record_takes_the_only_session_of_its_trace_or_the_one_asked_through(world: Any) -> None:
    world.span("one", "a", session="s")
    world.span("one", "b", "a")
    world.span("two", "c", session="s", kind="server", attributes=HTTP)
    world.span("two", "d", "c", session="r")
    world.span("two", "e", "c")
    world.span("none", "f")
    world.commit()

    def owners(**question: Any) -> dict[str, tuple[Any, Any]]:
        timeline = world.observe(what="request-trace", **question)["timeline"]
        return {event["name"]: (event.get("session_id"), event.get("evidence")) for event in timeline}

    assert owners(request_id=world.trace_id("one")) == {"a": ("s", "attribute"), "b": ("s", "trace")}
    shared = {"c": ("s", "attribute"), "d": ("r", "attribute")}
    assert owners(request_id=world.trace_id("two")) == {**shared, "e": (None, None)}
    assert owners(pick="last", session_id="r") == {**shared, "e": ("r", "trace")}
    assert owners(request_id=world.trace_id("none")) == {"f": (None, None)}


def test_unset_kind_and_missing_end_are_left_out(world: Any) -> None:
    world.span("t", "a", kind="", took=None, session="s")
    assert not {"kind", "duration_ms"} & only_event(world).keys()


def test_a_service_without_a_name_is_unknown(world: Any) -> None:
    world.log("x", service="", session="s")
    assert only_event(world)["service"] == "unknown_service"
