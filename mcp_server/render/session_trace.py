"""The text of one session: its requests in order, normal ones on one line, what failed in its hops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from collector.query.calltree import end_of, span_id_of, start_of
from collector.query.event import Cause, Event, SessionRecord
from collector.query.params import BUDGET_TOKENS_MAX, ObserveParams
from mcp_server.render.beyond import Beyond
from mcp_server.render.budget import choose, room_for_lines
from mcp_server.render.call import call, same_call
from mcp_server.render.clock import absolute, between, unix_nano
from mcp_server.render.counts import counted
from mcp_server.render.escape import clean
from mcp_server.render.folding import fold, pattern_of
from mcp_server.render.footer import DATA_FOLLOWS, last_line
from mcp_server.render.headlines import cause_words, note_lines, spread_words
from mcp_server.render.ids import short_ids, shown_session_id
from mcp_server.render.line import SERVICE_CHARACTERS_MAX, Line, Rank, layout
from mcp_server.render.links import session_link
from mcp_server.render.request_lines import kind_of, log_rank, request_lines
from mcp_server.render.requests import Request, requests_in
from mcp_server.render.useragent import browser_name
from mcp_server.render.words import log_words

CAUSES_SHOWN_MAX = 5
SERVICES_SHOWN_MAX = 8
_FILTERS = frozenset({"since", "until", "event_types", "service", "query"})


def session_trace_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `session-trace` answer."""
    record: SessionRecord = answer["session"]
    events: list[Event] = answer["events"]
    # Of a part of the events it cannot be told which requests failed.
    is_filtered = bool(_FILTERS & params.model_fields_set)
    is_whole = not is_filtered and params.cursor is None and "next_cursor" not in answer
    # Nor of a request that other sessions hold a part of; the newest failure of all is in the record.
    shared: Sequence[str] = answer.get("shared_request_ids", ())
    requests = requests_in(events, undecided=shared)
    short = short_ids([*record.get("request_ids", ()), *requests], beyond.requests_meant)
    session_id = short_ids([record["session_id"]], beyond.sessions_meant)[record["session_id"]]
    failed = [request for request in requests.values() if request.failed] if is_whole else []
    head = [
        *_title(
            record,
            session_id,
            _lasted(record, events, is_whole=is_whole),
            _failed_words(record, len(failed), is_complete=is_whole and not shared),
        ),
        *_causes(record, failed, events, shared if is_whole else (), short),
        *note_lines(answer),
    ]
    link = session_link(beyond.page_url, record["session_id"])
    in_full = not is_whole or "budget" in params.model_fields_set
    lines = _lines(events, requests, short, in_full)
    choice = choose(lines, room_for_lines(params.budget, [*head, link]), Rank.NOISE if in_full else Rank.NOTABLE)
    if choice.lines:
        head += [DATA_FOLLOWS, *layout(choice.lines, unix_nano(record["started_at"]))]
    failed_ids = [short[request.request_id] for request in failed]
    next_call = _next_call(answer, params, session_id, failed_ids, bool(choice.left_out))
    noun = "matching event" if is_filtered else "event"
    return "\n".join([*head, last_line(choice.shown, answer["total"], noun, next_call, choice.left_out, link=link)])


def _failed_words(record: SessionRecord, failed: int, *, is_complete: bool) -> str:
    """How many requests failed: `failed` of them if all could be told, else what is certain with the record's cause."""
    failed = max(failed, int("cause" in record))
    if not failed:
        return ""
    return f"{failed} failed" if is_complete or failed == record["request_count"] else f"at least {failed} failed"


def _lasted(record: SessionRecord, events: Sequence[Event], *, is_whole: bool) -> str:
    """From the first event to the end of what ended last; the record knows only when the last event began."""
    ended = max([unix_nano(record["last_activity"]), *map(end_of, events)])
    return ("" if is_whole else "≥") + between(unix_nano(record["started_at"]), ended)


def _title(record: SessionRecord, session_id: str, lasted: str, failed: str) -> list[str]:
    requests = counted(record["request_count"], "request")
    if failed:
        requests += f", {failed}"
    services = [clean(service) for service in record.get("services", ())]
    parts = [
        f"session {shown_session_id(record['session_id'], session_id)}",
        absolute(unix_nano(record["started_at"])),
        lasted,
        requests,
        " ".join(services[:SERVICES_SHOWN_MAX]) + (" …" if len(services) > SERVICES_SHOWN_MAX else ""),
    ]
    who = [
        clean(record.get("first_url", "")),
        browser_name(record.get("user_agent", "")),
        clean(record.get("ip_address", "")),
        f"continues {clean(record['previous_id'])}" if "previous_id" in record else "",
        f"ended: {clean(record['end_reason'])}" if "end_reason" in record else "",
    ]
    title, recorded = (" · ".join(part for part in line if part) for line in (parts, who))
    return [title, f" {recorded}"] if recorded else [title]


def _causes(
    record: SessionRecord,
    failed: Sequence[Request],
    events: Sequence[Event],
    shared: Sequence[str],
    short: Mapping[str, str],
) -> list[str]:
    """One line for each different cause, newest first, with the requests that it failed.

    That of the newest failure is the record's; it may be one of the `shared` requests, of which events tell nothing.
    """
    grouped: dict[str, list[Request]] = {}
    for request in reversed(failed):
        if request.cause:
            grouped.setdefault(cause_words(request.cause), []).append(request)
    lines: list[str] = []
    for words, requests in list(grouped.items())[:CAUSES_SHOWN_MAX]:
        ids = " ".join(short[request.request_id] for request in requests[:3]) + (" …" if len(requests) > 3 else "")
        spread = spread_words(requests[0].spread)
        lines.append(f"cause {ids}: {words}" + (f" · spread: {spread}" if spread else ""))
    if len(grouped) > CAUSES_SHOWN_MAX:
        lines.append(f"causes: {len(grouped) - CAUSES_SHOWN_MAX} older ones are not listed")
    cause = record.get("cause")
    if cause is None or cause_words(cause) in grouped or (lines and not shared):
        return lines
    of = _request_of(cause, record, events) or (shared[0] if len(shared) == 1 else "")
    return [f"cause {short[of]}: {cause_words(cause)}" if of else f"cause: {cause_words(cause)}", *lines]


def _request_of(cause: Cause, record: SessionRecord, events: Sequence[Event]) -> str:
    """The request of the record's cause: that of its span's events, or the only one; "" where neither tells."""
    span_id = cause.get("span_id")
    of = {event.get("request_id", "") for event in events if span_id and span_id_of(event) == span_id}
    if not of and record["request_count"] == 1:
        of = set(record.get("request_ids", ()))
    return of.pop() if len(of) == 1 else ""


def _lines(
    events: Sequence[Event], requests: Mapping[str, Request], short: Mapping[str, str], in_full: bool
) -> list[Line]:
    """All lines in order; the entries of normal requests fold, and failures like the newest one keep to their entry."""
    order = {event["id"]: index for index, event in enumerate(events)}
    detailed = _detailed(requests.values())
    lines: list[Line] = []
    for request in requests.values():
        for line in fold(request_lines(request, order)):
            is_entry = request.entry is not None and line.order == order[request.entry["id"]]
            if is_entry:
                line = _as_entry(line, request, short[request.request_id])
            elif request.failed and request.request_id in detailed and line.rank is Rank.HOP:
                line = replace(line, rank=Rank.NOTABLE)
            elif request.failed and request.request_id not in detailed and not in_full:
                line = replace(line, rank=Rank.NOISE)
            elif request.entry is None and not line.request_ids:
                line = replace(line, request_ids=[short[request.request_id]])
            lines.append(line)
    lines += [_line_without_request(event, order[event["id"]]) for event in events if not event.get("request_id")]
    folded = fold(lines) if not in_full else lines
    return sorted(folded, key=lambda line: line.order)


def _detailed(requests: Iterable[Request]) -> set[str]:
    """Of the failures that are alike, the newest is told hop by hop."""
    newest: dict[tuple[str, str], str] = {}
    for request in requests:
        if request.failed:
            reason = request.cause["reason"] if request.cause else ""
            newest[request.operation, reason] = request.request_id
    return set(newest.values())


def _as_entry(line: Line, request: Request, short_id: str) -> Line:
    reached = [clean(service, SERVICE_CHARACTERS_MAX) for service in request.reached[:SERVICES_SHOWN_MAX]]
    via = f"via {' '.join(reached)}" if reached and not request.failed else ""
    status = "" if request.status is None else f" {request.status}"
    return replace(
        line,
        tail=" ".join(part for part in (line.tail, via) if part),
        scope="entry" if request.failed else f"entry {via}",
        rank=Rank.ALWAYS if request.failed else Rank.NOTABLE,
        pattern=f"{line.pattern} {short_id}" if request.failed else f"{pattern_of(request.operation)}{status}",
        request_ids=[short_id],
    )


def _line_without_request(event: Event, order: int) -> Line:
    words = log_words(event, with_attributes=event["error"])
    rank = Rank.NOTABLE if event["type"] == "event" else log_rank(event)
    return Line(
        order=order,
        time_unix_nano=start_of(event),
        service=clean(event["service"], SERVICE_CHARACTERS_MAX),
        depth=0,
        head=words,
        rank=Rank.NOTABLE if rank is Rank.DETAIL else rank,
        kinds=[kind_of(event)],
        scope="session",
        pattern=words if rank is Rank.ALWAYS else pattern_of(words),
    )


def _next_call(
    answer: Mapping[str, Any],
    params: ObserveParams,
    session_id: str,
    failed: Sequence[str],
    has_left_out: bool,
) -> str:
    if "next_cursor" in answer:
        return same_call(params, cursor=answer["next_cursor"])
    if not answer["events"]:
        return call("session-trace", session_id=session_id) if _FILTERS & params.model_fields_set else call("sessions")
    if failed:
        return call("request-trace", request_id=failed[-1])
    if "cause" in answer["session"]:
        return call("request-trace", session_id=session_id, pick="last_error")
    if has_left_out and params.budget < BUDGET_TOKENS_MAX:
        return same_call(params, session_id=session_id, budget=BUDGET_TOKENS_MAX)
    if not answer["session"]["request_count"]:
        return call("logs", session_id=session_id)
    return call("request-trace", session_id=session_id, pick="slowest")
