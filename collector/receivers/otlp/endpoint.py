"""Endpoints: `host:port`, which of them stay on this machine, and who may bind them."""

import errno
import ipaddress
import socket

from collector.errors import ConfigError

PORT_MAX = 65_535


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Return host (without brackets) and port of `host:port`; an empty host means every interface.

    Raises ValueError if it is no endpoint.
    """
    host, colon, port = endpoint.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX or (":" in host and not bracketed):
        raise ValueError(f"{endpoint!r} must be host:port, such as 127.0.0.1:4317 or [::1]:4317")
    return (host[1:-1] if bracketed else host), int(port)


def join_endpoint(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be this machine: a loopback address, `localhost` or a name below it."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


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
