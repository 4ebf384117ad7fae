"""The text of one request: what it was, why it failed, how that spread, then what happened in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.query.event import Event, RequestRecord
from collector.query.operation import split_url
from collector.query.params import BUDGET_TOKENS_MAX, ObserveParams
from mcp_server.render.beyond import Beyond
from mcp_server.render.budget import choose, room_for_lines
from mcp_server.render.call import call, same_call
from mcp_server.render.clock import absolute, duration, unix_nano
from mcp_server.render.counts import plural
from mcp_server.render.escape import clean
from mcp_server.render.folding import fold
from mcp_server.render.footer import DATA_FOLLOWS, last_line
from mcp_server.render.headlines import cause_words, note_lines, spread_words
from mcp_server.render.ids import short_ids, shown_session_id
from mcp_server.render.line import Rank, layout
from mcp_server.render.links import request_link
from mcp_server.render.request_lines import request_lines
from mcp_server.render.requests import request_of

UNDONE_SHOWN_MAX = 4
_STACK = "exception.stacktrace"


def request_trace_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `request-trace` answer."""
    record: RequestRecord = answer["request"]
    events: list[Event] = answer["timeline"]
    requests = [record["request_id"], *([answer["worked"]["request_id"]] if "worked" in answer else ())]
    short = short_ids(requests, beyond.requests_meant)
    request_id = short[record["request_id"]]
    session_ids = record.get("session_ids", [record["session_id"]] if "session_id" in record else [])
    sessions = short_ids(session_ids, beyond.sessions_meant)
    head = [_title(record, request_id, sessions), *_why(answer, record), *_worked(answer, short), *note_lines(answer)]
    link = request_link(beyond.page_url, record["request_id"])
    in_full = "budget" in params.model_fields_set
    order = {event["id"]: index for index, event in enumerate(events)}
    lines = fold(request_lines(request_of(record["request_id"], events), order)) if events else []
    choice = choose(lines, room_for_lines(params.budget, [*head, link]), Rank.NOISE if in_full else Rank.DETAIL)
    if choice.lines:
        head += [DATA_FOLLOWS, *layout(choice.lines, unix_nano(record["started_at"]))]
    next_call, how = _next_call(answer, params, request_id, sessions, bool(choice.left_out))
    last = last_line(choice.shown, answer["total"], "event", next_call, choice.left_out, how, link)
    return "\n".join([*head, last])


def request_words(record: RequestRecord) -> str:
    """Return `POST /api/checkout 502 412ms`."""
    words: list[str] = []
    if "method" in record:
        words.append(clean(record["method"]))
    if "url" in record:
        words.append(clean(split_url(record["url"])[1] or record["url"]))
    if "status" in record:
        words.append(str(record["status"]))
    if "duration_ms" in record:
        words.append(duration(record["duration_ms"]))
    return " ".join(words)


def _title(record: RequestRecord, request_id: str, sessions: Mapping[str, str]) -> str:
    words = f"request {request_id} {request_words(record)}"
    if "cause" in record:
        words += " FAILED"
    parts = [words, absolute(unix_nano(record["started_at"]))]
    if sessions:
        noun = plural(len(sessions), "session")
        parts.append(f"{noun} {' '.join(shown_session_id(whole, short) for whole, short in sessions.items())}")
    else:
        parts.append("no session")
    return " · ".join(parts)


def _why(answer: Mapping[str, Any], record: RequestRecord) -> list[str]:
    if "cause" not in record:
        return []
    lines = [f"cause: {cause_words(record['cause'])}"]
    spread = spread_words(answer.get("spread", ()))
    return [*lines, f"spread: {spread}"] if spread else lines


def _worked(answer: Mapping[str, Any], short: Mapping[str, str]) -> list[str]:
    """How the same call went when it worked, and what was left undone this time."""
    if "worked" not in answer:
        return []
    worked = answer["worked"]
    status = f" {worked['status']}" if "status" in worked else ""
    line = f"worked: {short[worked['request_id']]}{status} {duration(worked['duration_ms'])}"
    undone: Sequence[Mapping[str, str]] = answer.get("undone", ())
    if undone:
        names = [f"{clean(step['service'])} {clean(step['operation'])}" for step in undone[:UNDONE_SHOWN_MAX]]
        more = f" and {len(undone) - UNDONE_SHOWN_MAX} more" if len(undone) > UNDONE_SHOWN_MAX else ""
        line += f" · left undone this time: {', '.join(names)}{more}"
    return [line]


def _next_call(
    answer: Mapping[str, Any],
    params: ObserveParams,
    request_id: str,
    sessions: Mapping[str, str],
    has_left_out: bool,
) -> tuple[str, str]:
    """The next call, and what else would show what was left out."""
    can_grow = has_left_out and params.budget < BUDGET_TOKENS_MAX
    if "next_cursor" in answer:
        return same_call(params, cursor=answer["next_cursor"]), ""
    cause = answer["request"].get("cause")
    for event in answer["timeline"]:
        if cause and event["error"] and _STACK in event["attributes"] and event["service"] == cause["service"]:
            how = f"budget={BUDGET_TOKENS_MAX} shows them" if can_grow else ""
            return same_call(params, request_id=request_id, expand=event["id"]), how
    if can_grow:
        return same_call(params, request_id=request_id, budget=BUDGET_TOKENS_MAX), ""
    session_id = answer["request"].get("session_id")
    if session_id:
        return call("session-trace", session_id=sessions[session_id]), ""
    return call("requests"), ""
