"""The native kernel takes what real SDKs send, at its limits too; that it says the same as `keys` is a property."""

import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.correlation import correlator
from collector.correlation.correlator import CONTEXT_HELD_BYTES_MAX, CONTEXTS_HELD_MAX, Correlator
from collector.correlation.keys import SessionKeys
from collector.correlation.record import PlainRecord
from collector.pdata.envelope import Signal
from collector.pdata.native import kernel
from collector.processors.session import SESSION_KEYS_MAX
from collector.store.sqlite import bodies, chunk_maker, headers

Recordings = Callable[[str], Sequence[tuple[Signal, bytes, bytes | None]]]

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="kernels are compiled where there is a C compiler")


def body_of(service: str, session_id: str = "s-1") -> bytes:
    request = ExportTraceServiceRequest()
    outer = request.resource_spans.add()
    outer.resource.attributes.add(key="service.name").value.string_value = service
    span = outer.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.add(key="session.id").value.string_value = session_id
    return request.SerializeToString()


KERNELS = (correlator.KERNEL, chunk_maker.KERNEL, chunk_maker.FILING_KERNEL, headers.KERNEL, bodies.KERNEL)


def test_all_kernels_are_compiled() -> None:
    assert [name for name in KERNELS if kernel(name) is None] == []


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """No kernel is there, and that is not remembered any longer."""
    for name in KERNELS:
        # What the import system takes for a module that is not there.
        monkeypatch.setitem(sys.modules, name, None)
    kernel.cache_clear()
    yield
    kernel.cache_clear()


@pytest.mark.usefixtures("without_kernels")
def test_without_them_the_twins_do_all() -> None:
    records = Correlator(SessionKeys()).correlate(Signal.TRACES, body_of("shop")).records
    filed = chunk_maker.ChunkMaker().file([records], 1)
    ((trace_key, of_trace),) = filed.traces.items()
    encoded = chunk_maker.ChunkMaker().encode(of_trace, dict.fromkeys(filed.totals, 1), {"s-1": 2, "": 0})
    rows_of = headers.RowsOfTraces()
    names = headers.Names({1: headers.ContextFacts("shop", "host")}.__getitem__, {2: "s-1"}.__getitem__)
    rows_of.add([headers.StoredChunk(trace_key, 1, encoded.header + encoded.facts)], names)
    assert [type(record) for record in records] == [PlainRecord]
    assert [(row.span_id, row.session_id) for row in rows_of.traces[trace_key].rows] == [(b"s" * 8, "s-1")]


def test_one_that_was_compiled_of_other_sources_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stale_kernel.py").write_text("from collector.errors import no_such_name\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ImportError, match="no_such_name"):
        kernel("stale_kernel")


@pytest.mark.parametrize("folder", ["tracestate", "emit", "emit-rust", "baggage-mixed", "edge-grpc", "telemetrygen"])
def test_no_request_of_an_sdk_is_left_to_the_slow_path(folder: str, recordings: Recordings) -> None:
    from collector.correlation.native_record import Record

    bodies = [(signal, body) for signal, body, _ in recordings(folder) if signal is not Signal.METRICS]
    bound = Correlator(SessionKeys())
    assert bodies
    for signal, body in bodies:
        assert {type(record) for record in bound.correlate(signal, body).records} <= {Record}


def test_equal_contexts_of_several_requests_are_one_object() -> None:
    bound = Correlator(SessionKeys())
    first, second, other = (bound.correlate(Signal.TRACES, body_of(name)).records[0] for name in ("a", "a", "b"))
    assert first.context is second.context
    assert (first.context.service, other.context.service) == ("a", "b")


def test_contexts_are_held_up_to_their_number_and_size() -> None:
    bound = Correlator(SessionKeys())

    def is_held(service: str) -> bool:
        first, second = (bound.correlate(Signal.TRACES, body_of(service)).records[0].context for _ in range(2))
        assert first == second
        return first is second

    # What stands around a name of more than two bytes' length in its resource.
    around = 23
    assert is_held("x" * (CONTEXT_HELD_BYTES_MAX - around))
    assert not is_held("x" * (CONTEXT_HELD_BYTES_MAX - around + 1))
    first = bound.correlate(Signal.TRACES, body_of("first")).records[0].context
    for number in range(CONTEXTS_HELD_MAX):
        bound.correlate(Signal.TRACES, body_of(f"service-{number}"))
    again = bound.correlate(Signal.TRACES, body_of("first")).records[0].context
    assert again == first
    assert again is not first


@pytest.mark.parametrize("use_native", [True, False])
def test_as_many_and_as_long_keys_as_the_settings_allow(use_native: bool) -> None:
    keys = SessionKeys(tuple(f"{number:03}".rjust(256, "k") for number in range(SESSION_KEYS_MAX)))
    request = ExportTraceServiceRequest.FromString(body_of("shop"))
    attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes[0]
    attribute.key = keys.attributes[-1].upper()
    (record,) = Correlator(keys, use_native=use_native).correlate(Signal.TRACES, request.SerializeToString()).records
    assert record.session_id == "s-1"


def test_more_or_longer_keys_than_it_has_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"76 keys; at most 64"):
        Correlator(SessionKeys(tuple(f"key-{number}" for number in range(64))))
    with pytest.raises(ValueError, match=r"a key of 257 bytes; at most 256"):
        Correlator(SessionKeys(("k" * 257,)))
