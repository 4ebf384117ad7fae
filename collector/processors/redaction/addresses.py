"""Users and passwords in addresses: of URLs, of Oracle's and of those that Go's driver of MySQL takes."""

from collections import Counter

from collector.processors.redaction.pattern import Match, compile_bytes
from collector.processors.redaction.steps import Steps, mark

_USER_CHARS_MIN = 20
_SLASHES = r":(?:\\{0,8}/){2}"
_USERINFO = rf"({_SLASHES})([^\x00-\x20/?#\"'<>\\]+)@"
# A password with a `/`, `?` or `#` that should have been escaped. A request is searched for its beginning alone:
# digits before such a sign are a port.
_RAW_USER = r"[^\x00-\x20/?#@:\"'<>\\\[]+:"
_RAW_BEGIN = rf"{_SLASHES}{_RAW_USER}[0-9]*[^\x00-\x20/?#@\"'<>\\0-9,][^\x00-\x20/?#@\"'<>\\]*[/?#]"
_RAW = (
    rf"([A-Za-z0-9+.\-]+)({_SLASHES})"
    rf"{_RAW_USER}([^\x00-\x20/?#@\"'<>\\]*)[/?#][^\x00-\x20\"'<>\\]*@"
)
# Paths and queries of these hold an `@` more often than passwords hold a raw `/`.
_OF_PAGES = (b"http", b"https", b"ws", b"wss", b"file")
# `jdbc:oracle:thin:user/password@host`; only its beginning is looked for in a request.
_ORACLE_BEGIN = "jdbc:oracle:[a-z0-9]{1,8}:"
_ORACLE = rf"({_ORACLE_BEGIN}[^\s/@\"'<>]{{0,64}}/)([^\s@\"'<>]+)@"
# `user:password@tcp(host:port)/database`: https://github.com/go-sql-driver/mysql#dsn-data-source-name
_GO_HOST = r"@(?:tcp[46]?|unix|cloudsql)\("
_GO = rf"[^\s/:@=\"'<>\\]{{1,64}}:[^\s\"'<>]+({_GO_HOST})"

# A pattern, for exact case, of which each text that changes holds a match.
IN_ADDRESSES = "|".join((_USERINFO, _RAW_BEGIN, _ORACLE_BEGIN, _GO_HOST))


def address_steps() -> Steps:
    """Return what finds them."""
    return (
        (compile_bytes(_RAW), _raw),
        (compile_bytes(_USERINFO), _userinfo),
        (compile_bytes(_ORACLE), _oracle),
        (compile_bytes(_GO), _go),
    )


def _userinfo(match: Match, counts: Counter[str]) -> bytes:
    """Replace user and password of a URL, as OpenTelemetry has it for `url.full`; the URL stays one.

    https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/
    """
    userinfo = match.group(2)
    user, colon, password = userinfo.partition(b":")
    if userinfo == b"REDACTED:REDACTED" or not (password or len(user) >= _USER_CHARS_MIN):
        return match.group()
    counts["userinfo"] += 1
    return match.group(1) + (b"REDACTED:REDACTED" if colon else b"REDACTED") + b"@"


def _raw(match: Match, counts: Counter[str]) -> bytes:
    before = match.group(3).lstrip(b"0123456789")
    if not before or before.startswith(b",") or match.group(1).lower() in _OF_PAGES:
        return match.group()
    counts["userinfo"] += 1
    return match.group(1) + match.group(2) + b"REDACTED:REDACTED@"


def _oracle(match: Match, counts: Counter[str]) -> bytes:
    if match.group(2).startswith(b"[redacted:"):
        return match.group()
    return match.group(1) + mark("password", counts) + b"@"


def _go(match: Match, counts: Counter[str]) -> bytes:
    if match.group().startswith(b"REDACTED:REDACTED@"):
        return match.group()
    counts["userinfo"] += 1
    return b"REDACTED:REDACTED" + match.group(1)
