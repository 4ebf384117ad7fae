"""Short ids: the shortest prefixes that tell the ids of one answer apart, as every call accepts them.

Contract "Calls": a unique prefix of six characters or more; after `session-` it may be counted from the dash.
"""

import re
from collections.abc import Iterable, Mapping

from mcp_server.render.escape import clean

PREFIX_CHARACTERS_MIN = 6
ID_CHARACTERS_MAX = 64
# What minted ids have in common, `session-` or `sess_`, tells none apart.
_LABEL = re.compile(r"[A-Za-z]+[-_:.]")
_PLAIN = re.compile(r"[\w.:~+/=@-]+", re.ASCII)


def short_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """Return, for each id, its shortest prefix that no other of them begins with, at least six characters.

    The characters of a leading label do not count. An id that a prefix would hardly shorten stays whole.
    """
    ordered = sorted(set(ids))
    shortened: dict[str, str] = {}
    for index, whole in enumerate(ordered):
        label = _LABEL.match(whole)
        length = (label.end() if label else 0) + PREFIX_CHARACTERS_MIN
        for other in (*ordered[max(0, index - 1) : index], *ordered[index + 1 : index + 2]):
            length = max(length, _common(whole, other) + 1)
        shortened[whole] = whole if length + 2 >= len(whole) else whole[:length]
    return shortened


def shown_session_id(whole: str, short: str) -> str:
    """Return a session id for reading: a trailing ellipsis says that it was cut; odd ones are quoted."""
    shown = clean(short, ID_CHARACTERS_MAX)
    if short != whole and not shown.endswith("…"):
        shown += "…"
    return shown if _PLAIN.fullmatch(short) else f'"{shown}"'


def _common(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
