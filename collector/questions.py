"""The commands that ask: each is one `observe` of MCP, its arguments are flags, its text is the same.

They read the store's file themselves, so they work with and without a running collector.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from collector.flags import data_dir_flag, flag, token

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SERVICE = flag("--service", metavar="NAME", help="Only this service.name.")
_FAILED = flag("--status", type=click.Choice(["error"]), help="Only what failed.")
_URL = flag("--url", metavar="TEXT", help="Part of the URL.")
_QUERY = flag("--query", metavar="TEXT", help="Text to look for, in any case.")
_SESSION = flag("--session", "session_id", metavar="ID", help="Only this session; 6 characters of the id will do.")
_REQUEST = flag("--request", "request_id", metavar="ID", help="Only this request; 6 characters of the id will do.")
_BUDGET = flag(
    "--budget",
    type=int,
    metavar="TOKENS",
    help="Length of a text answer, about 4 characters a token; errors are kept beyond it, up to 8000 in all.",
)
_TIMES = (
    flag("--since", metavar="TIME", help="RFC 3339, or -15m."),
    flag("--until", metavar="TIME", help="As --since; exclusive."),
)
_PAGES = (
    flag("--limit", type=int, metavar="COUNT", help="Records on a page, 1 to 1000.  [default: 100]"),
    flag("--cursor", metavar="CURSOR", help="next_cursor of the page before."),
    flag("--wait-for", type=float, metavar="SECONDS", help="Wait for what has not arrived yet, at most 45."),
)
_OUTPUT = (flag("--json", "as_json", is_flag=True, help="The JSON answer, for programs."), data_dir_flag)


def _flags(*flags: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def declare(command: _Command) -> _Command:
        for each in reversed((*flags, *_OUTPUT)):
            command = each(command)
        return command

    return declare


@click.command()
@_flags(_SERVICE, _FAILED, _URL, _QUERY, *_TIMES, *_PAGES)
def sessions(data_dir: Path, as_json: bool, **arguments: object) -> None:
    """List sessions, newest first.

    \b
    Examples:
      gasoline sessions
      gasoline sessions --status error --since -1h
    """
    _answer("sessions", arguments, data_dir, as_json)


@click.command()
@_flags(
    _SERVICE,
    _FAILED,
    _URL,
    _QUERY,
    flag("--min-duration-ms", type=float, metavar="MS", help="Only those that took that long."),
    _SESSION,
    flag("--without-session", is_flag=True, default=None, help="Only those that belong to no session."),
    *_TIMES,
    *_PAGES,
)
def requests(data_dir: Path, as_json: bool, **arguments: object) -> None:
    """List requests, newest first.

    \b
    Examples:
      gasoline requests --status error
      gasoline requests --url /api/checkout --min-duration-ms 500
    """
    _answer("requests", arguments, data_dir, as_json)


@click.command()
@_flags(
    _SERVICE,
    flag("--severity", metavar="LEVEL", help="TRACE, DEBUG, INFO, WARN, ERROR or FATAL: that or above."),
    _REQUEST,
    _SESSION,
    _QUERY,
    *_TIMES,
    *_PAGES,
)
def logs(data_dir: Path, as_json: bool, **arguments: object) -> None:
    """List log records of all services, newest first.

    \b
    Examples:
      gasoline logs --severity WARN --since -15m
      gasoline logs --request a3ce929d0e0e --query declined
    """
    _answer("logs", arguments, data_dir, as_json)


@click.command()
@click.argument("session_id", metavar="[ID]", required=False)
@_flags(
    flag("--pick", type=click.Choice(["last", "last_error"]), help="Instead of an id."),
    flag("--event-types", metavar="TYPES", help="Of network, span, event, log, error; with commas."),
    _SERVICE,
    _QUERY,
    _BUDGET,
    *_TIMES,
    *_PAGES,
)
def session(data_dir: Path, as_json: bool, **arguments: object) -> None:
    """Tell what happened in one session, in order, over all services.

    Says so on stderr and ends with 1 if there is no such session.

    \b
    Examples:
      gasoline session 9f2c41
      gasoline session --pick last_error --event-types error,log
    """
    _answer("session-trace", arguments, data_dir, as_json)


@click.command()
@click.argument("request_id", metavar="[ID]", required=False)
@_flags(
    flag("--pick", type=click.Choice(["last", "last_error", "slowest"]), help="Instead of an id."),
    _SESSION,
    _SERVICE,
    _URL,
    flag("--expand", metavar="ID", help="A span or event of it to show whole."),
    _BUDGET,
    *_TIMES,
    *_PAGES,
)
def request(data_dir: Path, as_json: bool, **arguments: object) -> None:
    """Tell what happened to one request, and why it failed.

    Says so on stderr and ends with 1 if there is no such request.

    \b
    Examples:
      gasoline request a3ce92
      gasoline request --pick last_error
      gasoline request --pick slowest --service payments --since -1h
    """
    _answer("request-trace", arguments, data_dir, as_json)


@click.command()
@_flags()
def status(data_dir: Path, as_json: bool) -> None:
    """Tell which ports are open, who sends, and what was refused or dropped."""
    _answer("status", {}, data_dir, as_json)


# What the answer to a question about one thing holds if there is one.
_THINGS = {"session-trace": "session", "request-trace": "request"}
QUESTIONS = (sessions, requests, logs, session, request, status)


def _answer(what: str, arguments: dict[str, object], data_dir: Path, as_json: bool) -> None:
    from collector.query.params import parse_params
    from collector.query.service import QueryService
    from collector.remote import live_status
    from collector.rendezvous import running_collector, touch_readers
    from collector.store.sqlite.reader import SqliteReader
    from collector.terminal import paint
    from mcp_server.text import answer_for_text, text_of

    params = parse_params({"what": what, "format": "json" if as_json else "text", **arguments})
    reader = SqliteReader(data_dir)
    try:
        touch_readers(data_dir)
        query = QueryService(reader, live_status=lambda: live_status(data_dir, token()))
        if as_json:
            answer = query.observe(params)
            text = json.dumps(answer, indent=2, ensure_ascii=False)
        else:
            answer = answer_for_text(query, params)
            running = running_collector(data_dir)
            text = text_of(answer, params, page_url=running.page_url if running else "")
    finally:
        reader.close()
    is_there = what not in _THINGS or _THINGS[what] in answer
    if as_json:
        click.echo(text)
    else:
        click.echo(paint(text), err=not is_there)
    if not is_there:
        click.get_current_context().exit(1)
