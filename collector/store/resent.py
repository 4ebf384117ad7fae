"""When an export request counts as sent again.

A sender whose answer was lost sends the same bytes again; every SDK waits longer than 100 ms before it does.
Equal bodies that come sooner are real records that happen to be equal.
"""

RESENT_AFTER_NANO = 100_000_000
RESENT_WITHIN_NANO = 600_000_000_000


def is_resent(first_commit_unix_nano: int | None, now_unix_nano: int) -> bool:
    """Tell whether a body whose first copy was committed then is a copy sent again now."""
    if first_commit_unix_nano is None:
        return False
    return RESENT_AFTER_NANO <= now_unix_nano - first_commit_unix_nano <= RESENT_WITHIN_NANO
