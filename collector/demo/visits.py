"""Who visits the shop, and what comes of it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx

from collector.demo.browser import ANSWER_TIMEOUT_S, Browser, new_session_id
from collector.demo.processes import DemoError
from collector.demo.stage import Stage

_CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
_SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One person: what is bought, with which card, in which browser, and the status that this must end with."""

    scenario: str
    item: str
    card: str
    agent: str
    status: int


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit left behind: its session, the trace of its checkout, and the status of that."""

    visitor: Visitor
    session_id: str
    checkout_trace_id: str
    status: int


VISITORS = (
    Visitor("ok", "mug", "good", _CHROME, 200),
    Visitor("declined", "shirt", "declined", _FIREFOX, 502),
    Visitor("timeout", "mug", "slow", _SAFARI, 504),
    Visitor("exception", "gift", "good", _CHROME, 500),
)


def drive(stage: Stage) -> Sequence[Visit]:
    """Let all visitors shop at the same time, and one monitor call without any session; return the visits.

    Raises DemoError if the shop or the collector does not answer, or a checkout ends as it must not.
    """
    try:
        # The environment's proxies are for the outside world; everything here is on this machine.
        with httpx.Client(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
            with ThreadPoolExecutor(len(VISITORS)) as people:
                visits = list(people.map(partial(_visit, client, stage), VISITORS))
            monitor = {"User-Agent": "uptime-monitor/1.0"}
            client.get(f"{stage.shop_url}/api/products", headers=monitor).raise_for_status()
    except httpx.HTTPError as error:
        stage.check()
        raise DemoError(f"a visit to {stage.shop_url} broke off: {error}") from error
    for visit in visits:
        if visit.status != visit.visitor.status:
            what = f"the {visit.visitor.scenario} checkout was answered {visit.status}, not {visit.visitor.status}"
            raise DemoError(what + stage.processes[-1].last_lines())
    return visits


def _visit(client: httpx.Client, stage: Stage, visitor: Visitor) -> Visit:
    session_id = new_session_id()
    browser = Browser(client, stage.shop_url, stage.http_url, session_id, visitor.agent)
    browser.open_page()
    browser.fetch("GET", "/api/products")
    browser.click("button#pay")
    trace_id, status = browser.fetch("POST", "/api/checkout", {"item": visitor.item, "card": visitor.card})
    browser.flush()
    return Visit(visitor, session_id, trace_id, status)
