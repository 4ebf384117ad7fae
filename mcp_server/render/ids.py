"""Short ids: the shortest prefixes that mean one stored id each, as every call accepts them.

Contract "Calls": a unique prefix of six characters or more; after `session-` it may be counted from the dash.
"""

import re
from collections.abc import Iterable, Mapping

from mcp_server.render.beyond import Meant
from mcp_server.render.escape import clean, quoted

PREFIX_CHARACTERS_MIN = 6
ID_CHARACTERS_MAX = 64
# The store is asked for so many ids of an answer; the others are long enough to be alone in any store.
IDS_ASKED_FOR_MAX = 2_000
LONG_PREFIX_CHARACTERS = 13
# A label that minted ids have in common, `session-` or `sess_`, tells none apart; what follows must be random.
_MINTED = re.compile(r"(?P<label>[A-Za-z]+[-_:.])?[0-9a-fA-F]{8}[0-9a-fA-F-]{4,}")
_TIMED = re.compile(r".*[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?7[0-9a-fA-F]{3}-?[89abAB][0-9a-fA-F]{3}-?[0-9a-fA-F]{12}")
_DIGITS = re.compile(r"[0-9-]{1,31}")
_HALF_ZEROS = "0" * 8
_PLAIN = re.compile(r"[\w.:~+/=@-]+", re.ASCII)


def short_ids(ids: Iterable[str], meant: Meant | None = None) -> Mapping[str, str]:
    """Return, for each id, its shortest prefix that no other of them begins with, at least PREFIX_CHARACTERS_MIN long.

    `meant` says which stored ids a text could mean; then a prefix means its id alone. Only random ids are shortened
    (32 hex digits, a UUID, either behind a label that does not count): of ids that somebody chose, `run-1`, others
    still to come are likely to begin alike. So are those that begin with a time: UUIDs of version 7 (RFC 9562, 5.7),
    and digits alone.
    """
    ordered = sorted(set(ids))
    shortened: dict[str, str] = {}
    for index, whole in enumerate(ordered):
        label_length = _label_length(whole)
        if label_length is None:
            shortened[whole] = whole
            continue
        length = label_length + PREFIX_CHARACTERS_MIN
        for other in (*ordered[max(0, index - 1) : index], *ordered[index + 1 : index + 2]):
            length = max(length, _common(whole, other) + 1)
        if meant is not None and index >= IDS_ASKED_FOR_MAX:
            length = max(length, len(id_for_good(whole)))
        elif meant is not None:
            length = _length_alone(whole, length, meant)
        shortened[whole] = whole[:length]
    return shortened


def id_for_good(whole: str) -> str:
    """Return a prefix that stays alone in any store; of random ids LONG_PREFIX_CHARACTERS are enough.

    In trace ids that are half zeros, as older tracers send them, the random half may come last.
    """
    label_length = _label_length(whole)
    if label_length is None or _HALF_ZEROS in whole:
        return whole
    return whole[: label_length + LONG_PREFIX_CHARACTERS]


def _label_length(whole: str) -> int | None:
    """Return the length of what is before the random part of an id; None if it has none."""
    minted = _MINTED.fullmatch(whole)
    if minted is None:
        return None
    length = max(0, minted.end("label"))
    return None if _TIMED.fullmatch(whole) or _DIGITS.fullmatch(whole, length) else length


def _length_alone(whole: str, length: int, meant: Meant) -> int:
    while length < len(whole):
        found = list(meant(whole[:length]))
        if found == [whole]:
            return length
        if not found:
            # It is not stored any more.
            break
        length += 1
    return len(whole)


def shown_session_id(whole: str, short: str) -> str:
    """Return a session id for reading: a trailing ellipsis says that it was cut; odd ones are quoted."""
    shown = clean(short, ID_CHARACTERS_MAX)
    if short != whole and not shown.endswith("…"):
        shown += "…"
    return shown if _PLAIN.fullmatch(short) else quoted(short, ID_CHARACTERS_MAX)


def _common(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
