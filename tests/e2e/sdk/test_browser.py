"""People in real Chromium with the extension, through Node, Python, Java and Go: one session each, and only theirs.

What the browser records for a person is written down here, what the services do for a request in conftest.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from conftest import Records, Service, Shop

pytestmark = pytest.mark.timeout(600)

Event = Mapping[str, Any]
STOP_TIMEOUT_S = 60
NOWHERE = "http://127.0.0.1:9"
CHAIN = ["storefront", "orders", "payments", "inventory"]
PEOPLE = (("ok", "declined", "soldout", "bug"), ("bug", "ok", "soldout", "declined"))
# Of a request of the page's script: its span and its timing; of the page load: its span, its navigation, its timing.
BROWSER_OF_REQUEST, BROWSER_OF_PAGE = (1, 0, 1), (1, 0, 2)
BROWSER_OF_PERSON = {
    "session.start": 1,
    "documentLoad": 1,
    "browser.navigation": 1,
    "browser.navigation_timing": 1,
    "browser.user_action.click": 4,
    "POST": 4,
    "browser.resource_timing": 4,
    "browser.console": 3,
}
PAGE = {"storefront": (1, 0, 0)}


class Person(NamedTuple):
    """Somebody who has been in the shop: their session, and the trace that each of their requests carried."""

    session: str
    requests: Mapping[str, str]


Browse = Callable[..., AbstractContextManager[Sequence[Person]]]


@pytest.fixture(scope="module")
def browse(node: Path, node_packages: Callable[[str], Path], chromium: str) -> Browse:
    """`with browse(shop, endpoint, way) as people`: the browsers stay open for as long as the context."""
    assert node_packages("extension").is_dir() and chromium

    @contextmanager
    def run(shop: str, endpoint: str, way: str | None = None) -> Generator[Sequence[Person]]:
        told = {"shop": shop, "endpoint": endpoint, "way": way, "people": PEOPLE}
        command = [str(node), str(Path(__file__).with_name("browse.mjs")), json.dumps(told)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin and process.stdout
        try:
            answer = process.stdout.readline()
            assert answer, "the browser ended early"
            yield [Person(found["session"], found["requests"]) for found in json.loads(answer)]
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(STOP_TIMEOUT_S)

    return run


def told(shop: Shop, session_id: str, count: int) -> Sequence[Event]:
    """Return the events of a session, once there are so many; without web vitals, which come when the browser likes."""
    events: Sequence[Event] = ()

    def is_whole() -> bool:
        nonlocal events
        question = {"what": "session-trace", "session_id": session_id, "limit": 1000, "wait_for": 5}
        found = shop.collector.observe(question).get("events", ())
        events = [event for event in found if event.get("name") != "browser.web_vital"]
        return len(events) >= count

    shop.wait_until(is_whole)
    return events


def by_request(events: Sequence[Event]) -> Mapping[str, Sequence[Event]]:
    """Return the events of each trace; of none under the empty text."""
    traces = dict.fromkeys(event.get("request_id", "") for event in events)
    return {trace: [event for event in events if event.get("request_id", "") == trace] for trace in traces}


def expected_of(records: Records, services: Sequence[str] = CHAIN) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
    """Return outcome -> service -> what these services record."""
    return {
        outcome: {name: counts for name, counts in own.items() if name in services}
        for outcome, own in records.outcomes.items()
    }


def total(counts: Sequence[Mapping[str, tuple[int, ...]]]) -> int:
    return sum(sum(map(sum, own.values())) for own in counts)


@pytest.mark.requirement(
    "flow:one-timeline", "testing:real-browser", "testing:real-services", "testing:several-sessions"
)
def test_each_person_s_session_is_what_the_browser_and_all_services_did(
    shop: Shop, browse: Browse, records: Records
) -> None:
    with browse(shop.services["node"].url, f"http://{shop.collector.http}") as people:
        assert len({person.session for person in people}) == len(people)
        for person, outcomes in zip(people, PEOPLE, strict=True):
            expected = {
                outcome: {"browser": BROWSER_OF_REQUEST, **own} for outcome, own in expected_of(records).items()
            }
            services = total([*expected_of(records).values(), PAGE])
            events = told(shop, person.session, services + sum(BROWSER_OF_PERSON.values()))
            own = [event for event in events if event["service"] == "browser"]
            assert Counter(event["name"] for event in own) == BROWSER_OF_PERSON
            traces = dict(by_request(events))
            assert {name: records.count(traces.pop(trace)) for name, trace in person.requests.items()} == expected
            traces.pop("")
            (page,) = traces.values()
            assert records.count(page) == {"browser": BROWSER_OF_PAGE, **PAGE}
            assert_in_causal_order(events, outcomes, records)
            evidence = {(event["signal"], event["evidence"]) for event in events if event["service"] != "browser"}
            assert evidence == {("span", "tracestate"), ("span_event", "tracestate"), ("log", "trace")}


def assert_in_causal_order(events: Sequence[Event], outcomes: Sequence[str], records: Records) -> None:
    """Hold that nothing stands before its cause: page, then for each click its request, service after service."""
    assert records.out_of_order(events) == []
    in_browser = ("documentLoad", "browser.user_action.click", "POST")
    steps = [
        event["name"] if event["service"] == "browser" else event["service"]
        for event in events
        if event.get("kind") == "server" or (event["service"] == "browser" and event.get("name") in in_browser)
    ]
    expected = ["documentLoad", "storefront"]
    for outcome in outcomes:
        expected += ["browser.user_action.click", "POST", *CHAIN[: 3 if outcome == "declined" else 4]]
    assert steps == expected


@pytest.mark.requirement("header:x-session-id", "header:tracestate")
@pytest.mark.parametrize(
    ("way", "named"),
    [
        pytest.param("tracestate", dict.fromkeys(CHAIN, "tracestate"), id="tracestate"),
        pytest.param("header", {"storefront": "header"}, id="header"),
        pytest.param("baggage", {"payments": "attribute"}, id="baggage"),
    ],
)
def test_each_way_of_naming_the_session_alone_finds_all_of_it(
    shop: Shop, header_storefront: Service, browse: Browse, records: Records, way: str, named: Mapping[str, str]
) -> None:
    # The extension's own records, which would name each trace, go nowhere.
    with browse(header_storefront.url, NOWHERE, way) as people:
        for person in people:
            expected = expected_of(records)
            # A page that only the first service answers has no record that baggage would name.
            pages = [] if way == "baggage" else [PAGE]
            events = told(shop, person.session, total([*expected.values(), *pages]))
            traces = dict(by_request(events))
            assert {name: records.count(traces.pop(trace)) for name, trace in person.requests.items()} == expected
            assert [records.count(page) for page in traces.values()] == pages
            assert records.out_of_order(events) == []
            servers = [event for event in events if event.get("kind") == "server"]
            assert {event["service"]: event["evidence"] for event in servers} == {
                **dict.fromkeys(CHAIN, "trace"),
                **named,
            }


@pytest.mark.requirement("backend:document")
def test_traces_that_the_backend_starts_itself_are_joined_by_server_timing(
    shop: Shop, header_storefront: Service, browse: Browse, records: Records
) -> None:
    # Something before the services takes every header off that would name session or trace.
    with browse(header_storefront.url, f"http://{shop.collector.http}", "server-timing") as people:
        for person in people:
            expected = expected_of(records)
            browser = sum(BROWSER_OF_PERSON.values()) + 1 + len(expected)
            events = told(shop, person.session, total([*expected.values(), PAGE]) + browser)
            asked = {trace: outcome for outcome, trace in person.requests.items()}
            restarts = [event for event in events if event.get("name") == "gasoline.propagation.restart"]
            assert {event["evidence"] for event in restarts} == {"attribute"}
            traces = by_request(events)
            found = {
                asked.get(event["attributes"]["gasoline.request.id"], "page"): records.count(
                    traces[event["request_id"]]
                )
                for event in restarts
            }
            joined = {outcome: {"browser": (0, 0, 1), **own} for outcome, own in expected.items()}
            assert found == {"page": {"browser": (0, 0, 1), **PAGE}, **joined}
            spans = {(event["service"], event["evidence"]) for event in events if event["signal"] == "span"}
            assert spans == {("browser", "attribute"), *((name, "trace") for name in CHAIN)}
