"""When a collector looks for reference cycles."""

import asyncio
import gc
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector import foreground
from collector.errors import ConfigError
from collector.foreground import ServeOptions, serve
from collector.garbage import THRESHOLDS, young_garbage_only


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


@contextmanager
def _looks() -> Generator[list[int]]:
    """Give the generations that were looked at meanwhile."""
    seen: list[int] = []

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "start":
            seen.append(told["generation"])

    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


def test_much_that_stays_is_looked_at_twice_and_not_with_all_else() -> None:
    with young_garbage_only(), _looks() as seen:
        held: list[list[int]] = [[] for _ in range(1_000_000)]
    assert set(seen) == {0, 1}
    assert len(held) == 1_000_000


def test_cycles_that_are_garbage_while_they_are_new_are_found() -> None:
    with young_garbage_only():
        garbage = [weakref.ref(_Cycle()) for _ in range(10)]
        held: list[list[int]] = [[] for _ in range(10_000)]
    assert [found() for found in garbage] == [None] * 10
    assert len(held) == 10_000


def leave_logging(*_: object) -> None:
    """The logging of the process is that of the tests."""


def test_a_collector_runs_so_and_what_comes_after_it_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []

    async def build_collector(*_: object, **__: object) -> None:
        seen.append(gc.get_threshold())
        await asyncio.sleep(0)
        raise ConfigError("it ends here")

    monkeypatch.setattr(foreground, "build_collector", build_collector)
    monkeypatch.setattr(foreground, "configure_logging", leave_logging)
    before = gc.get_threshold()
    with pytest.raises(ConfigError, match="it ends here"):
        serve(ServeOptions(None, tmp_path, {}, None, True, 0.0, False), {})
    assert seen == [THRESHOLDS]
    assert gc.get_threshold() == before != THRESHOLDS
