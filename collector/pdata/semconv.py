"""What HTTP, RPC and page-load attributes say, in old and new semantic conventions.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and
https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from collector.pdata.attributes import PlainValue, plain_value

NETWORK_KEYS = frozenset({"http.request.method", "http.method", "rpc.system", "rpc.system.name"})
SERVICE_NAME = "service.name"
UNKNOWN_SERVICE = "unknown_service"
PAGE_LOAD_SPAN_NAME = "documentLoad"
NAVIGATION_EVENT_NAME = "browser.navigation"
EXCEPTION_EVENT_NAME = "exception"

_METHOD_KEYS = ("http.request.method", "http.method", "rpc.method")
_URL_KEYS = ("url.full", "http.url")
HTTP_STATUS_KEYS = ("http.response.status_code", "http.status_code")
_STATUS_KEYS = (*HTTP_STATUS_KEYS, "rpc.grpc.status_code")
_SCHEME_KEYS = ("url.scheme", "http.scheme")
_HOST_KEYS = ("http.host", "server.address", "net.host.name")
_PORT_KEYS = ("server.port", "net.host.port")
_PATH_KEYS = ("url.path", "http.target")
_QUERY_KEYS = ("url.query",)
HTTP_KEY_GROUPS = (
    _METHOD_KEYS,
    _URL_KEYS,
    _STATUS_KEYS,
    _SCHEME_KEYS,
    _HOST_KEYS,
    _PORT_KEYS,
    _PATH_KEYS,
    _QUERY_KEYS,
)
_HTTP_KEYS = frozenset(key for group in HTTP_KEY_GROUPS for key in group)
_USER_AGENT_KEYS = ("user_agent.original", "http.user_agent", "browser.user_agent")
_CLIENT_ADDRESS_KEYS = ("client.address", "http.client_ip", "net.sock.peer.addr", "network.peer.address")
_VISITOR_KEYS = frozenset({*_USER_AGENT_KEYS, *_CLIENT_ADDRESS_KEYS})
_HOST_IDENTITY_KEYS = ("host.id", "host.name", "k8s.pod.uid", "container.id")
DEFAULT_PORTS = {"http": "80", "https": "443"}


class HttpFacts(NamedTuple):
    """Method, URL and status of one span; None where the span does not say."""

    method: str | None
    url: str | None
    status: int | None


def http_attributes(attributes: Iterable[KeyValue]) -> dict[str, PlainValue]:
    """Return those attributes that `http_facts` and `full_url` read; of a key that occurs twice the last stays."""
    return {item.key: plain_value(item.value) for item in attributes if item.key in _HTTP_KEYS}


def http_facts(attributes: Mapping[str, PlainValue]) -> HttpFacts:
    """Read method, URL and status from a span's attributes, by either generation of names."""
    return HttpFacts(
        method=first_text(attributes, _METHOD_KEYS),
        url=full_url(attributes),
        status=http_status(attributes),
    )


def http_status(attributes: Mapping[str, PlainValue], keys: tuple[str, ...] = _STATUS_KEYS) -> int | None:
    """Read the status from a span's attributes, by either generation of names."""
    return _as_status(first_value(attributes, keys))


def full_url(attributes: Mapping[str, PlainValue]) -> str | None:
    """Return the URL that the attributes hold whole, else the one that its parts make; None without a path or host."""
    whole = first_text(attributes, _URL_KEYS)
    if whole:
        return whole
    path = first_text(attributes, _PATH_KEYS) or ""
    query = first_text(attributes, _QUERY_KEYS)
    if query and "?" not in path:
        path = f"{path}?{query.removeprefix('?')}"
    # A target in absolute form (RFC 9112, 3.2.2), as proxies get it.
    if path.startswith(("http://", "https://")):
        return path
    host = first_text(attributes, _HOST_KEYS)
    if not host:
        return path or None
    if ":" in host and not _holds_port(host) and not host.startswith("["):
        host = f"[{host}]"
    scheme = first_text(attributes, _SCHEME_KEYS) or "http"
    port = first_value(attributes, _PORT_KEYS)
    if port is not None and not _holds_port(host) and str(port) != DEFAULT_PORTS.get(scheme):
        host = f"{host}:{port}"
    return f"{scheme}://{host}{path}"


def visitor_attributes(attributes: Iterable[KeyValue]) -> dict[str, PlainValue]:
    """Return those that `user_agent` and `client_address` read; of a key that occurs twice the last stays."""
    return {item.key: plain_value(item.value) for item in attributes if item.key in _VISITOR_KEYS}


def user_agent(attributes: Mapping[str, PlainValue]) -> str | None:
    """Return the user agent that the attributes name."""
    return first_text(attributes, _USER_AGENT_KEYS)


def client_address(attributes: Mapping[str, PlainValue]) -> str | None:
    """Return the address of the client that the attributes name."""
    return first_text(attributes, _CLIENT_ADDRESS_KEYS)


def host_identity(resource: Mapping[str, PlainValue]) -> str | None:
    """Return what tells the machine that a resource ran on, so that equal clocks are not taken for two."""
    return first_text(resource, _HOST_IDENTITY_KEYS)


def first_value(attributes: Mapping[str, PlainValue], keys: tuple[str, ...]) -> PlainValue:
    """Return the first value among `keys` that is there and not empty."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return value
    return None


def first_text(attributes: Mapping[str, PlainValue], keys: tuple[str, ...]) -> str | None:
    """Return the first non-empty text among `keys`."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def _holds_port(host: str) -> bool:
    tail = host.rsplit("]", 1)[-1]
    return ":" in tail and (host.startswith("[") or tail.count(":") == 1)


def _as_status(value: PlainValue) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return None
