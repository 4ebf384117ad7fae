"""What happens to one export request between its receipt and its answer.

Each receiver hands its requests to one Router, which knows the pipelines of every signal; a pipeline cuts
the body into records, lets its processors see them in order, and returns when all its exporters have
delivered. Only then does the receiver answer.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from collector.component import Bounded, Consumer, Exporter, Outcome, Processor, Recognising, Telemetry
from collector.errors import BusyError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import REDACTED, SESSION_IDS_TOO_LONG, Counters

_Result = TypeVar("_Result")

DECODE_ON_LOOP_BYTES_MAX = 1024 * 1024

REJECTED_SPANS_MESSAGE = (
    "{rejected} spans have no valid trace id (16 bytes, not all zero) or span id (8 bytes, not all zero); "
    "the others were stored"
)


class Pipeline:
    """Processors, then exporters, for one signal."""

    def __init__(self, processors: Sequence[Processor], exporters: Sequence[Exporter], counters: Counters) -> None:
        self._processors = processors
        self._exporters = exporters
        self._bounded = [each for each in exporters if isinstance(each, Bounded)]
        self._recognising = [each for each in exporters if isinstance(each, Recognising)]
        self._counters = counters

    async def consume(self, telemetry: Telemetry) -> Outcome:
        """See Consumer. A large body is decoded in a thread, so that the other senders are not kept waiting."""
        if len(telemetry.body) > DECODE_ON_LOOP_BYTES_MAX:
            count = await asyncio.to_thread(self._prepare, telemetry)
        else:
            count = self._prepare(telemetry)
        await self._check_room(telemetry)
        if len(self._exporters) == 1:
            await self._exporters[0].export(telemetry)
        else:
            await _all_of(exporter.export(telemetry) for exporter in self._exporters)
        return self._outcome(telemetry, count)

    async def _check_room(self, telemetry: Telemetry) -> None:
        """Raise BusyError if an exporter has no room: others would get the request with each attempt of its sender.

        Those that know it when it comes again have it at once, for its sender may give up before there is room.
        """
        try:
            for exporter in self._bounded:
                exporter.check_room(telemetry)
        except BusyError:
            await _all_of(exporter.export(telemetry) for exporter in self._recognising)
            raise

    def _prepare(self, telemetry: Telemetry) -> int:
        """Decode and process; return the number of records. Touches nothing but `telemetry`."""
        for processor in self._processors:
            processor.process(telemetry)
        return telemetry.count_records()

    def _outcome(self, telemetry: Telemetry, count: int) -> Outcome:
        for label, values in (telemetry.redacted or {}).items():
            self._counters.count(REDACTED, (("rule", label),)).add(values)
        correlated = telemetry.correlated
        rejected = correlated.rejected if correlated else 0
        if correlated and correlated.overlong_session_ids:
            self._counters.count(SESSION_IDS_TOO_LONG).add(correlated.overlong_session_ids)
        if not rejected:
            return Outcome(count)
        self._counters.drop("invalid_ids", rejected)
        return Outcome(count - rejected, rejected, REJECTED_SPANS_MESSAGE.format(rejected=rejected))


class Router:
    """The Consumer of one receiver: each signal goes to its pipelines.

    A signal without a pipeline is accepted, so that an SDK with default settings logs no errors, and counted
    as dropped.
    """

    def __init__(self, pipelines: Mapping[Signal, Sequence[Consumer]], counters: Counters) -> None:
        self._pipelines = pipelines
        self._counters = counters

    async def consume(self, telemetry: Telemetry) -> Outcome:
        """See Consumer. Of several pipelines, the one that rejected most speaks for all."""
        pipelines = self._pipelines.get(telemetry.signal, ())
        if len(pipelines) == 1:
            outcome = await pipelines[0].consume(telemetry)
        elif pipelines:
            outcomes = await _all_of(pipeline.consume(replace(telemetry)) for pipeline in pipelines)
            outcome = max(outcomes, key=lambda each: each.rejected)
        else:
            outcome = await Pipeline((), (), self._counters).consume(telemetry)
            self._counters.drop(f"{telemetry.signal}_without_exporter", outcome.accepted)
        return outcome


async def _all_of(branches: Iterable[Coroutine[None, None, _Result]]) -> list[_Result]:
    """Let every branch finish, also when one fails; then raise the first failure."""
    results = await asyncio.gather(*branches, return_exceptions=True)
    finished: list[_Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        finished.append(result)
    return finished
