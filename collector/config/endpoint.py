"""Where a port listens: `host:port`, with port 0 for any free one."""

import ipaddress
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from collector.errors import ConfigError

PORT_MAX = 65_535


class Endpoint(NamedTuple):
    """A host name or address, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_endpoint(text: str) -> Endpoint:
    """Read `host:port` or `[ipv6]:port`. Raises ValueError whose text shows a valid one."""
    host, colon, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
        raise ValueError(f"{text!r} is not an endpoint; write host:port, such as 127.0.0.1:4317 or [::1]:4317")
    return Endpoint(host, int(port))


def _checked_endpoint(text: str) -> str:
    return str(parse_endpoint(text))


EndpointText = Annotated[str, AfterValidator(_checked_endpoint)]


def require_token_beyond_loopback(endpoint: Endpoint, token: str | None, *, port_name: str) -> None:
    """Raise ConfigError if the network could reach `endpoint` and no bearer token guards it."""
    if not endpoint.is_loopback and not token:
        raise ConfigError(
            f"the {port_name} endpoint {endpoint} can be reached from other machines and no token guards it; "
            "set GASOLINE_TOKEN, or listen on 127.0.0.1"
        )
