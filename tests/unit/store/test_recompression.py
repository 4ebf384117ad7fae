"""What was stored before there was a dictionary is compressed again with it, and reads as before."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from collector.store.api import Batch
from collector.store.sqlite.codec import Compressor, compress_plain, train_for_bodies
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.recompression import RECOMPRESSED_CHUNKS_MAX, Recompression
from collector.store.sqlite.schema import STORE_FILE_NAME, open_for_writing

WAIT_S_MAX = 30.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_for_writing(tmp_path)
    yield opened
    opened.close()


def body_of(chunk: int) -> bytes:
    return b"body %d of the shop" % chunk * 9


def store_plain(connection: sqlite3.Connection, chunks: range) -> Compressor:
    """Store bodies without a dictionary, and return a compressor that has one, which is stored too."""
    connection.executemany(
        "INSERT INTO body (n, dictionary, bytes) VALUES (?, 0, ?)",
        [(chunk, compress_plain(body_of(chunk))) for chunk in chunks],
    )
    dictionary = body_of(1)
    connection.execute("INSERT INTO dictionary (bytes) VALUES (?)", (dictionary,))
    return Compressor(train_for_bodies, 1, dictionary, trained=2)


def dictionaries(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT dictionary FROM body ORDER BY n")]


def test_each_run_takes_a_bounded_number_of_chunks_up_to_the_one_at_which_the_dictionary_came(
    connection: sqlite3.Connection,
) -> None:
    count = 2 * RECOMPRESSED_CHUNKS_MAX
    compressor = store_plain(connection, range(1, count + 1))
    recompression = Recompression(connection)
    assert not recompression.is_due
    recompression.begin(count - 10)
    runs: list[int] = []
    while recompression.is_due:
        recompression.run(compressor)
        runs.append(sum(dictionaries(connection)))
    assert runs == [RECOMPRESSED_CHUNKS_MAX, count - 10]
    assert dictionaries(connection) == [1] * (count - 10) + [0] * 10


def test_a_run_that_fails_changes_nothing_and_is_not_tried_again(connection: sqlite3.Connection) -> None:
    compressor = store_plain(connection, range(1, 4))
    connection.execute("UPDATE body SET bytes = x'00' WHERE n = 3")
    before = connection.execute("SELECT * FROM body").fetchall()
    recompression = Recompression(connection)
    recompression.begin(3)
    with pytest.raises(zstandard.ZstdError):
        recompression.run(compressor)
    assert connection.execute("SELECT * FROM body").fetchall() == before
    assert not connection.in_transaction
    recompression.stop()
    assert not recompression.is_due


@pytest.mark.anyio
async def test_a_store_ends_with_no_chunk_without_a_dictionary(
    open_store: Callable[..., Any], span_batch: Callable[..., Batch], tmp_path: Path
) -> None:
    store = open_store()
    batches = [span_batch(range(start, start + 700), filler=40) for start in range(1, 2_100, 700)]
    for batch in batches:
        await store.writer.write(batch)
    other = sqlite3.connect(tmp_path / STORE_FILE_NAME)
    end_s = time.monotonic() + WAIT_S_MAX
    while 0 in dictionaries(other):
        assert time.monotonic() < end_s
        batches.append(span_batch([len(batches)]))
        await store.writer.write(batches[-1])
    other.close()
    reader = SqliteReader(tmp_path)
    upto = reader.position().commit
    keys = {row.key for part in reader.parts(upto) for row in reader.rows(part.trace_key, upto, 1_000)}
    assert sorted(body.raw for body in reader.bodies(list(keys)).values()) == sorted(
        record.raw for batch in batches for record in batch.records
    )
    reader.close()
