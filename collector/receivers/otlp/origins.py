"""Which web pages may send, and for which host names: pure decisions on two headers.

A browser names the page that sends in `Origin`; programs do not. A page that reached a loopback port by rebinding
its own name to 127.0.0.1 still names itself in `Host`. https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from collector.config.endpoint import is_loopback
from collector.errors import ForbiddenError, ForbiddenHostError

# The browser extension of this project; its id is the hash of the key in its manifest.
EXTENSION_ORIGIN = "chrome-extension://dpmjpjbcjedfookdafnbpcnknlnnmkii"
_SHOWN_CHARS_MAX = 100


class OriginPolicy:
    """Allows origins on loopback over http and https, our own extension, and exactly those that are configured."""

    def __init__(self, allowed_origins: Iterable[str]) -> None:
        self._allowed = frozenset(origin.lower() for origin in allowed_origins) | {EXTENSION_ORIGIN}

    def check(self, origin: str | None) -> None:
        """Raise ForbiddenError if a page of `origin` may not send; None stands for a program that is no browser."""
        if origin is None or origin.lower() in self._allowed or _is_loopback_origin(origin):
            return
        raise ForbiddenError(
            f"origin {origin[:_SHOWN_CHARS_MAX]!r} may not send here; "
            "add it to receivers.otlp.protocols.http.cors.allowed_origins"
        )


class HostPolicy:
    """Allows, for an endpoint on loopback, loopback hosts and those that are configured; for any other endpoint all."""

    def __init__(self, bound_host: str, allowed_hosts: Iterable[str]) -> None:
        self._open = not is_loopback(bound_host)
        self._allowed = frozenset(host.lower() for host in allowed_hosts)

    def check(self, host: str | None) -> None:
        """Raise ForbiddenHostError if a request for `host` (the header's value) may not be meant for this endpoint."""
        if self._open:
            return
        name = _host_name(host or "")
        if not is_loopback(name) and name not in self._allowed:
            raise ForbiddenHostError(
                f"host {(host or '')[:_SHOWN_CHARS_MAX]!r} is not this machine; send to 127.0.0.1 or add the name to "
                "receivers.otlp.protocols.http.allowed_hosts"
            )


def _is_loopback_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        bare = not (parts.path or parts.query or parts.fragment or parts.username is not None)
        return parts.scheme in ("http", "https") and bare and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def _host_name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        return "" if parts.netloc != host or parts.username is not None else (parts.hostname or "").lower()
    except ValueError:
        return ""
