"""Secrets that are known by how they look, whatever they are called: issued tokens, private keys, card numbers."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from collector.processors.redaction.addresses import IN_ADDRESSES, address_steps
from collector.processors.redaction.names import IdNames
from collector.processors.redaction.pattern import Match, compile_bytes
from collector.processors.redaction.statements import IN_REDIS, IN_STATEMENTS, statement_steps
from collector.processors.redaction.steps import Steps, all_of, mark

_WORD = "[A-Za-z0-9_-]"
_BASE64 = "[A-Za-z0-9+/=_-]"
# What issuers write: a prefix that occurs nowhere else, then random characters. No pattern asks for something behind
# a part without an end: a search that begins inside such a part would read on to its end in vain, again and again.
_ISSUED: Mapping[str, str] = MappingProxyType(
    {
        "jwt": rf"eyJ{_WORD}{{8,}}(?:\.{_WORD}*){{0,4}}",
        "aws_key": "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
        "github_token": rf"gh[oprsu]_[A-Za-z0-9]{{20,}}|github_pat_{_WORD}{{20,}}",
        "gitlab_token": rf"gl(?:pat|dt|rt|cbt|ptt|agent|soat|oas)-{_WORD}{{16,}}",
        "slack_token": rf"xox[a-e][.-]{_WORD}[A-Za-z0-9-]{{9,}}|xapp-[0-9]-[A-Za-z0-9-]{{10,}}"
        r"|hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{12,}",
        "stripe_key": r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}",
        "google_key": rf"AIza{_WORD}{{30,}}|ya29\.[A-Za-z0-9_.-]{{16,}}|GOCSPX-{_WORD}{{20,}}|1//0{_WORD}{{30,}}",
        "ai_key": rf"sk-(?:ant-|proj-|svcacct-|or-)?{_WORD}{{20,}}|gsk_[A-Za-z0-9]{{20,}}",
        "npm_token": "npm_[A-Za-z0-9]{30,}",
        "pypi_token": "py" rf"pi-AgE{_WORD}{{20,}}",
        "sendgrid_key": rf"SG\.{_WORD}{{16,}}(?:\.{_WORD}*)?",
        "huggingface_token": "hf_[A-Za-z0-9]{30,}",
        "digitalocean_token": "do[opr]_v1_[a-f0-9]{32,}",
        "shopify_token": "shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}",
        "databricks_token": "dapi[a-f0-9]{32}",
        "vault_token": rf"hv[sbr]\.{_WORD}{{20,}}",
        "square_token": rf"sq0(?:atp|csp)-{_WORD}{{20,}}|EAAA{_WORD}{{60}}",
        "telegram_token": rf"[0-9]{{8,10}}(?::|%3[aA])AA{_WORD}{{32,}}",
        "mailgun_key": "key-[0-9a-f]{32}",
        "newrelic_key": "NRAK-[A-Z0-9]{27}",
        "linear_key": "lin_api_[A-Za-z0-9]{32,}",
        "docker_token": rf"dckr_(?:pat|oat)_{_WORD}{{20,}}",
        "atlassian_token": "ATATT3[A-Za-z0-9_=-]{20,}",
        "discord_webhook": rf"discord(?:app)?\.com/api/(?:v[0-9]{{1,2}}/)?webhooks/[0-9]{{8,20}}/{_WORD}{{20,}}",
        "private_key": f"LS0tLS1CRUdJTi{_BASE64}{{50,}}",
        "age_key": "AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    }
)
# Of PEM in base64, as Kubernetes has it, so much says whether a key or a public certificate begins.
_ENCODED_BEGIN_CHARS = 64
_KEY_BEGIN = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = rf"{_KEY_BEGIN}(?:(?s:.)*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|(?s:.)*)"
_BEARER = r"(bearer(?:[ \t]+|%20))([A-Za-z0-9._~+/\-]{8,}=*)"
_BASIC = r"(basic[ \t]+)([A-Za-z0-9+/\-_]{8,}={0,2})"
# The program and all behind it, also as a list of arguments; in that, `-u user:password` and what else means the same,
# `-b name=value`, a token.
_CURL = r"curl(?:\.exe)?(?:[ \t]|\\{0,8}[\"'],|[\x00-\x1f])"
_CURL_USER = (
    r"[ \t](?:-[a-zA-Z]{0,8}[uU]|--(?:proxy-)?user)[ \t=]{0,4}\\{0,8}"
    r"(?:\"[^\s\"':\\]+:([^\"\\]+)|'[^\s\"':\\]+:([^'\\]+)|[^\s\"':\\\-][^\s\"':\\]*:([^\s\"'\\]+))"
    r"|[\"'](?:-[uU]|--(?:proxy-)?user)\\{0,8}[\"'][ \t]?,[ \t]?\\{0,8}[\"'][^\s\"':\\]+:([^\"'\\]+)"
)
_CURL_COOKIE = (
    r"([ \t](?:-[a-zA-Z]{0,8}b|--cookie)[ \t=]{0,4}\\{0,8})"
    r"(?:(\")([^\"\\=]+=[^\"\\]*)|(')([^'\\=]+=[^'\\]*)|([^\s\"'\\=]+=[^\s\"'\\]*))"
)
_CURL_BEARER = r"([ \t]--oauth2-bearer[ \t=]{1,4}\\{0,8}[\"']?)([^\s\"'\\]+)"
# Issuers' numbers have 13 to 19 digits and begin with 2 to 6: https://www.iso.org/standard/70484.html
# What people and programs put between the groups: also no-break and narrow blanks, any dash, and what URLs, JSON and
# HTML write for a blank; in UTF-8.
_GAP = (
    r"(?:[ \t.\-_/+]|%20|\xc2\xa0|\xe2\x80[\x80-\x95\xaf]|\xe2\x88\x92|\xe2\x81\x9f|\xe3\x80\x80"
    r"|\\{1,8}u(?:00[aA]0|20[01][0-9a-fA-F]|202[fF]|2212)|&nbsp;|&#160;){1,2}"
)
_CARD = (
    rf"[2-6][0-9]{{12,18}}|[2-6][0-9]{{3}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{1,7}}"
    rf"|3[0-9]{{3}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{4,5}}"
)
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-59]|[689]\d)\d{11}|62\d{14,17}"
    r"|(?:50(?:18|20|38)|5612|5893|6304|67(?:59|6[1-3]))\d{9,15}|220[0-4]\d{12}|60(?:69|[78]\d)\d{12}"
)
_GAPS = re.compile(_GAP.encode())
_LONG_TOKEN_CHARS = 20


class Shapes:
    """Replaces what looks like a secret; each kind is counted under the label that stands in its place."""

    def __init__(self) -> None:
        self._ids = IdNames()
        # Telegram's is a part of a path with a word before it.
        self._issued = compile_bytes(rf"(?:^|[^A-Za-z0-9]|%[0-9A-Fa-f]{{2}})(?:bot)?({'|'.join(_ISSUED.values())})")
        self._issuers = {label: compile_bytes(source) for label, source in _ISSUED.items()}
        self._card = compile_bytes(rf"(^|[^0-9A-Za-z])({_CARD})")
        # What a name would be found inside of, or cut in two.
        self._blocks: Steps = (
            (compile_bytes(_PRIVATE_KEY), _private_key),
            *address_steps(),
        )
        self._curl: Steps = (
            (compile_bytes(_CURL_USER), _curl_user),
            (compile_bytes(_CURL_COOKIE), _curl_cookie),
            (compile_bytes(_CURL_BEARER), _curl_bearer),
        )
        self._steps: Steps = (
            (compile_bytes(_BEARER, any_case=True), _bearer),
            (compile_bytes(_BASIC, any_case=True), _basic),
            *statement_steps(),
            (compile_bytes(rf"{_CURL}(?s:.*)"), self._in_command),
            (self._issued, self._one_issued),
        )

    @property
    def source(self) -> str:
        """A pattern, for exact case, of which each text that changes holds a match."""
        any_case = rf"bearer(?:[ \t]|%20)|basic[ \t]+[a-z0-9+/\-_]{{8}}|{IN_STATEMENTS}"
        return "|".join((_KEY_BEGIN, IN_ADDRESSES, _CURL, f"(?i:{any_case})", IN_REDIS, *_ISSUED.values(), _CARD))

    def redact_blocks(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with private keys and the user part of URLs replaced; to be done first."""
        return all_of(self._blocks, text, counts)

    def redact(self, text: bytes, counts: Counter[str]) -> bytes:
        """Return the text with everything else that looks like a secret replaced."""
        return self._without_cards(all_of(self._steps, text, counts), counts)

    def _without_cards(self, text: bytes, counts: Counter[str]) -> bytes:
        parts: list[bytes] = []
        done = 0
        match = self._card.search(text)
        while match:
            if _is_card_here(text, match) and not self._is_id(text, match):
                parts += (text[done : match.start(2)], mark("card", counts))
                done = position = match.end()
            else:
                # Of digits in groups, the first group may belong to something else.
                position = match.start(2) + 1
                while text[position : position + 1].isdigit():
                    position += 1
            match = self._card.search(text, position)
        return b"".join((*parts, text[done:])) if parts else text

    def _is_id(self, text: bytes, match: Match) -> bool:
        return match.group(2).isdigit() and self._ids.is_before(text, match.start(2))

    def _in_command(self, match: Match, counts: Counter[str]) -> bytes:
        return all_of(self._curl, match.group(), counts)

    def _one_issued(self, match: Match, counts: Counter[str]) -> bytes:
        token = match.group(1)
        label = next(label for label, pattern in self._issuers.items() if pattern.match(token))
        if label == "jwt" and b"." not in token:
            # Some other JSON in base64.
            return match.group()
        if label == "private_key" and b"PRIVATE KEY" not in _decoded(token[:_ENCODED_BEGIN_CHARS]):
            return match.group()
        if self._ids.is_session_before(match.string, match.start(1)):
            return match.group()
        return match.group()[: -len(token)] + mark(label, counts)


def _private_key(match: Match, counts: Counter[str]) -> bytes:
    return mark("private_key", counts)


def _bearer(match: Match, counts: Counter[str]) -> bytes:
    token = match.group(2)
    # `bearer authentication` is prose.
    if len(token) < _LONG_TOKEN_CHARS and not any(48 <= byte <= 57 for byte in token):
        return match.group()
    return match.group(1) + mark("token", counts)


def _decoded(encoded: bytes) -> bytes:
    """Return what stands in base64, with its padding or without; b"" if nothing does."""
    encoded = encoded.rstrip(b"=")
    try:
        return base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
    except binascii.Error:
        return b""


def _basic(match: Match, counts: Counter[str]) -> bytes:
    return match.group(1) + mark("credential", counts) if b":" in _decoded(match.group(2)) else match.group()


def _curl_user(match: Match, counts: Counter[str]) -> bytes:
    password = match.group(1) or match.group(2) or match.group(3) or match.group(4)
    if password.startswith(b"[redacted:"):
        return match.group()
    return match.group()[: -len(password)] + mark("password", counts)


def _curl_cookie(match: Match, counts: Counter[str]) -> bytes:
    cookie = match.group(3) or match.group(5) or match.group(6)
    return match.group()[: -len(cookie)] + mark("cookie", counts)


def _curl_bearer(match: Match, counts: Counter[str]) -> bytes:
    if match.group(2).startswith(b"[redacted:"):
        return match.group()
    return match.group(1) + mark("token", counts)


def _is_card_here(text: bytes, match: Match) -> bool:
    """Tell whether digits are a card's number, and no part of a longer number, of an id, or of a fraction."""
    after = text[match.end() : match.end() + 2]
    if after[:1].isalnum() or (after[:1] == b"." and after[1:].isdigit()):
        return False
    if match.group(1) == b"." and text[max(0, match.start() - 1) : match.start()].isdigit():
        return False
    return is_card(match.group(2))


def is_card(number: bytes) -> bool:
    """Tell whether digits, in groups or not, are a number that an issuer of cards gives: prefix, length, Luhn.

    https://en.wikipedia.org/wiki/Luhn_algorithm
    """
    digits = _GAPS.sub(b"", number).decode("ascii")
    if not _ISSUERS.fullmatch(digits):
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
