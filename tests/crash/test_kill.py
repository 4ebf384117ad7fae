"""Kill -9 in the middle of writing loses nothing that was acknowledged, and leaves no half commit."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from collector.pdata.envelope import Signal
from collector.store.api import WriteResult
from collector.store.sqlite.lock import is_locked
from collector.store.sqlite.reader import SqliteReader
from collector.store.sqlite.writer import SqliteWriter

KILLS = 21
SEED = 20_261_122
# From the first acknowledgement to the kill: from nearly none to some dozens of commits.
WAIT_S_MAX = 0.15
START_S_MAX = 30.0
RESENT_PER_KILL = 3
INGEST = Path(__file__).with_name("ingest.py")


@dataclass
class Run:
    """What one process said before it was killed."""

    sent: dict[int, Any] = field(default_factory=dict[int, Any])
    acknowledged: list[int] = field(default_factory=list[int])


def run_and_kill(data_dir: Path, first: int, seed: int, wait_s: float, new_sent: Callable[..., Any]) -> Run:
    """Let a process write, kill it `wait_s` after its first acknowledgement, and return what it has said."""
    run = Run()
    began = threading.Event()
    process = subprocess.Popen(
        [sys.executable, str(INGEST), str(data_dir), str(first), str(seed)], stdout=subprocess.PIPE, text=True
    )
    output = process.stdout
    assert output

    def listen() -> None:
        for line in output:
            if not line.endswith("\n"):
                break
            word, number, *rest = line.split()
            if word == "sent":
                run.sent[int(number)] = new_sent(Signal(rest[0]), bytes.fromhex(rest[1]))
            else:
                run.acknowledged.append(int(number))
                began.set()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert began.wait(START_S_MAX), "the process has acknowledged nothing"
        process_ended_by_itself = _wait(process, wait_s)
        assert not process_ended_by_itself
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
        listener.join()
        output.close()
    return run


def _wait(process: "subprocess.Popen[str]", wait_s: float) -> bool:
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        return False
    return True


@pytest.mark.timeout(300)
def test_what_was_acknowledged_is_there_after_kill_9(
    tmp_path: Path, new_audit: Callable[[], Any], new_sent: Callable[..., Any]
) -> None:
    chance = random.Random(SEED)
    audit = new_audit()
    first = 1
    acknowledged = 0
    for kill in range(KILLS):
        run = run_and_kill(tmp_path, first, SEED + kill, chance.uniform(0, WAIT_S_MAX), new_sent)
        assert not is_locked(tmp_path)
        assert run.acknowledged
        acknowledged += len(run.acknowledged)
        reader = SqliteReader(tmp_path)
        audit.read(reader)
        check_contents(run, audit)
        resend(tmp_path, [run.sent[number] for number in run.acknowledged[-RESENT_PER_KILL:]])
        before = audit.commit
        audit.read(reader)
        assert audit.commit == before
        check_contents(run, audit)
        reader.close()
        first = max(run.sent) + 1
    again = new_audit()
    reader = SqliteReader(tmp_path)
    again.read(reader)
    assert again == audit
    reader.close()
    assert acknowledged > KILLS


def check_contents(run: Run, audit: Any) -> None:
    """Every acknowledged record is there once; of the others each request is there as a whole, or not at all."""
    acknowledged = set(run.acknowledged)
    for number, sent in run.sent.items():
        counts = {audit.records[content] for content in sent.contents()}
        assert counts == {1} or (number not in acknowledged and counts == {0})


def resend(data_dir: Path, sent: list[Any]) -> None:
    """Open the folder for writing and send these again, later than the least wait of any sender."""

    async def write() -> list[WriteResult]:
        writer = SqliteWriter.open(data_dir, clock_unix_nano=lambda: time.time_ns() + 200_000_000)
        try:
            return [await writer.write(one.batch()) for one in sent]
        finally:
            await writer.shutdown()

    assert [result.resent for result in anyio.run(write)] == [True] * len(sent)
