"""Numbers of things, in words: `1 request`, `3 requests`."""


def counted(count: int, noun: str) -> str:
    """Return the count with its noun, in the plural unless there is exactly one."""
    return f"{count} {plural(count, noun)}"


def plural(count: int, noun: str) -> str:
    """Return the noun as it stands beside this count."""
    return noun if count == 1 else f"{noun}s"
