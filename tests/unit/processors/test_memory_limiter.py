"""Senders are told to wait while memory is above its limit, and no longer."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.component import Telemetry
from collector.errors import BusyError
from collector.pdata.envelope import Signal
from collector.processors.memory_limiter import (
    CHECK_INTERVAL_S_MAX,
    LIMIT_MIB_MAX,
    MEMORY_RETRY_AFTER_S,
    MemoryLimiter,
    MemoryLimiterSettings,
    give_back_memory,
    read_resident_bytes,
)

MIB = 1024 * 1024
BODY = Telemetry(Signal.TRACES, b"")


class Machine:
    """A clock and a memory that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.held_bytes = 0
        self.idle_bytes = 0
        self.looks = 0
        self.given_back = 0

    def resident_bytes(self) -> int:
        self.looks += 1
        return self.held_bytes + self.idle_bytes

    def give_back(self) -> None:
        self.given_back += 1
        self.idle_bytes = 0

    def limiter(self, **settings: object) -> MemoryLimiter:
        return MemoryLimiter(
            MemoryLimiterSettings.model_validate(settings),
            clock_s=lambda: self.now_s,
            resident_bytes=self.resident_bytes,
            give_back=self.give_back,
        )


def is_refused(limiter: MemoryLimiter) -> bool:
    try:
        limiter.process(BODY)
    except BusyError:
        return True
    return False


def test_requests_are_refused_above_the_limit_less_the_spike_and_taken_again_below() -> None:
    machine = Machine()
    limiter = machine.limiter(limit_mib=100, spike_limit_mib=20)
    refused: list[bool] = []
    for held_bytes in (80 * MIB, 80 * MIB + 1, 200 * MIB, 80 * MIB):
        machine.held_bytes = held_bytes
        machine.now_s += 1
        refused.append(is_refused(limiter))
    assert refused == [False, True, True, False]
    assert machine.given_back == 2


def test_a_refusal_says_why_and_when_to_come_back() -> None:
    machine = Machine()
    machine.held_bytes = 90 * MIB
    with pytest.raises(BusyError) as refused:
        machine.limiter(limit_mib=100, spike_limit_mib=20).process(BODY)
    assert str(refused.value) == (
        "the collector holds 90 MiB of memory, over 80 MiB (memory_limiter: limit_mib less spike_limit_mib); "
        "send again later"
    )
    assert (refused.value.retry_after_s, refused.value.http_status, refused.value.grpc_code) == (
        MEMORY_RETRY_AFTER_S,
        503,
        14,
    )
    with pytest.raises(BusyError) as refused:
        machine.limiter(limit_mib=100, spike_limit_mib=20, check_interval="5s").process(BODY)
    assert (refused.value.retry_after_s, refused.value.reason) == (5, "busy_memory")


def test_memory_that_lies_idle_refuses_nobody() -> None:
    machine = Machine()
    machine.held_bytes, machine.idle_bytes = 50 * MIB, 60 * MIB
    assert not is_refused(machine.limiter(limit_mib=100, spike_limit_mib=20))
    assert machine.given_back == 1


def test_two_looks_are_the_interval_apart() -> None:
    machine = Machine()
    limiter = machine.limiter(check_interval="2s")
    for now_s in (0, 0.5, 1.9, 2, 3.9, 4):
        machine.now_s = now_s
        limiter.process(BODY)
    assert machine.looks == 3
    machine.held_bytes = 1 << 40
    machine.now_s = 5.9
    assert not is_refused(limiter)
    machine.now_s = 6
    assert is_refused(limiter)


def test_where_the_system_does_not_tell_nothing_is_refused() -> None:
    assert not is_refused(Machine().limiter(limit_mib=1, spike_limit_mib=0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit_mib": 100, "spike_limit_mib": 100}, "spike_limit_mib has to be less than limit_mib"),
        ({"check_interval": f"{CHECK_INTERVAL_S_MAX + 1:g}s"}, "check_interval is at most 60s"),
        ({"limit_mib": LIMIT_MIB_MAX + 1}, "less than or equal to 1048576"),
        ({"limit_mib": 0}, "greater than or equal to 1"),
        ({"limit_percentage": 80}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MemoryLimiterSettings.model_validate(settings)
    MemoryLimiterSettings(limit_mib=LIMIT_MIB_MAX, check_interval=f"{CHECK_INTERVAL_S_MAX:g}s")


def test_the_memory_of_this_process_is_read_and_given_back() -> None:
    block = bytearray(64 * MIB)
    before = read_resident_bytes()
    del block
    give_back_memory()
    if before:
        assert before > 64 * MIB
        assert before - read_resident_bytes() > 32 * MIB


def test_a_system_that_does_not_tell_its_memory_refuses_nothing_and_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr("collector.processors.memory_limiter._MEMORY_FILE", tmp_path / "statm")
    limiter = MemoryLimiter(MemoryLimiterSettings(limit_mib=1, spike_limit_mib=0))
    assert not is_refused(limiter)
    assert caplog.messages == [
        f"memory_limiter: nothing will be refused, for this system has no {tmp_path / 'statm'} that tells how much "
        "memory is held"
    ]


def test_a_system_that_tells_it_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    MemoryLimiter(MemoryLimiterSettings())
    assert (caplog.messages == []) == (read_resident_bytes() > 0)
