"""The last line of a list that did not fit goes on where the text stopped; nothing is shown twice or left out."""

import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.correlation.keys import SessionKeys, correlate
from collector.pdata.envelope import Signal, cut_request
from collector.query.params import BUDGET_TOKENS_MAX, parse_params
from collector.query.service import QueryService
from collector.store.api import Batch
from collector.store.memory import MemoryStore
from mcp_server.render.budget import CHARACTERS_PER_TOKEN
from mcp_server.text import answer_text

START_UNIX_NANO = 1_800_000_000_000_000_000
ENTRIES = 90
BUDGET_TOKENS = 2_000
_CURSOR = re.compile(r'cursor="([\w-]+)"')
_NAME = re.compile(r"\bn(\d{3})\b")

Ask = Callable[..., str]


def requests() -> ExportLogsServiceRequest:
    """Logs of as many sessions and traces as there are logs, long enough that a list of them does not fit."""
    request = ExportLogsServiceRequest()
    outer = request.resource_logs.add()
    records = outer.scope_logs.add().log_records
    for n in range(ENTRIES):
        record = records.add(time_unix_nano=START_UNIX_NANO + n, trace_id=(n + 1).to_bytes(16), severity_number=17)
        record.body.string_value = f"n{n:03d} " + "x" * 120
        record.attributes.append(KeyValue(key="session.id", value=AnyValue(string_value=f"n{n:03d} {'long' * 15}")))
    return request


@pytest.fixture(name="ask")
def _ask() -> Ask:
    store = MemoryStore(lambda: START_UNIX_NANO)
    records = correlate(Signal.LOGS, cut_request(Signal.LOGS, requests().SerializeToString()), SessionKeys()).records
    anyio.run(store.write, Batch(Signal.LOGS, b"one", records))
    query = QueryService(store, clock_unix_nano=lambda: START_UNIX_NANO, time_limit_s=60.0)

    def ask(**arguments: Any) -> str:
        return answer_text(query, parse_params(arguments))

    return ask


@pytest.mark.parametrize("what", ["sessions", "requests", "logs"])
def test_following_the_last_line_shows_every_entry_once(ask: Ask, what: str) -> None:
    shown: list[str] = []
    texts: list[str] = []
    question: dict[str, Any] = {"what": what}
    while len(texts) < ENTRIES:
        texts.append(ask(**question))
        assert len(texts[-1]) <= BUDGET_TOKENS * CHARACTERS_PER_TOKEN
        *entries, last = texts[-1].splitlines()
        named = [found[1] for line in entries if line.startswith(" ") and (found := _NAME.search(line))]
        assert last.startswith(f"{len(named)} of {ENTRIES} ")
        shown += named
        cursors: list[str] = _CURSOR.findall(last)
        if not cursors:
            break
        question["cursor"] = cursors[-1]
    assert shown == [f"{n:03d}" for n in reversed(range(ENTRIES))]
    assert len(texts) > 1


def test_a_limit_that_was_asked_for_goes_on_to_the_cap_and_then_from_there(ask: Ask) -> None:
    text = ask(what="logs", limit=ENTRIES)
    assert (text.splitlines()[-1].startswith(f"{ENTRIES} of {ENTRIES} "), "cursor" in text) == (True, False)
    assert len(text) <= BUDGET_TOKENS_MAX * CHARACTERS_PER_TOKEN
    assert 'limit=20, cursor="' in ask(what="logs", limit=20).splitlines()[-1]
