"""A store that an earlier version wrote is read as it is, brought forward when a collector opens it, and goes on."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from collector.correlation.join import TraceKey
from collector.correlation.record import Record
from collector.store.api import Batch, Row
from collector.store.sqlite.chunk_maker import ChunkMaker
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.schema import APPLICATION_ID, MIGRATIONS, STORE_FILE_NAME
from collector.store.sqlite.stored_pb2 import ChunkBody

TIME_UNIX_NANO = 1_795_000_000_000_000_000
DICTIONARY = b"what the bodies of the shop have in common"
SESSIONS = {"": 0, "s-1": 1, "s-2": 2}


def write_version_1(data_dir: Path, batches: Sequence[Batch]) -> None:
    """Write a store as version 1 did, a commit for each batch: whole records, facts in the header, plain frames."""
    connection = sqlite3.connect(data_dir / STORE_FILE_NAME, isolation_level=None)
    connection.executescript(
        f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; {MIGRATIONS[0]} "
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
    )
    execute = connection.execute
    execute("INSERT INTO dictionary (bytes) VALUES (?)", (DICTIONARY,))
    compressors = {
        0: zstandard.ZstdCompressor(),
        1: zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(DICTIONARY)),
    }
    execute("INSERT INTO session (n, id) VALUES (1, 's-1'), (2, 's-2')")
    chunk = 0
    traces: dict[TraceKey, int] = {}
    for commit, batch in enumerate(batches, 1):
        filed = ChunkMaker().file([batch.records], TIME_UNIX_NANO)
        contexts = dict.fromkeys(filed.totals, 1)
        for context, (size, spans, logs) in filed.totals.items():
            execute(
                "INSERT OR IGNORE INTO context VALUES (1, ?, ?, ?, ?, 1)",
                (b"h", context.envelope, context.service, context.host),
            )
            execute("INSERT OR IGNORE INTO service VALUES (?, 0, 0, 0, 0)", (context.service,))
            execute("UPDATE service SET bytes = bytes + ?, spans = spans + ?, logs = logs + ?", (size, spans, logs))
        for trace_key, records in filed.traces.items():
            if trace_key not in traces:
                traces[trace_key] = len(traces) + 1
                execute("INSERT INTO trace VALUES (?, 0, ?)", (traces[trace_key], trace_key.value))
            chunk += 1
            encoded = ChunkMaker().encode(records, contexts, SESSIONS)
            header, named = encoded.header + encoded.facts, bool(encoded.named)
            execute("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)", (chunk, traces[trace_key], commit, named, header))
            body = ChunkBody(records=[record.raw for record in records]).SerializeToString()
            dictionary = chunk % 2
            execute("INSERT INTO body VALUES (?, ?, ?)", (chunk, dictionary, compressors[dictionary].compress(body)))
            for session_id in encoded.named:
                execute("INSERT INTO session_chunk VALUES (?, ?)", (SESSIONS[session_id], chunk))
        execute("INSERT INTO commits VALUES (?, ?, ?)", (commit, TIME_UNIX_NANO + commit, chunk))
        execute("INSERT INTO received VALUES (?, ?, ?)", (b"traces" + batch.body_hash, TIME_UNIX_NANO + commit, commit))
    connection.close()


def read(data_dir: Path) -> list[tuple[Row, bytes, int | None]]:
    """Return all rows with their records and statuses, in order of their ids."""
    reader = SqliteReader(data_dir)
    upto = reader.position().commit
    keys = list(dict.fromkeys(part.trace_key for part in reader.parts(upto)))
    traces = reader.traces(keys, upto, 1_000)
    bodies = reader.bodies([row.key for of_trace in traces.values() for row in of_trace.rows])
    found = [
        (row, bodies[row.key].raw, dict(of_trace.statuses).get(row.key))
        for of_trace in traces.values()
        for row in of_trace.rows
    ]
    reader.close()
    return sorted(found, key=lambda one: one[0].span_id)


def raws(batches: Sequence[Batch]) -> list[bytes]:
    return [record.raw for record in sorted(records_of(batches), key=lambda record: record.span_id)]


def records_of(batches: Sequence[Batch]) -> list[Record]:
    return [record for batch in batches for record in batch.records]


@pytest.mark.anyio
async def test_a_store_of_version_1_is_brought_forward_and_goes_on(
    span_batch: Callable[..., Batch], open_store: Callable[..., Any], tmp_path: Path
) -> None:
    old = [span_batch([1, 2, 3], session="s-1"), span_batch([2, 3, 4], session="s-2", filler=50)]
    write_version_1(tmp_path, old)
    # A reader of today, before any collector of today has opened the store.
    before = read(tmp_path)
    assert [raw for _, raw, _ in before] == raws(old)

    store = open_store()
    assert read(tmp_path) == before
    new = [span_batch([1, 5], session="s-1")]
    # The same request again is still known for what it is.
    store.clock.now_unix_nano = TIME_UNIX_NANO + 10**9
    assert (await store.writer.write(old[0])).resent
    assert (await store.writer.write(new[0])).commit == 3
    assert [raw for _, raw, _ in read(tmp_path)] == raws([*old, *new])

    # Its share of the traces that another session claims goes, also from chunks of before.
    assert await store.writer.clear("s-1") == 5
    assert [raw for _, raw, _ in read(tmp_path)] == raws([old[1]])
    store.writer.stop()

    version = sqlite3.connect(tmp_path / STORE_FILE_NAME).execute("PRAGMA user_version").fetchone()
    assert version == (len(MIGRATIONS),)
