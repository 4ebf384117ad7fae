"""What may be asked: every argument of `observe`, which call takes it, and what each error says.

A wrong argument is refused, never ignored: an answer to a narrower or wider question than the one that was
asked would be read as the answer. Contract "Calls".
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from collector.errors import QueryError
from collector.query.times import time_unix_nano_of

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
BUDGET_TOKENS_DEFAULT = 2_000
BUDGET_TOKENS_MAX = 8_000
WAIT_FOR_S_MAX = 45.0
TEXT_CHARS_MAX = 4_096

What: TypeAlias = Literal["sessions", "requests", "session-trace", "request-trace", "logs", "status"]
EventFilter: TypeAlias = Literal["network", "span", "event", "log", "error"]
SeverityName: TypeAlias = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]

_EVERYWHERE = frozenset({"what", "format"})
_PAGED = frozenset({"since", "until", "limit", "cursor", "wait_for"})
_BY_CALL: dict[str, frozenset[str]] = {
    "sessions": _PAGED | {"service", "status", "url", "query"},
    "requests": _PAGED | {"service", "status", "url", "query", "min_duration_ms", "session_id", "without_session"},
    "session-trace": _PAGED | {"session_id", "pick", "event_types", "service", "query", "budget"},
    "request-trace": _PAGED | {"request_id", "pick", "session_id", "service", "url", "budget", "expand"},
    "logs": _PAGED | {"service", "severity", "request_id", "session_id", "query"},
    "status": frozenset(),
}
EXAMPLES: dict[str, str] = {
    "sessions": 'observe(what="sessions", status="error", since="-1h")',
    "requests": 'observe(what="requests", status="error", since="-1h")',
    "session-trace": 'observe(what="session-trace", pick="last")',
    "request-trace": 'observe(what="request-trace", pick="last_error")',
    "logs": 'observe(what="logs", severity="WARN", since="-15m")',
    "status": 'observe(what="status")',
}


def _as_list(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no number")
    return value


def _truth_value(value: object) -> object:
    if not isinstance(value, bool) and value not in ("true", "false"):
        raise ValueError("it is true or false")
    return value


Number = BeforeValidator(_no_truth_value)
Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARS_MAX)]


class ObserveParams(BaseModel):
    """One question. Frozen and checked: what exists is a call that can be answered or fails for its ids only.

    Raises QueryError, or pydantic's ValidationError where `parse_params` was not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    what: What
    session_id: Text | None = None
    request_id: Text | None = None
    pick: Literal["last", "last_error", "slowest"] | None = None
    service: Text | None = None
    status: Literal["error"] | None = None
    url: Text | None = None
    query: Text | None = None
    min_duration_ms: Annotated[float, Field(ge=0), Number] | None = None
    without_session: Annotated[bool, BeforeValidator(_truth_value)] = False
    severity: Annotated[SeverityName, BeforeValidator(_upper)] | None = None
    event_types: Annotated[tuple[EventFilter, ...], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    since: Text | None = None
    until: Text | None = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), Number] = LIMIT_DEFAULT
    cursor: Text | None = None
    budget: Annotated[int, Field(ge=1, le=BUDGET_TOKENS_MAX), Number] = BUDGET_TOKENS_DEFAULT
    expand: Text | None = None
    wait_for: Annotated[float, Field(ge=0, le=WAIT_FOR_S_MAX), Number] | None = None
    format: Literal["text", "json"] = "text"

    @model_validator(mode="after")
    def _check_call(self) -> Self:
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        allowed = _BY_CALL[self.what] | _EVERYWHERE
        for name in sorted(given - allowed):
            raise _error(name, f"{self.what} does not take it; it takes {', '.join(sorted(allowed))}", self.what)
        for name in ("since", "until"):
            text = getattr(self, name)
            if text is not None:
                _check_time(name, text, self.what)
        if self.what == "session-trace":
            self._check_session_trace()
        elif self.what == "request-trace":
            self._check_request_trace(given)
        if self.session_id and self.without_session:
            raise _error("without_session", "it conflicts with session_id; give one of them", self.what)
        return self

    def _check_session_trace(self) -> None:
        if self.session_id and self.pick:
            raise _error("pick", "it conflicts with session_id; give one of them", self.what)
        if not self.session_id and not self.pick:
            raise _error("session_id", "it is missing; give it, or pick", self.what)
        if self.pick == "slowest":
            raise _error("pick", "slowest is for requests; a session is picked by last or last_error", self.what)

    def _check_request_trace(self, given: set[str]) -> None:
        if not self.request_id and not self.pick:
            name = "pick" if self.session_id else "request_id"
            raise _error(name, "it is missing; give request_id, or pick", self.what)
        if not self.request_id:
            return
        for name in ("pick", "session_id", "service", "url", "since", "until"):
            if name in given:
                raise _error(name, "it conflicts with request_id: it helps to pick a request", self.what)


def parse_params(arguments: Mapping[str, Any]) -> ObserveParams:
    """Return the question that `arguments` ask; null stands for an argument that was not given.

    Raises QueryError, whose text names the argument and a valid call.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    what = given.get("what")
    if not isinstance(what, str) or what not in _BY_CALL:
        near = difflib.get_close_matches(str(what), _BY_CALL, 1)
        problem = "it is missing" if what is None else f"{str(what)[:80]!r} is none of its values"
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise _error("what", f"{problem}; it is one of {', '.join(_BY_CALL)}{hint}", near[0] if near else "sessions")
    for name in given:
        if name not in ObserveParams.model_fields:
            near = difflib.get_close_matches(name, sorted(ObserveParams.model_fields), 1)
            hint = f"did you mean {near[0]}?" if near else f"{what} takes {', '.join(sorted(_BY_CALL[what]))}"
            shown = name[:80].encode("utf-8", "backslashreplace").decode()
            raise _error(shown, f"there is no such argument; {hint}", what)
    try:
        return ObserveParams.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "what"
        raise _error(name, f"{first['msg'][:1].lower()}{first['msg'][1:]}", what) from error


def _check_time(name: str, text: str, what: str) -> None:
    try:
        time_unix_nano_of(text, 0)
    except ValueError as error:
        raise _error(name, str(error), what) from error


def _error(name: str, problem: str, what: str) -> QueryError:
    stop = "" if problem.endswith("?") else "."
    return QueryError(f"{name}: {problem}{stop} A valid call: {EXAMPLES[what]}")
