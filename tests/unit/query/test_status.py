"""Contract "Calls": `status`, and lost propagation, named with care."""

from typing import Any

import pytest

from collector.query.status import LiveStatus

HTTP = {"http.request.method": "GET", "url.full": "http://back.test/price?x=1"}
AT_PORT = {"url.full": "http://127.0.0.1:80/price"}


def test_an_empty_store_says_what_to_do(world: Any) -> None:
    world.live = LiveStatus({"grpc": "127.0.0.1:1", "http": "127.0.0.1:2"})
    answer = world.observe(what="status")
    assert answer == {
        "endpoints": {"grpc": "127.0.0.1:1", "http": "127.0.0.1:2"},
        "services": [],
        "refused": {},
        "dropped": {},
        "session_ids_too_long": 0,
        "sessions": 0,
        "requests": 0,
        "requests_without_session": 0,
        "bytes_on_disk": 0,
        "lost_propagation": [],
        "advice": [
            "nothing has arrived yet: set OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:2 in a service and use it"
        ],
    }


def test_services_are_listed_with_last_seen_and_counts(world: Any) -> None:
    world.live = LiveStatus({}, {"busy": 2, "none": 0}, {"metric_data_points": 9})
    world.span("t", "a", service="back")
    world.log("x", "t", service="back")
    world.log("y", service="front")
    world.commit()
    answer = world.observe(what="status")
    assert [(item["name"], item["spans"], item["logs"]) for item in answer["services"]] == [
        ("back", 1, 1),
        ("front", 0, 1),
    ]
    assert all(item["last_seen"].startswith("2023-11-14T23:13:") for item in answer["services"])
    assert (answer["refused"], answer["dropped"]) == ({"busy": 2}, {"metric_data_points": 9})
    assert (answer["requests"], answer["requests_without_session"]) == (1, 1)
    assert [advice.split(":")[0] for advice in answer["advice"]] == [
        "no record names a session",
        "requests were refused",
        "records were dropped",
    ]


def test_a_session_id_over_the_limit_has_an_advice_of_its_own(world: Any) -> None:
    world.live = LiveStatus(session_ids_too_long=3)
    world.span("t", "a", session="s")
    world.commit()
    answer = world.observe(what="status")
    assert (answer["dropped"], answer["session_ids_too_long"]) == ({}, 3)
    assert answer["advice"] == [
        "3 record(s) name a session by more than 256 bytes; they are kept, but not under that name: send a shorter id"
    ]


def test_counts_that_are_not_known_are_said_to_be_so(world: Any) -> None:
    world.live = LiveStatus({"http": "127.0.0.1:2"}, counters_unknown="the collector answered 401")
    answer = world.observe(what="status")
    assert answer["advice"] == [
        "what was refused or dropped is not known: the collector answered 401",
        "nothing has arrived yet: set OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:2 in a service and use it",
    ]


def test_without_a_collector_the_advice_is_to_start_one(world: Any) -> None:
    assert world.observe(what="status")["advice"][0].startswith("no collector runs")


def calls(
    world: Any,
    at: float = 10,
    took: float = 20,
    path: str = "/price",
    session: str = "",
    caller: str = "s",
    client: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
) -> list[Any]:
    """A call without a callee, and a parentless SERVER span of `back`; each says so much of where it is."""
    called = HTTP | (client or {})
    world.span("aa", "call", at=0, took=100, kind="client", service="front", attributes=called, session=caller)
    served = {"http.request.method": "GET", "url.path": path} | (server or {})
    world.span("bb", "serve", at=at, took=took, kind="server", service="back", session=session, attributes=served)
    world.commit()
    return world.observe(what="status")["lost_propagation"]


def test_a_service_in_traces_of_its_own_within_a_call_to_it_lost_propagation(world: Any) -> None:
    found = calls(world)
    assert found == [
        {"service": "back", "requests": 1, "example_request_id": world.trace_id("bb"), "called_from": "front"}
    ]
    assert "traceparent is lost" in world.observe(what="status")["advice"][-1]


def test_what_could_be_chance_is_not_named(new_world: Any) -> None:
    assert calls(new_world(), at=200) == []
    assert calls(new_world(), took=500) == []
    assert calls(new_world(), path="/other") == []
    assert calls(new_world(), session="r") == []
    assert calls(new_world(), server={"server.address": "other"}, client={"url.full": "http://back/price"}) == []
    assert calls(new_world(), server={"server.address": "::1", "server.port": 81}, client=AT_PORT) == []
    assert calls(new_world(), server={"server.address": "10.1.1.1"}, client={"url.full": "http://10.1.1.2/price"}) == []


def test_an_address_may_be_known_by_another_name(new_world: Any) -> None:
    for server in (
        {"server.address": "127.0.0.1", "server.port": 80},
        {"server.address": "localhost"},
        {"server.address": "[::1]:80"},
        {"http.host": "back.test:8080"},
    ):
        client = {"url.full": "http://back.test:8080/price"} if "http.host" in server else AT_PORT
        assert [hop["service"] for hop in calls(new_world(), server=server, client=client)] == ["back"]
    named = {"url.full": "http://back/price"}
    assert [hop["service"] for hop in calls(new_world(), server={"net.host.name": "172.18.0.5"}, client=named)] == [
        "back"
    ]


def test_a_hop_is_named_whether_its_caller_is_in_a_session_or_not(new_world: Any) -> None:
    for caller, callee in (("", ""), ("s", "s")):
        (found,) = calls(new_world(), caller=caller, session=callee)
        assert (found["service"], found["called_from"], found["requests"]) == ("back", "front", 1)


def test_a_call_explains_one_request_and_no_more(world: Any) -> None:
    get = {"http.request.method": "GET", "url.path": "/price"}
    world.span("a", "call", at=0, took=100, kind="client", service="front", attributes=HTTP, session="s")
    world.span("c", "call", at=50, took=20, kind="client", service="other", attributes=HTTP, session="s")
    for number in range(5):
        world.span(f"b{number}", "serve", at=10 + number * 12, took=5, kind="server", service="back", attributes=get)
    world.commit()
    hops = world.observe(what="status")["lost_propagation"]
    assert [(hop["called_from"], hop["service"], hop["requests"]) for hop in hops] == [
        ("front", "back", 1),
        ("other", "back", 1),
    ]


@pytest.mark.parametrize(
    ("client_name", "server_method", "server_name", "expected"),
    [
        ("grpc.shop.Pay/Charge", "Charge", "shop.Pay/Charge", ["back"]),
        ("/shop.Pay/Charge", "shop.Pay/Charge", "any", ["back"]),
        ("shop.Pay/Charge", "Charge", "shop.Refunds/Charge", []),
        ("shop.Pay/Charge", "shop.Pay/Refund", "shop.Pay/Charge", []),
    ],
)
def test_a_hop_of_an_rpc_is_named(
    world: Any, client_name: str, server_method: str, server_name: str, expected: list[str]
) -> None:
    rpc = {"rpc.system": "grpc", "server.address": "pay", "server.port": 50051}
    client, server = rpc | {"rpc.method": "Charge"}, rpc | {"rpc.method": server_method}
    world.span("a", "call", took=100, kind="client", service="front", name=client_name, attributes=client)
    world.span("b", "serve", at=9, kind="server", service="back", name=server_name, attributes=server)
    world.commit()
    assert [hop["service"] for hop in world.observe(what="status")["lost_propagation"]] == expected
