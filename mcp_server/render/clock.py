"""Times and durations as people read them."""

from collector.query.times import NANOS_PER_MILLISECOND, NANOS_PER_SECOND, rfc3339, time_unix_nano_of


def unix_nano(text: str) -> int:
    """Return the unix nanoseconds of an RFC 3339 time of an answer."""
    return time_unix_nano_of(text, 0)


def absolute(time_unix_nano: int) -> str:
    """Return `2026-11-22 10:00:42.113Z`."""
    text = rfc3339(time_unix_nano)
    return f"{text[:10]} {text[11:23]}Z"


def to_the_second(time_unix_nano: int) -> str:
    """Return `2026-11-22 10:00:42Z`."""
    text = rfc3339(time_unix_nano)
    return f"{text[:10]} {text[11:19]}Z"


def day(time_unix_nano: int) -> str:
    """Return `2026-11-22`."""
    return rfc3339(time_unix_nano)[:10]


def time_of_day(time_unix_nano: int) -> str:
    """Return `10:00:42.113`, in UTC."""
    return rfc3339(time_unix_nano)[11:23]


def offset(time_unix_nano: int, start_unix_nano: int) -> str:
    """Return the time since `start_unix_nano` in seconds: `+1.206`."""
    milliseconds = (time_unix_nano - start_unix_nano) // NANOS_PER_MILLISECOND
    sign = "-" if milliseconds < 0 else "+"
    seconds, rest = divmod(abs(milliseconds), 1000)
    return f"{sign}{seconds}.{rest:03d}"


def duration(milliseconds: float) -> str:
    """Return a duration with about three digits: `0.4ms`, `31ms`, `1.22s`, `2m 5s`, `3h 7m`."""
    if milliseconds < 0:
        return f"-{duration(-milliseconds)}"
    if 0 < milliseconds < 0.05:
        return "<0.1ms"
    if milliseconds < 9.95:
        return f"{milliseconds:.1f}ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {seconds}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m"


def between(start_unix_nano: int, end_unix_nano: int) -> str:
    """Return the duration between two times."""
    return duration((end_unix_nano - start_unix_nano) * 1000 / NANOS_PER_SECOND)
