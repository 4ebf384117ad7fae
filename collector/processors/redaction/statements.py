"""Passwords that statements name in their own way: `IDENTIFIED BY '…'`, `SET PASSWORD FOR …`, Redis' `AUTH …`."""

from collections import Counter

from collector.processors.redaction.next_line import looks_like_token
from collector.processors.redaction.pattern import Match, compile_bytes
from collector.processors.redaction.steps import Steps, mark

_QUOTED = r"(?:'([^']+)|\"([^\"]+)|\\+'([^'\\]+)|\\+\"([^\"\\]+))"
_IDENTIFIED = (
    r"(?:identified[ \t]+(?:with[ \t]+[^\s]{1,64}[ \t]+(?:by|as)|by)[ \t]+(?:password[ \t]+)?"
    rf"|set[ \t]+password[ \t]+for[ \t]+[^=\r\n]{{1,128}}=[ \t]*(?:password[ \t]*\([ \t]*)?){_QUOTED}"
)
# https://redis.io/docs/latest/commands/auth/: with a user or without, the whole text; in it nothing else says so.
_AUTH = r"^(AUTH[ \t]+(?:[^\s\"']+[ \t]+)?)([^\s\"']+)$"
_REQUIREPASS = (
    r"((?:^|\n|config[ \t]+set[ \t]+)\\*[\"']?(?:requirepass|masterauth)\\*[\"']?[ \t]+\\*[\"']?)([^\s\"'\\?]+)"
)

# Patterns, for any case and for exact case, of which each text that changes holds a match.
IN_STATEMENTS = r"identified[ \t]+(?:by|with)[ \t]|set[ \t]+password[ \t]+for|(?:requirepass|masterauth)[ \t\\\"']"
IN_REDIS = r"AUTH[ \t]"


def statement_steps() -> Steps:
    """Return what finds them."""
    return (
        (compile_bytes(_IDENTIFIED, any_case=True), _identified),
        (compile_bytes(_AUTH), _auth),
        (compile_bytes(_REQUIREPASS, any_case=True), _requirepass),
    )


def _identified(match: Match, counts: Counter[str]) -> bytes:
    password = match.group(1) or match.group(2) or match.group(3) or match.group(4)
    return match.group()[: -len(password)] + _marked(password, counts)


def _auth(match: Match, counts: Counter[str]) -> bytes:
    password = match.group(2)
    return match.group(1) + (_marked(password, counts) if looks_like_token(password) else password)


def _requirepass(match: Match, counts: Counter[str]) -> bytes:
    return match.group(1) + _marked(match.group(2), counts)


def _marked(password: bytes, counts: Counter[str]) -> bytes:
    return password if password.startswith(b"[redacted:") else mark("password", counts)
