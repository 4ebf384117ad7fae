"""Correlation is added to one service after the other: the session holds more with each, and nothing is lost before."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Gasoline, NewTrace, Records, Service, Shop, StartService

pytestmark = pytest.mark.timeout(600)

CHAIN = ("storefront", "orders", "payments", "inventory")
# A service that takes no trace from outside and hands none on, as one has it that OpenTelemetry's propagators miss.
APART = {"OTEL_PROPAGATORS": "baggage"}
WITH_ALL_BELOW = {"node": {"node", "python", "java"}, "python": {"python", "java"}, "java": {"java"}, "go": set[str]()}
CALLED_BY = {"node": "python", "python": "java", "java": "go"}
# The services with correlation after each step, and those whose records the session then holds.
STEPS: Sequence[tuple[set[str], Sequence[str]]] = (
    (set(), ()),
    ({"node"}, CHAIN[:1]),
    ({"node", "python"}, CHAIN[:2]),
    ({"node", "python", "java"}, CHAIN),
)


@pytest.fixture(scope="module")
def storefronts(
    shop: Shop, start_service: StartService, sdk_settings: Callable[[str, Gasoline], Mapping[str, str]]
) -> Iterator[Sequence[Service]]:
    """The service that is called first, after each step."""
    with ExitStack() as stack:
        started: dict[tuple[str, frozenset[str]], Service] = {}

        def start(language: str, correlated: set[str]) -> Service:
            """Start it, and before it what it calls; once for each state of both. All of the shop are correlated."""
            if correlated >= WITH_ALL_BELOW[language]:
                return shop.services[language]
            below = start(CALLED_BY[language], correlated - {language})
            state = (language, frozenset(correlated))
            if state not in started:
                own = {} if language in correlated else APART
                called = {f"{below.name.upper()}_URL": below.url}
                environment = {**sdk_settings(language, shop.collector), **own, **called}
                started[state] = stack.enter_context(start_service(language, environment))
            return started[state]

        yield [start("node", correlated) for correlated, _ in STEPS]


def wait_for_request(shop: Shop, name: str, mark: str, seen: set[str]) -> str:
    """Return the id of a request of this service alone that was not seen before, and add it to those.

    Go's spans leave out the query, which has the mark.
    """
    url = "/reserve" if name == "inventory" else mark
    found: list[str] = []

    def has_come() -> bool:
        question = {"what": "requests", "service": name, "url": url, "without_session": True, "wait_for": 1}
        answer = shop.collector.observe(question)["requests"]
        own = {request["request_id"] for request in answer if request["service_calls"] == [name]}
        found[:] = own - seen
        return bool(found)

    shop.wait_until(has_come)
    (request_id,) = found
    seen.add(request_id)
    return request_id


@pytest.mark.requirement("compatibility:gradual", "compatibility:opt-in")
def test_each_service_that_is_added_adds_itself(
    shop: Shop, storefronts: Sequence[Service], new_trace: NewTrace, records: Records
) -> None:
    whole, seen = records.outcomes["ok"], set[str]()
    for storefront, (_, joined) in zip(storefronts, STEPS, strict=True):
        session_id, mark = f"session-{secrets.token_hex(16)}", secrets.token_hex(8)
        _, headers = new_trace()
        named = {**headers, "tracestate": f"gasoline={session_id}"}
        assert shop.client.post(f"{storefront.url}/checkout?outcome=ok-{mark}", headers=named).status_code == 200
        expected = {name: whole[name] for name in joined}
        if joined:
            question = {"what": "session-trace", "session_id": session_id}
            assert records.count(shop.events(question, "events", sum(map(sum, expected.values())))) == expected
        # The others are as they were: each in a request of its own, which is found without any session.
        for name in CHAIN:
            if name not in joined:
                request_id = wait_for_request(shop, name, mark, seen)
                question = {"what": "request-trace", "request_id": request_id}
                assert records.count(shop.events(question, "timeline", sum(whole[name]))) == {name: whole[name]}


@pytest.mark.requirement("compatibility:gradual")
def test_the_hop_that_loses_the_context_is_named(
    shop: Shop, storefronts: Sequence[Service], new_trace: NewTrace
) -> None:
    hops = {1: ("storefront", "orders"), 2: ("orders", "payments")}
    for step, hop in hops.items():

        def is_named(step: int = step, hop: tuple[str, str] = hop) -> bool:
            _, headers = new_trace()
            named = {**headers, "tracestate": "gasoline=session-of-the-rollout"}
            assert shop.client.post(f"{storefronts[step].url}/checkout?outcome=ok", headers=named).status_code == 200
            lost = shop.collector.observe({"what": "status"})["lost_propagation"]
            return hop in {(found["called_from"], found["service"]) for found in lost}

        # A server's span may end after its caller's, and is not taken for its answer then: one request may not do.
        shop.wait_until(is_named)
        assert is_named()
