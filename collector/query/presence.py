"""What `wait_for` looks at: whether the asked-for thing is there, and when something was last committed for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.correlation.join import TraceKey
from collector.query.waiting import Probe
from collector.store.api import Reader

NOTHING_YET = Probe(False, 0)


def probe_of(answer: Mapping[str, Any], reader: Reader) -> Probe:
    """Read from an answer whether anything matches, and what it belongs to: of a list, its newest entry stands for all.

    What matches in a session or a request comes to rest with it.
    """
    if not answer["total"]:
        return NOTHING_YET
    upto = reader.position().commit
    if "session" in answer:
        return Probe(True, _session_commit(reader, upto, str(answer["session_id"])))
    if "request" in answer:
        return Probe(True, _request_commit(reader, upto, str(answer["request"]["request_id"])))
    if "sessions" in answer:
        return Probe(True, _session_commit(reader, upto, answer["sessions"][0]["session_id"]))
    newest = (*answer.get("requests", ()), *answer.get("events", ()))[0]
    return Probe(True, _item_commit(reader, upto, newest))


def _item_commit(reader: Reader, upto: int, item: Mapping[str, Any]) -> int:
    if "request_id" in item:
        return _request_commit(reader, upto, item["request_id"])
    if "session_id" in item:
        return _session_commit(reader, upto, item["session_id"])
    return _last_commit(reader, upto, [TraceKey("service", str(item["service"]).encode())])


def _request_commit(reader: Reader, upto: int, request_id: str) -> int:
    return _last_commit(reader, upto, [TraceKey("trace", bytes.fromhex(request_id))])


def _session_commit(reader: Reader, upto: int, session_id: str) -> int:
    return _last_commit(reader, upto, reader.trace_keys(session_id, upto))


def _last_commit(reader: Reader, upto: int, trace_keys: Sequence[TraceKey]) -> int:
    return max((part.commit for part in reader.parts(upto, trace_keys=trace_keys)), default=0)
