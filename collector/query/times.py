"""Times as people write and read them: RFC 3339 and `-15m` in, RFC 3339 with nine decimals out.

Unix nanoseconds inside; floats never carry a time. https://www.rfc-editor.org/rfc/rfc3339
"""

import re
from datetime import UTC, datetime, timedelta

NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_MILLISECOND = 1_000_000
_UNIT_NANOS = {
    "ms": NANOS_PER_MILLISECOND,
    "s": NANOS_PER_SECOND,
    "m": 60 * NANOS_PER_SECOND,
    "h": 3600 * NANOS_PER_SECOND,
    "d": 86_400 * NANOS_PER_SECOND,
    "w": 7 * 86_400 * NANOS_PER_SECOND,
}
_RELATIVE = re.compile(r"-(\d{1,9})(ms|s|m|h|d|w)", re.ASCII)
_ABSOLUTE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_unix_nano_of(text: str, now_unix_nano: int) -> int:
    """Return the unix nanoseconds that `text` names: RFC 3339, or an age such as `-15m` before now.

    Units of an age: ms, s, m, h, d, w. Raises ValueError for anything else.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now_unix_nano - int(relative[1]) * _UNIT_NANOS[relative[2]]
    absolute = _ABSOLUTE.fullmatch(text)
    if not absolute or int(absolute[9] or 0) > 23 or int(absolute[10] or 0) > 59:
        raise ValueError(f"{text!r} is no time; write RFC 3339 (2026-11-22T10:00:42Z) or an age (-15m, -2h, -1d)")
    year, month, day, hour, minute, second = (int(absolute[group]) for group in range(1, 7))
    offset = timedelta()
    if absolute[8]:
        offset = timedelta(hours=int(absolute[9]), minutes=int(absolute[10]))
        offset = -offset if absolute[8] == "-" else offset
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH - offset
    fraction = int((absolute[7] or "").ljust(9, "0"))
    return (moment.days * 86_400 + moment.seconds) * NANOS_PER_SECOND + fraction


def rfc3339(time_unix_nano: int) -> str:
    """Return a time as RFC 3339 in UTC with nine decimals and a Z."""
    seconds, nanos = divmod(time_unix_nano, NANOS_PER_SECOND)
    # A fraction of the time that a format with % takes, which counts in lists.
    moment = (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    return f"{moment}.{nanos:09d}Z"


def milliseconds(duration_nano: int) -> float:
    """Return a duration in milliseconds."""
    return duration_nano / NANOS_PER_MILLISECOND
