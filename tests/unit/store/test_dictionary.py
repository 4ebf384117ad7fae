"""The compression dictionary: trained once on the store's own chunks, and every chunk stays readable."""

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.correlation.join import Part, TraceKey
from collector.store.api import Batch, Body
from collector.store.sqlite import reader as reader_module
from collector.store.sqlite.clearing import clear_session
from collector.store.sqlite.codec import (
    Compressor,
    Decompressor,
    Training,
    is_packed,
    pack_facts,
    train_for_bodies,
    train_for_facts,
)
from collector.store.sqlite.commit import Committer
from collector.store.sqlite.deletion import Deletion
from collector.store.sqlite.headers import RowsOfTraces
from collector.store.sqlite.numbering import Numbering
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import open_for_writing
from collector.store.sqlite.stored_pb2 import ChunkHeader

SpanBatch = Callable[..., Batch]
TraceBatch = Callable[[ExportTraceServiceRequest], Batch]
# Odd: where each commit fails once and is repeated, the last sample comes in one that fails.
TRAINING_CHUNKS = 21
READ = """
import sys
from pathlib import Path
from collector.store.sqlite.reader import SqliteReader
reader = SqliteReader(Path(sys.argv[1]))
upto = reader.position().commit
keys = [row.key for part in reader.parts(upto) for row in reader.rows(part.trace_key, upto, 1000)]
print(*sorted(body.raw.hex() for body in reader.bodies(keys).values()))
"""


class RefusingConnection:
    """Refuses one statement, as often as it is told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.refused = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *arguments: Any) -> Any:
        if statement == self.refused:
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *arguments)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Any]:
    opened = open_for_writing(tmp_path)
    yield RefusingConnection(opened)
    opened.close()


def raw_content(samples: Sequence[bytes]) -> bytes:
    """Take the samples themselves as the dictionary, which zstd allows."""
    return b"".join(samples)[:4_096]


class PromptCompressor(Compressor):
    """Waits for its training, so that it is known which commit brings the dictionary."""

    def trained_dictionary(self, wait: bool = False) -> bytes:
        return super().trained_dictionary(wait=True)


def committer_of(
    connection: Any,
    train: Callable[[Sequence[bytes]], bytes] = raw_content,
    trainings: Sequence[Training] = (Training(TRAINING_CHUNKS, 1),),
) -> Committer:
    committer = Committer(connection, Numbering(connection), lambda: 1)
    committer.bodies = PromptCompressor(train, trainings=trainings)
    return committer


def dictionaries_in_use(connection: Any) -> list[int]:
    (table,) = connection.execute(
        "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type = 'table' AND c.name = 'dictionary'"
    ).fetchone()
    return [number for (number,) in connection.execute(f"SELECT dictionary FROM {table} ORDER BY n")]  # noqa: S608 a table of the store's own file


def bodies(data_dir: Path) -> list[bytes]:
    reader = SqliteReader(data_dir)
    upto = reader.position().commit
    keys = [row.key for part in reader.parts(upto) for row in reader.rows(part.trace_key, upto, 1_000)]
    found = sorted(body.raw for body in reader.bodies(keys).values())
    reader.close()
    return found


def commit_until_trained(committer: Committer, connection: Any, span_batch: SpanBatch) -> list[bytes]:
    """Commit until a chunk is compressed with a dictionary; return all records."""
    written: list[bytes] = []
    for trace in range(1, 5 * TRAINING_CHUNKS):
        batch = span_batch([trace], filler=100)
        committer.commit([batch])
        written += [record.raw for record in batch.records]
        if trace > TRAINING_CHUNKS and dictionaries_in_use(connection)[-1]:
            return sorted(written)
    raise AssertionError("no dictionary was ever used")


def test_chunks_from_before_and_after_the_training_are_read(
    connection: Any, span_batch: SpanBatch, tmp_path: Path
) -> None:
    written = commit_until_trained(committer_of(connection), connection, span_batch)
    used = dictionaries_in_use(connection)
    assert set(used[:TRAINING_CHUNKS]) == {0}
    assert used[-1] == 1
    assert bodies(tmp_path) == written
    other = subprocess.run([sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True)
    assert other.stdout.split() == [raw.hex() for raw in written]


def test_a_store_that_is_opened_again_goes_on_with_its_dictionary(
    connection: Any, span_batch: SpanBatch, tmp_path: Path
) -> None:
    written = commit_until_trained(committer_of(connection), connection, span_batch)
    again = Committer(connection, Numbering(connection), lambda: 2)
    batch = span_batch([7_000])
    again.commit([batch])
    assert dictionaries_in_use(connection)[-1] == 1
    assert bodies(tmp_path) == sorted([*written, batch.records[0].raw])


@pytest.mark.parametrize(
    "refused", ["COMMIT", "INSERT INTO dictionary (bytes, purpose, trained) VALUES (?, ?, ?) RETURNING n"]
)
def test_a_dictionary_whose_commit_failed_is_not_used_before_it_is_stored(
    connection: Any, span_batch: SpanBatch, tmp_path: Path, refused: str
) -> None:
    committer = committer_of(connection)
    written: list[bytes] = []
    for trace in range(1, 5 * TRAINING_CHUNKS):
        batch = span_batch([trace])
        # Each commit fails once, so that the one which brings the dictionary does.
        connection.refused = refused
        try:
            committer.commit([batch])
        except sqlite3.OperationalError:
            connection.refused = ""
            committer.commit([batch])
        connection.refused = ""
        written += [record.raw for record in batch.records]
        if trace > TRAINING_CHUNKS and dictionaries_in_use(connection)[-1]:
            break
    committer.commit([span_batch([1])])
    assert set(dictionaries_in_use(connection)) == {0, 1}
    assert len(bodies(tmp_path)) == len(written) + 1


def test_what_cannot_be_trained_on_leaves_the_store_without(
    connection: Any, span_batch: SpanBatch, tmp_path: Path
) -> None:
    assert train_for_bodies([b"same"] * 5) == b""
    committer = committer_of(connection, lambda samples: b"")
    for trace in range(1, TRAINING_CHUNKS + 10):
        committer.commit([span_batch([trace])])
        assert committer.bodies.trained_dictionary() == b""
    assert set(dictionaries_in_use(connection)) == {0}
    assert len(bodies(tmp_path)) == TRAINING_CHUNKS + 9


def test_a_dictionary_from_real_bodies_makes_them_smaller(span_batch: SpanBatch) -> None:
    samples = [record.raw for record in span_batch(range(1, 3_000), filler=40).records]
    plain, trained = Compressor(train_for_bodies), Compressor(train_for_bodies)
    dictionary = train_for_bodies(samples)
    assert dictionary
    trained.use(1, dictionary)
    sizes = [sum(len(one.compress(raw)) for raw in samples[:200]) for one in (plain, trained)]
    assert sizes[1] < 0.8 * sizes[0]


def test_a_second_dictionary_is_trained_on_some_of_what_comes_later(
    connection: Any, span_batch: SpanBatch, tmp_path: Path
) -> None:
    trained_on: list[int] = []

    def train(samples: Sequence[bytes]) -> bytes:
        trained_on.append(len(samples))
        return raw_content(samples)

    trainings = (Training(3, 1), Training(5, 2))
    committer = committer_of(connection, train, trainings)
    written: list[bytes] = []
    for trace in range(1, 40):
        batch = span_batch([trace], filler=100)
        committer.commit([batch])
        written += [record.raw for record in batch.records]
    assert trained_on == [3, 5]
    numbers = dictionaries_in_use(connection)
    # The dictionary comes with the commit that brings the last sample, and is used from the next one on.
    assert numbers == [0] * 3 + [1] * 10 + [2] * (len(numbers) - 13)
    assert bodies(tmp_path) == sorted(written)
    again = Committer(connection, Numbering(connection), lambda: 2)
    assert (again.bodies.number, again.bodies.trained) == (2, 2)


@pytest.mark.parametrize("size", [0, 1, 124, 125, 300, 20_000])
def test_facts_are_packed_before_the_columns_of_a_header_and_come_back(connection: Any, size: int) -> None:
    columns = b"\x12\x08" + b"s" * 8
    facts = hashlib.shake_256(b"facts").digest(size)
    (number,) = connection.execute("INSERT INTO dictionary (bytes) VALUES (x'00112233') RETURNING n").fetchone()
    compressor = Compressor(train_for_facts, number, b"\x00\x11\x22\x33", 2)
    decompressor = Decompressor(connection)
    assert decompressor.whole_header(pack_facts(columns, number, compressor.compress(facts))) == columns + facts
    assert decompressor.whole_header(columns + facts) == columns + facts


def page_load(trace: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="documentLoad", span_id=b"document")
    span.trace_id = trace.to_bytes(16, "big")
    span.attributes.add(key="url.full").value.string_value = f"http://shop.test/{trace}"
    return request


def answered(trace: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="GET /", span_id=b"response")
    span.trace_id = trace.to_bytes(16, "big")
    span.kind = Span.SPAN_KIND_SERVER
    span.attributes.add(key="http.request.method").value.string_value = "GET"
    span.attributes.add(key="http.response.status_code").value.int_value = 200 + trace
    return request


@pytest.mark.parametrize("use_native", [True, False])
def test_statuses_and_pages_are_told_however_facts_are_stored(
    use_native: bool, trace_batch: TraceBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "RowsOfTraces", partial(RowsOfTraces, use_native=use_native))
    connection = open_for_writing(tmp_path)
    committer = Committer(connection, Numbering(connection), lambda: 1)
    committer.facts = PromptCompressor(raw_content, trainings=(Training(5, 1),))
    for trace in range(1, 30):
        requests = [answered(trace), page_load(trace)] if trace % 3 == 0 else [answered(trace)]
        committer.commit([trace_batch(request) for request in requests])
    headers = [header for (header,) in connection.execute("SELECT header FROM chunk ORDER BY n")]
    # The first six come before the dictionary; a header that names a page is never packed.
    assert [number for number, header in enumerate(headers, 1) if is_packed(header)] == [
        trace for trace in range(7, 30) if trace % 3
    ]
    opened = SqliteReader(tmp_path)
    keys = [TraceKey("trace", trace.to_bytes(16, "big")) for trace in range(1, 30)]
    found = opened.traces(keys, opened.position().commit, 10)
    opened.close()
    # What was not looked at before is read off what was read, also where the store is closed.
    assert {key: sorted(of_trace.statuses.values(), key=str) for key, of_trace in found.items()} == {
        key: [200 + trace, None] if trace % 3 == 0 else [200 + trace] for trace, key in enumerate(keys, 1)
    }
    assert [url for of_trace in found.values() for url in of_trace.pages.values()] == [
        f"http://shop.test/{trace}" for trace in range(3, 30, 3)
    ]
    connection.close()


def parts_and_bodies(data_dir: Path) -> tuple[list[Part], list[Body]]:
    reader = SqliteReader(data_dir)
    upto = reader.position().commit
    parts = list(reader.parts(upto))
    keys = [row.key for part in parts for row in reader.rows(part.trace_key, upto, 1_000)]
    found = parts, sorted(reader.bodies(keys).values())
    reader.close()
    return found


def test_what_is_told_of_traces_does_not_depend_on_how_facts_are_stored(span_batch: SpanBatch, tmp_path: Path) -> None:
    batches = [span_batch([1, trace], session=f"s-{trace % 2}") for trace in range(2, 30)]
    told: list[object] = []
    for trainings in ((), (Training(5, 1),)):
        data_dir = tmp_path / str(len(trainings))
        data_dir.mkdir()
        connection = open_for_writing(data_dir)
        numbering = Numbering(connection)
        committer = Committer(connection, numbering, lambda: 1)
        committer.bodies = Compressor(raw_content, trainings=())
        committer.facts = PromptCompressor(raw_content, trainings=trainings)
        for batch in batches:
            committer.commit([batch])
        headers = connection.execute("SELECT header FROM chunk").fetchall()
        packed = sum(bool(ChunkHeader.FromString(header).packed_facts) for (header,) in headers)
        assert packed == (len(headers) - 6 if trainings else 0)
        told.append(parts_and_bodies(data_dir))
        # Blanks the share of one session in the trace that both claim.
        told.append(clear_session(Deletion(connection, numbering), "s-1"))
        told.append(parts_and_bodies(data_dir))
        connection.close()
    assert told[:3] == told[3:]
    assert told[1] == sum(len(batch.records) for batch in batches) // 2
