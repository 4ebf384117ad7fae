"""The text of lists: sessions, requests, logs; newest first, one entry a line, causes below what failed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector.query.calltree import span_id_of, start_of
from collector.query.event import Event, RequestRecord, SessionRecord
from collector.query.operation import split_url
from collector.query.params import BUDGET_TOKENS_MAX, ObserveParams
from mcp_server.render.beyond import Beyond
from mcp_server.render.budget import CHARACTERS_PER_TOKEN
from mcp_server.render.call import call, same_call
from mcp_server.render.clock import between, day, time_of_day, to_the_second, unix_nano
from mcp_server.render.counts import counted
from mcp_server.render.escape import clean
from mcp_server.render.footer import last_line, with_link
from mcp_server.render.headlines import cause_words, note_lines
from mcp_server.render.ids import short_ids, shown_session_id
from mcp_server.render.line import SERVICE_CHARACTERS_MAX
from mcp_server.render.links import list_link
from mcp_server.render.request_trace import request_words
from mcp_server.render.words import log_words

# A session costs at most 40 tokens, its share of the last line included; reasons are cut until that holds.
SESSION_CHARACTERS_MAX = 40 * CHARACTERS_PER_TOKEN
REASON_CHARACTERS = (200, 120, 90, 70, 60, 50, 40)
# What the numbers in the last line may add to a guess of its length.
_LAST_LINE_SPARE = 10


def sessions_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `sessions` answer: id, start, requests, then what caused the last failure.

    Where there is room: the link, length, first path, services. Where there is none for the next call, only its name.
    """
    records: list[SessionRecord] = answer["sessions"]
    short = short_ids((record["session_id"] for record in records), beyond.sessions_meant)
    chosen = next((record for record in records if "cause" in record), records[0] if records else None)
    if chosen:
        next_call = call("session-trace", session_id=short[chosen["session_id"]])
    else:
        next_call = _where_else(params, call("requests"))
    entries, spare = _session_entries(records, short, last_line(len(records), answer["total"], "session", next_call))
    brief = f"{len(records)} of {answer['total']} · next: session-trace"
    is_brief = False
    if spare < 0 and len(records) == answer["total"]:
        shorter, spare_then = _session_entries(records, short, brief)
        if spare_then >= 0:
            is_brief, entries, spare = True, shorter, spare_then
    link = list_link(beyond.page_url, params)
    if is_brief or (records and spare < len(with_link("", link))):
        link = ""
    spare -= len(with_link("", link))
    each = spare // max(1, len(entries))
    entries = [_with_extras(entry, record, each) for entry, record in zip(entries, records, strict=True)]
    if is_brief:
        return "\n".join([*note_lines(answer), *entries, brief])
    return _list_text(answer, params, entries, "session", next_call, beyond.cursor_after, link)


def _session_entries(records: Sequence[SessionRecord], short: Mapping[str, str], last: str) -> tuple[list[str], int]:
    """Return the entries with their reasons cut until all fit above `last`, and the characters to spare, if any."""
    room = SESSION_CHARACTERS_MAX * len(records) - len(last)
    entries: list[str] = []
    spare = 0
    for reason_characters in REASON_CHARACTERS:
        entries = [_session_entry(record, short, reason_characters) for record in records]
        spare = room - sum(len(entry) + 1 for entry in entries)
        if spare >= 0:
            break
    return entries, spare


def requests_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `requests` answer: id, start, what was asked for and answered, services, session."""
    records: list[RequestRecord] = answer["requests"]
    short = short_ids((record["request_id"] for record in records), beyond.requests_meant)
    sessions = short_ids((record["session_id"] for record in records if "session_id" in record), beyond.sessions_meant)
    entries: list[str] = []
    for record in records:
        words = [
            f" {short[record['request_id']]} {to_the_second(unix_nano(record['started_at']))}",
            request_words(record),
            "FAILED" if "cause" in record else "",
            f"· {' '.join(clean(service) for service in record.get('service_calls', ())[:6])}",
        ]
        if "session_id" in record:
            whole = record["session_id"]
            words.append(f"· session {shown_session_id(whole, sessions[whole])}")
        entry = " ".join(word for word in words if word)
        entries.append(f"{entry}\ncause: {cause_words(record['cause'])}" if "cause" in record else entry)
    chosen = next((record for record in records if "cause" in record), records[0] if records else None)
    if chosen:
        next_call = call("request-trace", request_id=short[chosen["request_id"]])
    else:
        next_call = _where_else(params, call("logs"))
    link = list_link(beyond.page_url, params)
    return _list_text(answer, params, entries, "request", next_call, beyond.cursor_after, link)


def logs_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `logs` answer: time of day, service, level, message, request."""
    events: list[Event] = answer["events"]
    short = short_ids((event["request_id"] for event in events if "request_id" in event), beyond.requests_meant)
    width = max((len(clean(event["service"], SERVICE_CHARACTERS_MAX)) for event in events), default=0)
    entries: list[str] = []
    last_day = ""
    for event in events:
        heading = ""
        if day(start_of(event)) != last_day:
            last_day = day(start_of(event))
            heading = f"{last_day} UTC\n"
        words = [
            f" {time_of_day(start_of(event))} {clean(event['service'], SERVICE_CHARACTERS_MAX):<{width}}",
            log_words(event, with_attributes=event["error"]),
            f"[{short[event['request_id']]}]" if "request_id" in event else "",
        ]
        entries.append(heading + " ".join(word for word in words if word))
    asked = next((event for event in events if event["error"] and "request_id" in event), None)
    asked = asked or next((event for event in events if "request_id" in event), None)
    if asked and not params.request_id:
        next_call = call("request-trace", request_id=short[asked["request_id"]])
    elif events and span_id_of(events[0]) and params.request_id:
        next_call = call("request-trace", request_id=params.request_id)
    elif events:
        next_call = call("sessions")
    else:
        next_call = _where_else(params, call("requests"))
    return _list_text(answer, params, entries, "log", next_call, beyond.cursor_after)


def _session_entry(record: SessionRecord, short: Mapping[str, str], reason_characters: int) -> str:
    started, count = unix_nano(record["started_at"]), record["request_count"]
    line = f" {shown_session_id(record['session_id'], short[record['session_id']])} {to_the_second(started)}"
    line += f" {counted(count, 'request')}"
    if "cause" in record:
        return f"{line}\ncause: {cause_words(record['cause'], reason_characters)}"
    return f"{line}, errors" if record["has_errors"] else line


def _with_extras(entry: str, record: SessionRecord, spare: int) -> str:
    """Add to an entry what else is known of its session, as far as `spare` characters reach."""
    line, newline, cause = entry.partition("\n")
    extras = [
        # The record does not know when its last event ended.
        "≥" + between(unix_nano(record["started_at"]), unix_nano(record["last_activity"])),
        clean(split_url(record.get("first_url", ""))[1], 40),
        " ".join(clean(service) for service in record.get("services", ())[:8]),
    ]
    for extra in extras:
        spare -= len(extra) + 3
        if spare < 0:
            break
        if extra:
            line += f" · {extra}"
    return f"{line}{newline}{cause}"


def _list_text(
    answer: Mapping[str, Any],
    params: ObserveParams,
    entries: Sequence[str],
    noun: str,
    next_call: str,
    cursor_after: Callable[[int], str] | None,
    link: str = "",
) -> str:
    """Show the first entries that the budget holds; a list whose limit was asked for may grow to the cap."""
    tokens = BUDGET_TOKENS_MAX if "limit" in params.model_fields_set else params.budget
    notes = note_lines(answer)
    room = tokens * CHARACTERS_PER_TOKEN - sum(len(note) + 1 for note in notes)

    def last(count: int) -> str:
        further = _further(answer, params, count, len(entries), cursor_after)
        if further and (noun == "log" or params.cursor):
            words = further
        else:
            words = f"{next_call}, or for more {further}" if further else next_call
        return last_line(count, answer["total"], noun, words, link=link)

    kept = _fitting(entries, room - len(last(len(entries))))
    if len(kept) < len(entries):
        kept = _fitting(entries, room - len(last(max(1, len(kept)))) - _LAST_LINE_SPARE)
    return "\n".join([*notes, *kept, last(len(kept))])


def _further(
    answer: Mapping[str, Any],
    params: ObserveParams,
    shown: int,
    listed: int,
    cursor_after: Callable[[int], str] | None,
) -> str:
    """Return the call that goes on after what is shown; "" if nothing follows."""
    if shown == listed:
        return same_call(params, cursor=answer["next_cursor"]) if "next_cursor" in answer else ""
    if cursor_after is None or not shown:
        return same_call(params, limit=max(1, shown))
    return same_call(params, cursor=cursor_after(shown))


def _fitting(entries: Sequence[str], room: int) -> Sequence[str]:
    for count, entry in enumerate(entries):
        room -= len(entry) + 1
        if room < 0:
            return entries[:count]
    return entries


def _where_else(params: ObserveParams, otherwise: str) -> str:
    """What to ask after an empty list: the same without its filters, or, without any, elsewhere."""
    filters = params.model_fields_set - {"what", "format", "limit", "wait_for", "cursor"}
    return call(params.what) if filters else f"{otherwise} or {call('status')}"
