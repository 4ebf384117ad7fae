"""Cursors: where the next page begins, of exactly the answer that the first page came from. Contract "Cursor".

A cursor needs nothing to be kept: any process that reads the same store can go on with it.
"""

import base64
import binascii
import hashlib
import json

from pydantic import BaseModel, ConfigDict, ValidationError

from collector.errors import QueryError
from collector.query.params import ObserveParams

_CURSOR_CHARS_MAX = 4_096
# How an answer is cut or shown is no part of the question.
_NOT_ASKED = frozenset({"cursor", "limit", "budget", "format", "wait_for"})


class Cursor(BaseModel):
    """`commit` and `evictions`: the store's position at the first page. `after`: the last order key shown.

    `now_unix_nano`: what ages such as `-15m` count from. `picked`: what `pick` chose. `size`: how much there was
    before any filter, to notice what eviction took. `low`: the first commit that a partial list looked at.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    commit: int
    evictions: int
    now_unix_nano: int
    asked: str
    after: list[int | str]
    size: int
    picked: str = ""
    low: int = 0


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as opaque text."""
    raw = json.dumps(cursor.model_dump(), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


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
        cursor = Cursor.model_validate(json.loads(raw))
    except (ValueError, binascii.Error, ValidationError, RecursionError) as error:
        raise QueryError(
            "cursor: this is no cursor; pass next_cursor of the answer before, whole, or leave it out to start"
            f" again: {restart_call(params)}"
        ) from error
    if cursor.asked != asked_hash(params):
        raise QueryError(
            "cursor: it belongs to other arguments; repeat the arguments it was given for, or leave it out to start"
            f" again: {restart_call(params)}"
        )
    return cursor


def asked_hash(params: ObserveParams) -> str:
    """Return a hash of what is asked, whatever way it is shown."""
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
