"""What one span did, in the words a reader looks for: `POST /api/checkout`, and what came back.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
"""

from collections.abc import Mapping
from typing import cast

from collector.pdata.attributes import PlainValue
from collector.pdata.semconv import HTTP_STATUS_KEYS, first_text, first_value, http_facts, http_status
from collector.query.event import Event

CLIENT_ERROR_MIN = 400
SERVER_ERROR_MIN = 500
_GRPC_STATUS_KEYS = ("rpc.grpc.status_code", "rpc.response.status_code")
_GRPC_OK = frozenset({"0", "OK", "Ok"})
_RPC_KEYS = ("rpc.system", "rpc.system.name")


def operation_of(span: Event, *, with_host: bool = False) -> str:
    """Name what a span did: for HTTP its method and route, else path; for everything else its name.

    `with_host` puts the host before the path of an outgoing call, for callees that sent no telemetry.
    """
    name = span.get("name", "")
    attributes = plain_attributes_of(span)
    facts = http_facts(attributes)
    if not facts.method or first_text(attributes, _RPC_KEYS):
        return name
    route = None if with_host else first_text(attributes, ("http.route",))
    host, path = split_url(facts.url or "")
    target = route or (f"{host}{path}" if with_host else path)
    if not target:
        return name or facts.method
    return f"{facts.method} {target}"


def status_of(span: Event) -> int | None:
    """Return the HTTP status a span answered or was answered with; None if there was no answer."""
    attributes = plain_attributes_of(span)
    if first_value(attributes, _RPC_KEYS) is None:
        return http_status(attributes) or None
    # Calls of an API over HTTP, as AWS has them, are RPC and say what HTTP answered; of gRPC it says 200 to failures.
    status = http_status(attributes, HTTP_STATUS_KEYS) or None
    is_told_by_grpc = first_value(attributes, _GRPC_STATUS_KEYS) is not None
    return None if is_told_by_grpc and (status or 0) < CLIENT_ERROR_MIN else status


def grpc_failure_of(span: Event) -> str | None:
    """Return the gRPC status of a span if it is another than OK, as the span names it."""
    code = first_value(plain_attributes_of(span), _GRPC_STATUS_KEYS)
    if code is None or isinstance(code, (list, dict, bool)):
        return None
    text = str(code)
    return None if text in _GRPC_OK else text


def is_failing(span: Event) -> bool:
    """Tell whether whoever called this span had reason to fail: status ERROR, or an answer of 400 and above."""
    if span["error"]:
        return True
    if span.get("kind") not in ("server", "client", "consumer"):
        return False
    status = status_of(span)
    return (status is not None and status >= CLIENT_ERROR_MIN) or grpc_failure_of(span) is not None


def split_url(url: str) -> tuple[str, str]:
    """Split a URL into host (with port) and path, without query and fragment; either may be empty."""
    before_query = url.split("#", 1)[0].split("?", 1)[0]
    scheme, separator, rest = before_query.partition("://")
    if not separator:
        return "", before_query
    host, slash, path = rest.partition("/")
    return host.rpartition("@")[2], f"{slash}{path}" if slash else ("/" if scheme else "")


def plain_attributes_of(event: Event) -> Mapping[str, PlainValue]:
    """Return an event's attributes as `pdata.semconv` reads them; JSON values are plain values."""
    return cast("Mapping[str, PlainValue]", event["attributes"])
