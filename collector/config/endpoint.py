"""Endpoints, `host:port`: how one is read and written, how it is reached, and which of them stay on this machine."""

import ipaddress
from collections.abc import Mapping

PORT_MAX = 65_535
_EVERY_IPV4 = "0.0.0.0"  # noqa: S104 -- compared, not bound
_EVERY_ADDRESS = frozenset({"", _EVERY_IPV4, "::"})
_SAME_HOSTS: Mapping[str, str] = {"": _EVERY_IPV4, "localhost": "127.0.0.1"}


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


def reachable_host(host: str) -> str:
    """Return the host to ask a port at: one that listens on every address answers on the loopback one."""
    return {"": "127.0.0.1", _EVERY_IPV4: "127.0.0.1", "::": "::1"}.get(host, host)


def is_same_port(one: str, other: str) -> bool:
    """Tell whether only one of two endpoints can be bound: a port of one host, or of every IPv4 or IPv6 address."""
    (host, port), (other_host, other_port) = split_endpoint(one), split_endpoint(other)
    if not port or port != other_port:
        return False
    hosts = {_SAME_HOSTS.get(each.lower(), each.lower()) for each in (host, other_host)}
    every = "::" if all(":" in each for each in hosts) else _EVERY_IPV4
    return len(hosts) == 1 or (every in hosts and len({":" in each for each in hosts}) == 1)


def reaches(target: str, listening: str) -> bool:
    """Tell whether a connection to `target`, made on this machine, can end at what listens on `listening`.

    Nothing is looked up: of names, only those of the loopback interface are known.
    """
    (host, port), (listening_host, listening_port) = split_endpoint(target), split_endpoint(listening)
    if not port or port != listening_port:
        return False
    if listening_host in _EVERY_ADDRESS:
        return is_loopback(reachable_host(host))
    return not _addresses(host).isdisjoint(_addresses(listening_host))


def _addresses(host: str) -> frozenset[str]:
    """Return what a connection to `host` may go to, as far as that is known without asking: else its name."""
    name = reachable_host(host).lower().rstrip(".")
    try:
        return frozenset({str(ipaddress.ip_address(name))})
    except ValueError:
        return frozenset({"127.0.0.1", "::1"} if is_loopback(name) else {name})


def http_url(endpoint: str) -> str:
    """Return the URL at which a browser on this machine reaches `host:port`, without a slash at its end."""
    host, port = split_endpoint(endpoint)
    return f"http://{join_endpoint(reachable_host(host), port)}"


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be this machine: a loopback address, `localhost` or a name below it."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
