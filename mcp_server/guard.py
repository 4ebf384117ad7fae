"""Who may talk to the query port: Host and Origin against DNS rebinding, then the bearer token.

A page that a browser loaded from elsewhere can reach a server on this machine under a name of its own; it
cannot choose the Host and Origin headers. So both are compared on every route before anything else runs.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
"""

import hmac
import ipaddress
import logging
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

logger = logging.getLogger(__name__)


class Guard:
    """ASGI middleware: 421 for a foreign Host, 403 for a foreign Origin, 401 without the token.

    Loopback names pass with any port. `allowed_hosts` are further Host values (`name` for any port, or
    `name:port`), `allowed_origins` further origins (`scheme://host[:port]`). A missing Origin passes: no
    browser sent the request across origins. Without `token` nobody needs one. With `takes_addresses` a Host may
    also be any IP address: probes name a machine so, and no foreign page can, as only names are rebound.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
        token: str | None = None,
        takes_addresses: bool = False,
    ) -> None:
        self._app = app
        self._takes_addresses = takes_addresses
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)
        self._token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request with a refusal, or hand it on."""
        if scope["type"] == "http":
            # Not every HTTP parser cuts the blanks that are no part of a value (RFC 9110, section 5.5).
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        elif scope["type"] != "lifespan":
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = _header_values(scope, b"host")
        if len(hosts) != 1 or not self._is_own_host(hosts[0]):
            logger.warning("refused a request for a foreign host")
            return JSONResponse(
                {"error": "the Host header names no host of this server; use 127.0.0.1 or configure the name"}, 421
            )
        if not all(self._is_known_origin(origin) for origin in _header_values(scope, b"origin")):
            logger.warning("refused a request of a foreign origin")
            return JSONResponse({"error": "the Origin header names an origin that is not allowed here"}, 403)
        if self._token is not None and not self._holds_token(scope, self._token):
            return JSONResponse(
                {"error": "the bearer token is missing or wrong; send Authorization: Bearer $GASOLINE_TOKEN"},
                401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return None

    def _is_own_host(self, host: str) -> bool:
        host = host.lower()
        name = _host_name(f"//{host}")
        if name is None:
            return False
        is_known = name in LOOPBACK_NAMES or host in self._hosts or name in self._hosts
        return is_known or (self._takes_addresses and _is_address(name))

    def _is_known_origin(self, origin: str) -> bool:
        origin = origin.lower()
        if origin in self._origins:
            return True
        return origin.startswith(("http://", "https://")) and _host_name(origin) in LOOPBACK_NAMES

    def _holds_token(self, scope: Scope, token: bytes) -> bool:
        values = _header_values(scope, b"authorization")
        if len(values) != 1:
            return False
        scheme, _, credentials = values[0].partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(credentials.strip().encode(), token)


def _header_values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(url: str) -> str | None:
    """Return the host of `url`, lower case and without brackets; None unless it holds just host and port."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port >= 0
    except ValueError:
        return None
    if not port_is_valid or "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname
