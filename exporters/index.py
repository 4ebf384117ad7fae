"""The exporter `index`: into the embedded store, where every answer comes from."""

import asyncio
import hashlib
from typing import Annotated, ClassVar

from pydantic import Field

from collector.component import Telemetry
from collector.config.model import Settings
from collector.errors import BusyError, RefusedError, StoreError
from collector.store.api import Batch, Writer
from collector.store.sqlite.retention import AGE_S_MAX, DISK_BYTES_MAX
from collector.telemetry.metrics import ExporterCounters

BODY_HASH_BYTES = 16
HASH_ON_LOOP_BYTES_MAX = 1024 * 1024
STORE_RETRY_AFTER_S = 5.0
DISK_BYTES_MIN = 16 * 1024 * 1024
AGE_HOURS_MAX = 876_000


class RetentionLimits(Settings):
    """`exporters.index.retention`: what is older or does not fit goes, the oldest first.

    `disk_bytes_max`: size of the store's file; `age_hours_max`: hours since a record was stored.
    """

    disk_bytes_max: Annotated[int, Field(ge=DISK_BYTES_MIN)] = DISK_BYTES_MAX
    age_hours_max: Annotated[float, Field(gt=0, le=AGE_HOURS_MAX)] = AGE_S_MAX / 3600


class IndexSettings(Settings):
    """`exporters.index`: how much is kept; the folder is the flag `--data-dir`."""

    retention: RetentionLimits = RetentionLimits()


class IndexExporter:
    """Writes what the processor `session` has correlated; returns after the commit."""

    recognises_resent: ClassVar[bool] = True

    def __init__(self, writer: Writer, counters: ExporterCounters) -> None:
        self._writer = writer
        self._counters = counters

    async def start(self) -> None:
        """See Exporter; the writer writes already."""

    async def export(self, telemetry: Telemetry) -> None:
        """See Exporter. A write that fails is temporary to the sender: it keeps the data and comes back."""
        correlated = telemetry.correlated
        if correlated is None or not correlated.records:
            return
        body_hash = await _hash_of(telemetry)
        try:
            await self._writer.write(Batch(correlated.signal, body_hash, correlated.records))
        except (StoreError, RefusedError) as error:
            self._counters.send_failed(correlated.signal, len(correlated.records))
            if isinstance(error, RefusedError):
                raise
            raise BusyError(f"the store cannot write: {error}", STORE_RETRY_AFTER_S) from error
        self._counters.sent(correlated.signal, len(correlated.records))

    async def shutdown(self) -> None:
        """See Exporter. The writer belongs to the service, which closes it last."""


async def _hash_of(telemetry: Telemetry) -> bytes:
    if len(telemetry.body) > HASH_ON_LOOP_BYTES_MAX:
        return await asyncio.to_thread(body_hash_of, telemetry.signal, telemetry.body)
    return body_hash_of(telemetry.signal, telemetry.body)


def body_hash_of(signal: str, body: bytes) -> bytes:
    """Return what identifies a request that is sent again: 16 bytes over its signal and decompressed body."""
    # Most processors have instructions for it: half the time of BLAKE2.
    digest = hashlib.sha256(signal.encode())
    digest.update(b"\0")
    digest.update(body)
    return digest.digest()[:BODY_HASH_BYTES]
