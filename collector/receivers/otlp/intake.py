"""What happens to an export request whatever transport it came by: guard, hand on, count."""

import asyncio
import hmac
import logging

from collector.component import Consumer, Outcome, Telemetry
from collector.encoding.protobuf import UNGUARDED_BYTES_MAX, refuse_bomb
from collector.errors import BusyError, RefusedError, UnauthenticatedError
from collector.pdata.envelope import Signal
from collector.receivers.otlp.telemetry import ReceiverTelemetry, Transport

_logger = logging.getLogger(__name__)
_SCHEME = "bearer "


class Intake:
    """The way from one transport to the consumer."""

    def __init__(
        self, transport: Transport, consumer: Consumer, telemetry: ReceiverTelemetry, token: str | None = None
    ) -> None:
        self._transport = transport
        self._consumer = consumer
        self._telemetry = telemetry
        self._token = token.encode() if token else None

    @property
    def guarded(self) -> bool:
        """Whether a bearer token is asked for."""
        return self._token is not None

    def authorize(self, authorization: str | None) -> None:
        """Raise UnauthenticatedError if a token is configured and `authorization` does not hold it."""
        if self._token is None:
            return
        given = authorization or ""
        if given[: len(_SCHEME)].lower() != _SCHEME or not hmac.compare_digest(
            given[len(_SCHEME) :].strip().encode(errors="replace"), self._token
        ):
            raise UnauthenticatedError("send the collector's token as 'authorization: Bearer <token>'")

    async def take(self, signal: Signal, body: bytes) -> Outcome:
        """Hand one protobuf request to the consumer; return when it is durable.

        An error that nobody foresaw may be temporary and is answered so: no exporter resends after an internal
        error. Raises RefusedError.
        """
        try:
            if len(body) > UNGUARDED_BYTES_MAX:
                await asyncio.to_thread(refuse_bomb, signal, body)
            outcome = await self._consumer.consume(Telemetry(signal, body))
        except RefusedError:
            raise
        except Exception as error:
            _logger.exception("the %s request could not be stored", signal)
            self._telemetry.on_failed(self._transport, signal)
            raise BusyError(
                "the request could not be stored just now, the collector's log tells why", limit="fault"
            ) from error
        self._telemetry.on_accepted(self._transport, signal, outcome)
        return outcome

    def refuse(self, signal: Signal | None, error: RefusedError) -> None:
        """Count a request that is sent back."""
        self._telemetry.on_refused(self._transport, signal, error)
