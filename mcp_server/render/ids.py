"""Short ids: the shortest prefixes that tell the ids of one answer apart, as every call accepts them.

Contract "Calls": a unique prefix of six characters or more; after `session-` it may be counted from the dash.
"""

import re
from collections.abc import Iterable, Mapping

from mcp_server.render.escape import clean, quoted

PREFIX_CHARACTERS_MIN = 6
ID_CHARACTERS_MAX = 64
# A label that minted ids have in common, `session-` or `sess_`, tells none apart; what follows must be random.
_MINTED = re.compile(r"(?P<label>[A-Za-z]+[-_:.])?[0-9a-fA-F]{8}[0-9a-fA-F-]{4,}")
_TIMED = re.compile(r".*[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?7[0-9a-fA-F]{3}-?[89abAB][0-9a-fA-F]{3}-?[0-9a-fA-F]{12}")
_PLAIN = re.compile(r"[\w.:~+/=@-]+", re.ASCII)


def short_ids(ids: Iterable[str], characters_min: int = PREFIX_CHARACTERS_MIN) -> Mapping[str, str]:
    """Return, for each id, its shortest prefix that no other of them begins with, at least `characters_min` characters.

    Only random ids are shortened (32 hex digits, a UUID, either behind a label that does not count): an answer
    cannot know what else is stored, and of ids that somebody chose, `run-1`, others are likely to begin alike. So are
    UUIDs of version 7, which begin with the time (RFC 9562, 5.7).
    """
    ordered = sorted(set(ids))
    shortened: dict[str, str] = {}
    for index, whole in enumerate(ordered):
        minted = _MINTED.fullmatch(whole)
        if minted is None or _TIMED.fullmatch(whole):
            shortened[whole] = whole
            continue
        length = max(0, minted.end("label")) + characters_min
        for other in (*ordered[max(0, index - 1) : index], *ordered[index + 1 : index + 2]):
            length = max(length, _common(whole, other) + 1)
        shortened[whole] = whole[:length]
    return shortened


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
