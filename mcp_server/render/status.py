"""The text of `status`: where to send to, who has sent, what was refused or lost, what to do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp_server.render.beyond import Beyond
from mcp_server.render.call import call
from mcp_server.render.clock import to_the_second, unix_nano
from mcp_server.render.counts import counted
from mcp_server.render.escape import clean
from mcp_server.render.footer import with_link
from mcp_server.render.headlines import NOTE_CHARACTERS_MAX, note_lines
from mcp_server.render.ids import short_ids

SERVICES_SHOWN_MAX = 40
REASONS_SHOWN_MAX = 20
LOST_SHOWN_MAX = 10


def status_text(answer: Mapping[str, Any], beyond: Beyond) -> str:
    """Return the text of a `status` answer."""
    endpoints: Mapping[str, str] = answer["endpoints"]
    services: Sequence[Mapping[str, Any]] = answer["services"]
    lines = [
        " · ".join(["collector", *(f"{name} {clean(where)}" for name, where in endpoints.items())])
        if endpoints
        else "collector: not running",
        *_holdings(answer),
        *_service_lines(services[:SERVICES_SHOWN_MAX]),
        *_counts("refused", answer["refused"]),
        *_counts("dropped", answer["dropped"]),
        *_lost_lines(answer["lost_propagation"], beyond),
        *(f"advice: {clean(advice, NOTE_CHARACTERS_MAX)}" for advice in answer["advice"]),
        *note_lines(answer),
    ]
    shown = min(len(services), SERVICES_SHOWN_MAX)
    has_sessions = bool(answer.get("sessions", services))
    next_call = call("sessions") if has_sessions else call("requests") if services else call("status")
    last = f"{shown} of {counted(len(services), 'service')} shown · next: {next_call}"
    return "\n".join([*lines, with_link(last, beyond.page_url and f"{beyond.page_url}/")])


def _holdings(answer: Mapping[str, Any]) -> list[str]:
    if "sessions" not in answer:
        return []
    words = f"holds {counted(answer['sessions'], 'session')}, {counted(answer['requests'], 'request')}"
    if answer["requests_without_session"]:
        words += f" ({answer['requests_without_session']} in no session)"
    if answer["bytes_on_disk"]:
        words += f", {answer['bytes_on_disk'] / 1_000_000:.1f} MB on disk"
    return [words]


def _service_lines(services: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [clean(service["name"], 40) for service in services]
    width = max(map(len, names), default=0)
    return [
        f" {name:<{width}} last seen {to_the_second(unix_nano(service['last_seen']))} · "
        f"{counted(service['spans'], 'span')}, {counted(service['logs'], 'log')}"
        for name, service in zip(names, services, strict=True)
    ]


def _counts(label: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    words = [f"{count} {clean(reason)}" for reason, count in list(counts.items())[:REASONS_SHOWN_MAX]]
    return [f"{label}: {', '.join(words)}{' …' if len(counts) > REASONS_SHOWN_MAX else ''}"]


def _lost_lines(lost: Sequence[Mapping[str, Any]], beyond: Beyond) -> list[str]:
    short = short_ids((item["example_request_id"] for item in lost[:LOST_SHOWN_MAX]), beyond.requests_meant)
    lines = [
        f"lost propagation: {clean(item['service'])}, called from {clean(item['called_from'])}, began "
        f"{item['requests']} traces of its own, as {short[item['example_request_id']]}"
        for item in lost[:LOST_SHOWN_MAX]
    ]
    if len(lost) > LOST_SHOWN_MAX:
        lines.append(f"lost propagation: {len(lost) - LOST_SHOWN_MAX} more services in the JSON answer")
    return lines
