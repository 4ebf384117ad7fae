"""The queue on disk: what was put in comes out, once, after any end of the process, within its bounds."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import BusyError, StoreLockedError
from collector.pdata.envelope import Signal
from collector.telemetry.metrics import Counters
from exporters.delivery import sending_queue
from exporters.delivery.segment import HEADER_BYTES, BrokenFrameError, Entry, SegmentAppender, read_frames, segment_path
from exporters.delivery.sending_queue import FULL_RETRY_AFTER_S, SEGMENTS_PER_QUEUE, SendingQueue

BYTES_MAX = 1024 * 1024


def entry(body: bytes, signal: Signal = Signal.LOGS) -> Entry:
    return Entry(signal, len(body), body)


@asynccontextmanager
async def opened(
    folder: Path, bytes_max: int = BYTES_MAX, counters: Counters | None = None
) -> AsyncGenerator[SendingQueue]:
    queue = SendingQueue(folder, bytes_max, (counters or Counters()).drop)
    try:
        yield queue
    finally:
        await queue.close()


def files(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


async def drained(queue: SendingQueue) -> list[Entry]:
    """Take and finish everything that is in the queue."""
    found: list[Entry] = []
    while not queue.is_empty:
        async with asyncio.timeout(10):
            frame = await queue.take()
        found.append(frame.entry)
        await queue.done(frame)
    return found


@pytest.mark.anyio
async def test_what_was_put_in_comes_out_in_order(tmp_path: Path) -> None:
    put = [entry(bytes([number]) * number, list(Signal)[number % 3]) for number in range(50)]
    async with opened(tmp_path) as queue:
        for each in put:
            await queue.put(each)
        assert queue.waiting_bytes == queue.bytes
        assert await drained(queue) == put
        # The last segment stays, for it is still written to, but nothing in it waits any more.
        assert queue.waiting_bytes == 0 < queue.bytes


@pytest.mark.anyio
async def test_taking_waits_for_the_first_to_be_put_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        taking = asyncio.create_task(queue.take())
        await queue.put(entry(b"a"))
        frame = await asyncio.wait_for(taking, 10)
        assert frame.entry == entry(b"a")
        assert not queue.is_empty
        await queue.done(frame)
        assert queue.is_empty


@pytest.mark.anyio
async def test_what_is_not_done_is_there_after_a_restart_and_what_is_done_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        await asyncio.gather(*(queue.put(entry(b"%d" % number)) for number in range(6)))
        taken = [await queue.take() for _ in range(4)]
        for frame in (taken[1], taken[3]):
            await queue.done(frame)
    async with opened(tmp_path) as queue:
        assert [each.body for each in await drained(queue)] == [b"0", b"2", b"4", b"5"]
    async with opened(tmp_path) as queue:
        assert queue.is_empty or await drained(queue) == []


@pytest.mark.anyio
async def test_what_is_finished_leaves_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path, SEGMENTS_PER_QUEUE * 2000) as queue:
        for number in range(20):
            await queue.put(entry(b"%03d" % number * 200))
        assert len(files(tmp_path, "*.segment")) > 5
        assert len(await drained(queue)) == 20
        assert len(files(tmp_path, "*.segment")) == 1
    async with opened(tmp_path) as queue:
        taking = asyncio.create_task(queue.take())
        await queue.put(entry(b"new"))
        frame = await taking
        assert frame.entry.body == b"new"
        await queue.done(frame)
        (segment,), (done,) = files(tmp_path, "*.segment"), files(tmp_path, "*.done")
        assert segment.removesuffix(".segment") == done.removesuffix(".done")


@pytest.mark.anyio
async def test_a_full_queue_sends_back_at_its_edge_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    size = 1000
    body = b"x" * (size - HEADER_BYTES)
    async with opened(tmp_path, 10 * size) as queue:
        for _ in range(10):
            await queue.put(entry(body))
        assert queue.bytes == queue.bytes_max
        with pytest.raises(BusyError, match=r"the sending queue .* is full: 10000 bytes wait") as refused:
            await queue.put(entry(b""))
        assert (refused.value.retry_after_s, refused.value.reason) == (FULL_RETRY_AFTER_S, "busy_sending_queue")
        await queue.done(await queue.take())
        await queue.done(await queue.take())
        await queue.put(entry(body))
        assert len(await drained(queue)) == 9


@pytest.mark.anyio
async def test_requests_that_come_together_do_not_overfill_it(tmp_path: Path) -> None:
    async with opened(tmp_path, 10_000) as queue:
        results = await asyncio.gather(*(queue.put(entry(b"x" * 900)) for _ in range(30)), return_exceptions=True)
        assert sum(isinstance(result, BusyError) for result in results) == 30 - len(await drained(queue))
        assert sum(result is None for result in results) == 10_000 // (900 + HEADER_BYTES)


@pytest.mark.anyio
async def test_a_request_larger_than_the_queue_is_let_in_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, 10_000) as queue:
        await queue.put(entry(b"x" * 20_000))
        with pytest.raises(BusyError):
            await queue.put(entry(b"y"))
        assert [len(each.body) for each in await drained(queue)] == [20_000]
        await queue.put(entry(b"y"))


@pytest.mark.anyio
async def test_what_is_being_sent_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_queue, "SENDING_BYTES_MAX", 2 * (HEADER_BYTES + 100))
    async with opened(tmp_path) as queue:
        for _ in range(3):
            await queue.put(entry(b"x" * 100))
        first, _ = await queue.take(), await queue.take()
        third = asyncio.create_task(queue.take())
        done, _ = await asyncio.wait({third}, timeout=0.05)
        assert not done
        await queue.done(first)
        assert (await asyncio.wait_for(third, 10)).offset == 2 * (HEADER_BYTES + 100)


@pytest.mark.anyio
async def test_a_frame_that_a_crash_cut_off_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as queue:
        await queue.put(entry(b"whole"))
        await queue.put(entry(b"cut off"))
    path = segment_path(tmp_path, 1)
    os.truncate(path, path.stat().st_size - 1)
    async with opened(tmp_path) as queue:
        await queue.put(entry(b"later"))
        assert [each.body for each in await drained(queue)] == [b"whole", b"later"]
    assert (
        f"the frame at byte {HEADER_BYTES + 5} of segment 1 is cut off; {HEADER_BYTES + len(b'cut off') - 1} bytes are"
        in caplog.text
    )


@pytest.mark.anyio
async def test_a_frame_with_a_flipped_bit_costs_itself_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path) as queue:
        for body in (b"one", b"two", b"three"):
            await queue.put(entry(body))
    path = segment_path(tmp_path, 1)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"two")] ^= 1
    path.write_bytes(raw)
    counters = Counters()
    async with opened(tmp_path, counters=counters) as queue:
        assert [each.body for each in await drained(queue)] == [b"one", b"three"]
    assert "checksum" in caplog.text
    assert counters.dropped == {"unreadable_in_queue": len(b"two")}


@pytest.mark.anyio
@pytest.mark.parametrize("damaged", range(HEADER_BYTES))
async def test_a_header_with_a_flipped_bit_costs_its_frame_alone(tmp_path: Path, damaged: int) -> None:
    bodies = [b"one", b"GSQ1 is in this body", b"three", b"four"]
    async with opened(tmp_path) as queue:
        for body in bodies:
            await queue.put(entry(body))
    path = segment_path(tmp_path, 1)
    raw = bytearray(path.read_bytes())
    raw[HEADER_BYTES + len(bodies[0]) + damaged] ^= 1
    path.write_bytes(raw)
    counters = Counters()
    async with opened(tmp_path, counters=counters) as queue:
        assert [each.body for each in await drained(queue)] == [b"one", b"three", b"four"]
    assert counters.dropped == {"unreadable_in_queue": 1}


@pytest.mark.anyio
@pytest.mark.parametrize(("tail", "dropped"), [(bytes(500), {}), (b"x" * 500, {"unreadable_in_queue": 1})])
async def test_a_tail_without_a_header_is_lost_unless_it_was_never_written(
    tmp_path: Path, tail: bytes, dropped: Mapping[str, int]
) -> None:
    async with opened(tmp_path) as queue:
        await queue.put(entry(b"whole"))
    with segment_path(tmp_path, 1).open("ab") as file:
        file.write(tail)
    counters = Counters()
    async with opened(tmp_path, counters=counters) as queue:
        assert [each.body for each in await drained(queue)] == [b"whole"]
    assert counters.dropped == dropped


@pytest.mark.anyio
async def test_what_was_delivered_before_it_was_damaged_is_not_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        for body in (b"one", b"two"):
            await queue.put(entry(body))
        await queue.done(await queue.take())
    path = segment_path(tmp_path, 1)
    raw = bytearray(path.read_bytes())
    raw[0] ^= 1
    path.write_bytes(raw)
    counters = Counters()
    async with opened(tmp_path, counters=counters) as queue:
        assert [each.body for each in await drained(queue)] == [b"two"]
    assert counters.dropped == {}


@pytest.mark.anyio
async def test_a_queue_that_cannot_be_read_just_now_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path) as queue:
        await queue.put(entry(b"a"))
        with monkeypatch.context() as patched:
            patched.setattr(sending_queue, "read_frames", fail)
            with pytest.raises(OSError, match="Input/output error"):
                await queue.take()
        assert [each.body for each in await drained(queue)] == [b"a"]


@pytest.mark.anyio
async def test_a_disk_that_is_full_tells_the_sender_to_come_back_and_keeps_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as queue:
        await queue.put(entry(b"before"))

        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fail)
            with pytest.raises(BusyError, match="No space left on device") as refused:
                await queue.put(entry(b"refused"))
        assert refused.value.reason == "busy_sending_queue_disk"
        await queue.put(entry(b"after"))
        assert [each.body for each in await drained(queue)] == [b"before", b"after"]
    async with opened(tmp_path) as queue:
        await queue.put(entry(b"last"))
        assert [each.body for each in await drained(queue)] == [b"last"]


@pytest.mark.anyio
@pytest.mark.parametrize("is_delivered_first", [True, False])
async def test_a_disk_that_is_full_has_its_room_back_when_all_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_delivered_first: bool
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with opened(tmp_path) as queue:
        await queue.put(entry(b"before"))
        if is_delivered_first:
            await queue.done(await queue.take())
        taking = asyncio.create_task(queue.take())
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fail)
            patched.setattr(os, "truncate", fail)
            with pytest.raises(BusyError):
                await queue.put(entry(b"refused"))
        if not is_delivered_first:
            await queue.done(await taking)
            taking = asyncio.create_task(queue.take())
        async with asyncio.timeout(10):
            while files(tmp_path, "*.segment"):
                await queue.change()
        assert queue.bytes == 0
        await queue.put(entry(b"after"))
        assert (await asyncio.wait_for(taking, 10)).entry == entry(b"after")


@pytest.mark.anyio
async def test_two_processes_cannot_have_one_queue(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(StoreLockedError):
            SendingQueue(tmp_path, BYTES_MAX, Counters().drop)


@given(bodies=st.lists(st.binary(max_size=300), max_size=30), cut=st.integers(min_value=0))
def test_frames_are_read_as_written_up_to_any_cut(
    bodies: Sequence[bytes], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("segments")
    appender = SegmentAppender(folder, BYTES_MAX, 1)
    entries = [entry(body) for body in bodies]
    sizes = appender.append(entries)
    appender.close()
    size = sizes.get(1, 0)
    end = cut % (size + 1)
    if not size:
        return
    read: list[Entry] = []
    try:
        read.extend(frame.entry for frame in read_frames(folder, 1, 0, end, BYTES_MAX))
    except BrokenFrameError as broken:
        assert broken.resume is None
    whole = 0
    for each in entries:
        if whole + each.frame_bytes > end:
            break
        whole += each.frame_bytes
    assert read == entries[: len(read)]
    assert sum(each.frame_bytes for each in read) == whole
