"""What stands behind the name of a secret and is none: the port of a service called `auth`, what errors say of it."""

import re

from collector.processors.redaction.names import NUMBERS, SecretNames
from collector.processors.redaction.next_line import looks_like_token
from collector.processors.redaction.pattern import Match, compile_bytes

_FIRST_LETTER = ord("A")
# A port, or the tag of an image: `auth:8080`, `auth:1.4.2-alpine`.
_PLACE = r"(?:[0-9]{1,5}|v?[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}(?:-[a-z0-9.]{1,16})?)(?:[\s/?#:,;)\]}\"'<>\\]|$)"
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
_ARN = r"arn:[a-z\-]{1,16}:secretsmanager:[a-z0-9\-]{0,32}:[0-9]{0,12}:$"
_ARN_BYTES_MAX = 96
# How a sentence goes on: `password: is too short`, `password: can't be blank`.
_SENTENCE = (
    r"(?:is|are|was|were|has|have|had|must|should|may|might|could|can|cannot|does|did|do|will|needs?|too|not|this|that"
    r"|the|please|ensure)(?:n?'t)?[ \t]"
)
# What may be a token, behind a scheme or not.
_SCHEMES = r"(?:(?:bearer|basic|token|negotiate|ntlm|apikey|dpop|aws|sharedkey(?:lite)?)[ \t]+)?"
_LIST = r"(?:digest|aws4-hmac-sha256|hawk|oauth|signature)[ \t]+[^\r\n=]{1,64}="
# So much of it says whether it is one; without an end each name in `auth:auth:…` would read all that follows.
_TOKEN = rf"{_SCHEMES}([^\s\"'<>,;&(\[{{\\]{{1,64}})"
_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]{0,15}://")
_HOST_AND_PORT = re.compile(rb"[a-z0-9.\-]{1,64}:[0-9]{1,5}(?:/.*|(?=[:?#])|$)")
# So far it is read whether a line behind `Cookie:` holds a cookie at all.
_COOKIE = re.compile(rb"[^\r\n\"'<>=]{0,4096}=")


class Prose:
    """Tells what is said of a thing from its value."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        self._place = compile_bytes(_PLACE)
        self._arn = compile_bytes(_ARN)
        self._sentence = compile_bytes(_SENTENCE, any_case=True)
        self._list = compile_bytes(_LIST, any_case=True)
        self._token = compile_bytes(_TOKEN, any_case=True)

    def is_place(self, text: bytes, name: Match, group: int, label: str) -> bool:
        """Tell whether a name with a colon right behind it is that of a host, an image, or a part of a path."""
        start = name.start(group)
        is_part = text[start - 1 : start] in (b"/", b"@")
        if (is_part or label not in NUMBERS) and self._place.match(text, name.end()):
            return True
        if is_part:
            word = self._word(text, name.end())
            is_number = label in NUMBERS and looks_like_token(word)
            return not (is_number or self._is_token(word, is_key=True))
        return self._arn.search(text[max(0, start - _ARN_BYTES_MAX) : start]) is not None

    def is_said(self, text: bytes, position: int, key: bytes, *, is_key: bool) -> bool:
        """Tell whether words begin here, behind a name and a colon, and not the value of that name.

        `is_key`: no blank stands behind the colon, as in the keys of a cache; then each part counts: `auth:token:42`.
        """
        if self._sentence.match(text, position):
            return True
        if not self._names.is_word_of_prose(key) or self._list.match(text, position):
            return False
        if key.lower().startswith(b"cookie") and _COOKIE.match(text, position):
            return False
        return not self._is_token(self._word(text, position), is_key=is_key)

    def _word(self, text: bytes, position: int) -> bytes:
        found = self._token.match(text, position)
        return found.group(1) if found else b""

    def _is_token(self, word: bytes, *, is_key: bool) -> bool:
        """Tell whether a part of the word, between colons, is hardly one of a sentence, no address and no path."""
        if _URL.match(word):
            return False
        address = None if is_key else _HOST_AND_PORT.match(word)
        parts = word[address.end() if address else 0 :].split(b":")
        return any(
            looks_like_token(part)
            and any(byte >= _FIRST_LETTER for byte in part)
            and not self._names.is_harmless(part, "")
            for part in parts
        )
