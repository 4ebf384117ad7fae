"""Kinds of secrets, one after the other: a pattern of each, and what is written in place of a match."""

from collections import Counter
from collections.abc import Callable

from collector.processors.redaction.pattern import Match, Pattern

Steps = tuple[tuple[Pattern, Callable[[Match, Counter[str]], bytes]], ...]


def all_of(steps: Steps, text: bytes, counts: Counter[str]) -> bytes:
    """Return the text with every match of every step replaced."""
    for pattern, replaced in steps:
        parts: list[bytes] = []
        done = 0
        for match in pattern.finditer(text):
            parts += (text[done : match.start()], replaced(match, counts))
            done = match.end()
        if parts:
            text = b"".join((*parts, text[done:]))
    return text


def mark(label: str, counts: Counter[str]) -> bytes:
    """Return what stands in the place of a secret, and count it."""
    counts[label] += 1
    return f"[redacted:{label}]".encode()
