"""The text of what `gasoline doctor` found: ports, who has sent what, then each finding with what to change."""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp_server.render.clock import to_the_second, unix_nano
from mcp_server.render.counts import counted
from mcp_server.render.escape import TEXT_CHARACTERS_MAX, clean
from mcp_server.render.headlines import NOTE_CHARACTERS_MAX

DOCTOR_SERVICES_SHOWN_MAX = 40
FINDINGS_SHOWN_MAX = 40
CHANGE_CHARACTERS_MAX = 400
_PORT_WORDS: Mapping[str, str] = {
    "": "answers",
    "unreachable": "does not answer",
    "busy": "is busy",
    "token_refused": "asks for the token",
}


def doctor_text(answer: Mapping[str, Any]) -> str:
    """Return the text of the JSON answer of `gasoline doctor`."""
    findings: Sequence[Mapping[str, Any]] = answer["findings"]
    lines = [*_port_lines(answer), *_window_lines(answer)]
    for finding in findings[:FINDINGS_SHOWN_MAX]:
        lines.append(f"{finding['level']}: {clean(finding['message'], CHANGE_CHARACTERS_MAX)}")
        lines += [f"  change: {clean(line, CHANGE_CHARACTERS_MAX)}" for line in finding["change"]]
    if len(findings) > FINDINGS_SHOWN_MAX:
        lines.append(f"{len(findings) - FINDINGS_SHOWN_MAX} more findings in the JSON answer")
    lines += [f"note: {clean(note, NOTE_CHARACTERS_MAX)}" for note in answer["notes"]]
    return "\n".join([*lines, _verdict(answer["healthy"], findings)])


def _port_lines(answer: Mapping[str, Any]) -> list[str]:
    data = clean(answer["data"], TEXT_CHARACTERS_MAX)
    if answer["pid"] is None:
        return [f"collector: none runs on {data}"]
    ports: Sequence[Mapping[str, str]] = answer["ports"]
    name_width = max((len(port["name"]) for port in ports), default=0)
    endpoint_width = max((len(port["endpoint"]) for port in ports), default=0)
    return [
        f"collector: process {answer['pid']} on {data}",
        *(
            f" {port['name']:<{name_width}} {port['endpoint']:<{endpoint_width}} {_PORT_WORDS[port['problem']]}"
            for port in ports
        ),
    ]


def _window_lines(answer: Mapping[str, Any]) -> list[str]:
    if "since" not in answer:
        return []
    services: Sequence[Mapping[str, Any]] = answer["services"]
    since, until = (to_the_second(unix_nano(answer[name])) for name in ("since", "until"))
    counts = ", ".join(
        [
            counted(len(services), "service"),
            counted(answer["requests"], "request"),
            counted(answer["sessions"], "session"),
        ]
    )
    names = [clean(service["name"], 40) for service in services[:DOCTOR_SERVICES_SHOWN_MAX]]
    width = max(map(len, names), default=0)
    lines = [f"from {since} to {until}: {counts}"]
    for name, service in zip(names, services, strict=False):
        language = f" {clean(service['language'], 20)}" if service["language"] else ""
        lines.append(
            f" {name:<{width}}{language} {counted(service['spans'], 'span')}, {counted(service['logs'], 'log')}, "
            f"last {to_the_second(unix_nano(service['last_seen']))} · in a session by {_evidence(service['evidence'])}"
        )
    if len(services) > DOCTOR_SERVICES_SHOWN_MAX:
        lines.append(f" {len(services) - DOCTOR_SERVICES_SHOWN_MAX} more services in the JSON answer")
    if answer["silent"]:
        silent = [clean(name, 40) for name in answer["silent"]]
        more = " …" if len(silent) > DOCTOR_SERVICES_SHOWN_MAX else ""
        lines.append(f" silent since: {', '.join(silent[:DOCTOR_SERVICES_SHOWN_MAX])}{more}")
    return lines


def _evidence(counts: Mapping[str, int]) -> str:
    named = [f"{name} {count}" for name, count in counts.items() if count and name != "none"]
    return f"{', '.join(named) or 'nothing'}; in none {counts['none']}"


def _verdict(healthy: bool, findings: Sequence[Mapping[str, Any]]) -> str:
    problems = sum(finding["level"] == "problem" for finding in findings)
    hints = counted(len(findings) - problems, "hint")
    return f"healthy, {hints}" if healthy else f"{counted(problems, 'problem')}, {hints}"
