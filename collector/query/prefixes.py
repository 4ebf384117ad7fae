"""From what was typed to an id: complete ids first, then unique prefixes. Contract "Calls"."""

import difflib
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from collector.errors import QueryError
from collector.pdata.ids import TRACE_ID_BYTES, trace_id_from_text
from collector.store.api import Reader

PREFIX_CHARS_MIN = 6
CANDIDATES_SHOWN_MAX = 10
NEAREST_SHOWN_MAX = 5
NEAREST_LOOKED_AT_MAX = 1_000
SESSION_PREFIX = "session-"


class Unknown(NamedTuple):
    """No stored id is meant by what was typed; `note` says so and lists the nearest ones."""

    note: str


class Asked(NamedTuple):
    """How an id was asked for: the argument that held it, and the call to make with a whole id, quoted, behind it."""

    name: str
    call: str
    quote: Callable[[str], str] = partial(json.dumps, ensure_ascii=False)


_SESSION_ASKED = Asked("session_id", 'observe(what="session-trace", session_id={})')
_REQUEST_ASKED = Asked("request_id", 'observe(what="request-trace", request_id={})')


def session_id_of(reader: Reader, text: str, asked: Asked = _SESSION_ASKED) -> str | Unknown:
    """Return the stored session id that `text` means. Raises QueryError if it could mean several."""
    _check_text(asked, text)
    found = sessions_meant(reader, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(asked, text, found)
    prefix = _bare(text)
    return Unknown(_unknown("session", text, prefix, _nearest(prefix, reader.session_ids)))


def sessions_meant(reader: Reader, text: str) -> list[str]:
    """Return the stored session ids that `text` could mean: the one that it is, else those that it begins."""
    prefix = _bare(text)
    for candidate in dict.fromkeys((text, prefix)):
        if list(reader.session_ids(candidate, 1)) == [candidate]:
            return [candidate]
    if len(prefix) < PREFIX_CHARS_MIN:
        return []
    found = (
        *reader.session_ids(prefix, CANDIDATES_SHOWN_MAX + 1),
        *reader.session_ids(SESSION_PREFIX + prefix, CANDIDATES_SHOWN_MAX + 1),
    )
    return list(dict.fromkeys(found))


def request_id_of(reader: Reader, text: str) -> bytes | Unknown:
    """Return the stored trace id that `text` means, in either case. Raises QueryError if it could mean several."""
    _check_text(_REQUEST_ASKED, text)
    prefix = _trace_prefix(text)
    found = requests_meant(reader, text)
    if len(found) == 1:
        return bytes.fromhex(found[0])
    if found:
        raise _ambiguous(_REQUEST_ASKED, text, found)

    def ids(start: str, limit: int) -> Sequence[str]:
        return [trace_id.hex() for trace_id in reader.trace_ids(start, limit)]

    note = _unknown("request", text, prefix, _nearest(prefix, ids))
    is_hex = len(prefix) <= 2 * TRACE_ID_BYTES and set(prefix) <= set("0123456789abcdef")
    return Unknown(note if is_hex else f"{note} (a request id is a trace id: 32 hex digits)")


def _check_text(asked: Asked, text: str) -> None:
    if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
        raise QueryError(f"{asked.name}: {text!r} is no UTF-8; copy the id from a list")


def requests_meant(reader: Reader, text: str) -> list[str]:
    """Return the stored trace ids, as lower-case hex, that `text` is or begins."""
    prefix = _trace_prefix(text)
    if len(prefix) < PREFIX_CHARS_MIN:
        return []
    return [trace_id.hex() for trace_id in reader.trace_ids(prefix, CANDIDATES_SHOWN_MAX + 1)]


def _trace_prefix(text: str) -> str:
    prefix = _bare(text).lower()
    complete = trace_id_from_text(prefix)
    return complete.hex() if complete else prefix


def _bare(text: str) -> str:
    return text.strip().removesuffix("…").removesuffix("...")


def _ambiguous(asked: Asked, text: str, found: Sequence[str]) -> QueryError:
    shown = ", ".join(found[:CANDIDATES_SHOWN_MAX])
    more = ", …" if len(found) > CANDIDATES_SHOWN_MAX else ""
    return QueryError(
        f"{asked.name}: {text!r} begins {'more than ' if more else ''}{min(len(found), CANDIDATES_SHOWN_MAX)} ids:"
        f" {shown}{more}. A valid call: {asked.call.format(asked.quote(found[0]))}"
    )


def _unknown(noun: str, text: str, prefix: str, nearest: Sequence[str]) -> str:
    reason = f"no {noun} with the id {text!r} is stored"
    if len(prefix) < PREFIX_CHARS_MIN:
        reason += f" (a prefix needs {PREFIX_CHARS_MIN} characters)"
    if nearest:
        return f"{reason}; the nearest: {', '.join(nearest)}"
    return f"{reason}, nor any other {noun}"


def _nearest(text: str, ids: Callable[[str, int], Sequence[str]]) -> list[str]:
    """Return a few stored ids like `text`: those with the longest common beginning, else the most similar."""
    for length in range(len(text), 3, -1):
        found = ids(text[:length], NEAREST_SHOWN_MAX)
        if found:
            return list(found)
    some = ids("", NEAREST_LOOKED_AT_MAX)
    return difflib.get_close_matches(text[:256], some, NEAREST_SHOWN_MAX, 0.5) or list(some[:NEAREST_SHOWN_MAX])
