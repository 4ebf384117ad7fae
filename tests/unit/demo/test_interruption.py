"""Ctrl-C takes effect once, and never between the start of a process and its registration."""

import signal

import pytest

from collector.demo.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_later_ones_do_not(number: signal.Signals) -> None:
    interruption = Interruption()
    with interruption.installed():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)


def test_a_deferred_signal_takes_effect_at_the_end_of_the_block() -> None:
    reached: list[str] = []
    interruption = Interruption()
    with interruption.installed(), pytest.raises(KeyboardInterrupt), interruption.deferred():
        signal.raise_signal(signal.SIGINT)
        reached.append("the end of the block")
    assert reached == ["the end of the block"]


def test_without_a_signal_nothing_happens() -> None:
    interruption = Interruption()
    with interruption.installed(), interruption.deferred():
        pass


def test_the_handlers_of_before_are_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption().installed():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
