"""Export requests handed to a running collector one by one, each answered before the next is due: `gasoline import`."""

from collector.component import Outcome, Telemetry
from collector.config.endpoint import join_endpoint, split_endpoint
from collector.errors import BusyError, InvalidDataError
from exporters.delivery.forwarder import Sender
from exporters.delivery.retry import NotDeliveredError
from exporters.otlp_grpc import OtlpGrpcSender
from exporters.otlp_settings import OtlpExporterSettings, OtlpHttpExporterSettings

DIRECT_TIMEOUT_S = 60.0
DIRECT_RETRY_AFTER_S = 1.0


class DirectSender:
    """A Consumer behind which stands another process."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def consume(self, telemetry: Telemetry) -> Outcome:
        """See Consumer. Raises BusyError for what may be sent again, InvalidDataError for what may not."""
        try:
            answer = await self._sender.send(telemetry.signal, telemetry.body)
        except NotDeliveredError as error:
            if error.retryable:
                raise BusyError(str(error), error.retry_after_s or DIRECT_RETRY_AFTER_S) from error
            raise InvalidDataError(str(error)) from error
        return Outcome(telemetry.count_records() - answer.rejected, answer.rejected, answer.message)

    async def shutdown(self) -> None:
        """Close the connection."""
        await self._sender.close()


def connect(grpc_endpoint: str, http_endpoint: str, token: str | None) -> DirectSender:
    """Return the way to a collector on this machine, over gRPC if it takes that (`host:port`, "" for none)."""
    settings = {
        "tls": {"insecure": True},
        "headers": {"authorization": f"Bearer {token}"} if token else {},
        "timeout": f"{DIRECT_TIMEOUT_S:g}s",
        "compression": "none",
    }
    if grpc_endpoint:
        return DirectSender(
            OtlpGrpcSender(OtlpExporterSettings.model_validate({**settings, "endpoint": _reachable(grpc_endpoint)}))
        )
    from exporters.otlp_http import OtlpHttpSender

    url = f"http://{_reachable(http_endpoint)}"
    return DirectSender(OtlpHttpSender(OtlpHttpExporterSettings.model_validate({**settings, "endpoint": url})))


def _reachable(endpoint: str) -> str:
    """A port that listens on every address is asked on the loopback one."""
    host, port = split_endpoint(endpoint)
    return join_endpoint({"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 -- compared, not bound
