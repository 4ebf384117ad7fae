"""Telling that the collector is not where SDKs and agents look for it unless told otherwise."""

from collections.abc import Mapping

from collector.config.endpoint import split_endpoint
from collector.query_port import QuerySettings
from collector.receivers.otlp.settings import OtlpGrpcSettings, OtlpHttpSettings


def other_ports_note(endpoints: Mapping[str, str]) -> str:
    """Return one line that names those of `endpoints` (`host:port` by name) that have no default port; "" if none.

    Names without a default (a second receiver's) are left out.
    """
    defaults = {
        "grpc": OtlpGrpcSettings().endpoint,
        "http": OtlpHttpSettings().endpoint,
        "query": QuerySettings().endpoint,
    }
    others = {
        name: endpoint
        for name, endpoint in endpoints.items()
        if name in defaults and split_endpoint(endpoint)[1] != split_endpoint(defaults[name])[1]
    }
    if not others:
        return ""
    where = ", ".join(f"{name} {endpoint}" for name, endpoint in others.items())
    advice = "; set OTEL_EXPORTER_OTLP_ENDPOINT in your services" if others.keys() - {"query"} else ""
    return f"the collector does not listen on the default ports but on {where}{advice}"
