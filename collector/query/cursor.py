"""Cursors: where the next page begins, of exactly the answer that the first page came from. Contract "Cursor".

A cursor needs nothing to be kept: any process that reads the same store can go on with it.
"""

import base64
import binascii
import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector.errors import QueryError
from collector.query.params import ObserveParams

_CURSOR_CHARS_MAX = 4_096
_DIGEST_BYTES = 8
# A page with a cursor is there already: nothing waits for it.
_NOT_ASKED = frozenset({"cursor", "wait_for"})


class Cursor(BaseModel):
    """`commit` and `evictions`: the store's position at the first page. `after`: the last order key shown.

    `now_unix_nano`: what ages such as `-15m` count from. `size`: how much there was before any filter, to notice
    what eviction took. `session_id` and `request_id`: what `pick` or the beginning of an id meant at the first page;
    "" = the answer is not about one. `low`: the first commit that a partial list looked at.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    commit: int = Field(ge=0)
    evictions: int = Field(ge=0)
    now_unix_nano: int = Field(ge=0, lt=2**64)
    asked: str
    after: list[int | str]
    size: int = Field(ge=0)
    session_id: str = ""
    request_id: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    low: int = Field(default=0, ge=0)


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as opaque text, behind a digest that tells when it was damaged."""
    raw = json.dumps(cursor.model_dump(), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_digest(raw) + raw).decode().rstrip("=")


def read_cursor(params: ObserveParams) -> Cursor | None:
    """Return the cursor that a question came with, None if it came without.

    Raises QueryError if it is none, or belongs to another question.
    """
    text = params.cursor
    if text is None:
        return None
    try:
        if len(text) > _CURSOR_CHARS_MAX:
            raise ValueError("too long")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        digest, raw = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if digest != _digest(raw):
            raise ValueError("damaged")
        cursor = Cursor.model_validate_json(raw)
    except (ValueError, binascii.Error, ValidationError) as error:
        raise QueryError(
            "cursor: this is no cursor, or a damaged one; pass next_cursor of the answer before, whole, or leave it out"
            f" to start again: {restart_call(params)}"
        ) from error
    if cursor.asked != asked_hash(params):
        raise QueryError(
            "cursor: it belongs to other arguments; repeat the arguments it was given for, or leave it out to start"
            f" again: {restart_call(params)}"
        )
    if _lacks_ids(cursor, params):
        raise QueryError(
            "cursor: it is damaged and lacks the id that it is about; leave it out to start again:"
            f" {restart_call(params)}"
        )
    return cursor


def _lacks_ids(cursor: Cursor, params: ObserveParams) -> bool:
    is_trace = params.what in ("session-trace", "request-trace")
    needs_session = params.what == "session-trace" if is_trace else params.session_id is not None
    needs_request = params.what == "request-trace" if is_trace else params.request_id is not None
    return (needs_session and not cursor.session_id) or (needs_request and not cursor.request_id)


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).digest()


def asked_hash(params: ObserveParams) -> str:
    """Return a hash of the arguments, those not given by their defaults."""
    asked = params.model_dump(mode="json", exclude=set(_NOT_ASKED), exclude_none=True)
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=8).hexdigest()


def restart_call(params: ObserveParams) -> str:
    """Return the call that asks the same question from its first page on."""
    given = params.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    given.pop("cursor", None)
    return f"observe({', '.join(f'{name}={json.dumps(value, ensure_ascii=False)}' for name, value in given.items())})"


def evicted_error(params: ObserveParams) -> QueryError:
    """Return the error for a page whose answer lost something to eviction."""
    return QueryError(
        "cursor: records of this answer were evicted since its first page, so it cannot go on; start again:"
        f" {restart_call(params)}"
    )
