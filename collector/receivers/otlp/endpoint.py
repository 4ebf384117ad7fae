"""Who may listen on which endpoint, and what it says when it cannot."""

import errno
import socket

from collector.config.endpoint import is_loopback, split_endpoint
from collector.errors import ConfigError


def check_exposure(component: str, endpoint: str, token: str | None) -> None:
    """Raise ConfigError if `endpoint` can be reached from other machines and no bearer token guards it."""
    host, _ = split_endpoint(endpoint)
    if not token and not is_loopback(host):
        raise ConfigError(
            f"{component}: endpoint {endpoint} is open to other machines; set a bearer token in GASOLINE_TOKEN, "
            "or an endpoint on 127.0.0.1"
        )


def listen(component: str, endpoint: str, *, backlog: int) -> socket.socket:
    """Return a non-blocking socket that listens on `endpoint`.

    Raises ConfigError, in one line, if it is taken or cannot be bound.
    """
    sock = bind(component, endpoint)
    sock.listen(backlog)
    sock.setblocking(False)
    return sock


def bind(component: str, endpoint: str) -> socket.socket:
    """Return a socket bound to `endpoint`; raises ConfigError, in one line, if it is taken or cannot be bound."""
    host, port = split_endpoint(endpoint)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(
            f"{component}: endpoint {endpoint}: {error.strerror or error}; set a host that resolves"
        ) from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise ConfigError(f"{component}: endpoint {endpoint} {_why_unbound(error)}") from error
    return sock


def _why_unbound(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is taken by another program; stop it, or set another port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return "may not be bound by this user; set a port above 1023"
    return f"cannot be bound: {error.strerror or error}"
