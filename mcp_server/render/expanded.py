"""The text of one event, whole: its fields, its attributes, those of its resource and scope."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from collector.query.calltree import start_of
from collector.query.event import Event, JsonValue
from collector.query.params import BUDGET_TOKENS_MAX, ObserveParams
from mcp_server.render.beyond import Beyond
from mcp_server.render.budget import CHARACTERS_PER_TOKEN
from mcp_server.render.call import call
from mcp_server.render.clock import absolute, duration
from mcp_server.render.escape import clean, compact, escape_unseen
from mcp_server.render.footer import DATA_FOLLOWS, with_link
from mcp_server.render.headlines import note_lines
from mcp_server.render.ids import short_ids
from mcp_server.render.links import request_link

_FIELDS = ("id", "session_id", "evidence", "parent_span_id", "kind", "severity", "status_message", "truncated")
# More than an event of the largest request has.
_LINES_MAX = 10**8


def expanded_text(answer: Mapping[str, Any], params: ObserveParams, beyond: Beyond) -> str:
    """Return the text of a `request-trace` answer to `expand`; texts of several lines stay so, indented."""
    event: Event = answer["timeline"][0]
    tokens = params.budget if "budget" in params.model_fields_set else BUDGET_TOKENS_MAX
    title = f"{event['signal'].replace('_', ' ')} {clean(event['service'])} {clean(event.get('name', ''))}".rstrip()
    head = [f"{title}{' ERROR' if event['error'] else ''} · {absolute(start_of(event))}", *note_lines(answer)]
    if "duration_ms" in event:
        head[0] += f" · {duration(event['duration_ms'])}"
    head.append(DATA_FOLLOWS)
    whole = event.get("request_id", "")
    short = short_ids([whole], beyond.requests_meant)[whole]
    link = request_link(beyond.page_url, whole, event["id"])

    def last(words: str) -> str:
        return with_link(f"{words} · next: {call('request-trace', request_id=short)}", link)

    room = tokens * CHARACTERS_PER_TOKEN - sum(len(line) + 1 for line in head) - len(last(_left_out(_LINES_MAX)))
    left_out = 0
    for line in _lines(event):
        room -= len(line) + 1
        if room < 0:
            left_out += 1
        else:
            head.append(line)
    return "\n".join([*head, last(_left_out(left_out) if left_out else "1 of 1 event shown whole")])


def _left_out(lines: int) -> str:
    return f"1 of 1 event shown; left out: {lines} lines of it (budget={BUDGET_TOKENS_MAX} shows more)"


def _lines(event: Event) -> Iterator[str]:
    fields = cast("Mapping[str, Any]", event)
    for name in _FIELDS:
        if name in fields:
            yield from _value_lines(name, fields[name])
    if "body" in event:
        yield from _value_lines("body", event["body"])
    yield from _group_lines("attributes", event["attributes"])
    for name in ("scope", "resource"):
        holder: Mapping[str, Any] = fields.get(name, {})
        label = " ".join(part for part in (name, holder.get("name", ""), holder.get("version", "")) if part)
        yield from _group_lines(label, holder.get("attributes", {}))


def _group_lines(label: str, attributes: Mapping[str, JsonValue]) -> Iterator[str]:
    if attributes:
        yield f" {clean(label)}:"
    for key, value in attributes.items():
        yield from _value_lines(key, value, "  ")


def _value_lines(name: str, value: JsonValue, indent: str = " ") -> Iterator[str]:
    text = value if isinstance(value, str) else compact(value)
    first, *rest = text.splitlines() or [""]
    yield f"{indent}{clean(name)}={escape_unseen(first)}"
    for line in rest:
        yield f"{indent}  {escape_unseen(line)}"
