"""Pauses between attempts: they grow, within limits, and are never shorter than the backend asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporters.delivery.retry import (
    INTERVAL_S_MIN,
    MULTIPLIER,
    RANDOMIZATION,
    RETRY_AFTER_S_MAX,
    Backoff,
    RetrySettings,
)


@pytest.mark.parametrize("setting", ["initial_interval", "max_interval"])
@pytest.mark.parametrize("interval", [0, "0s", "99ms"])
def test_attempts_never_follow_each_other_without_a_pause(setting: str, interval: object) -> None:
    with pytest.raises(ValidationError, match="must be at least 100ms"):
        RetrySettings.model_validate({setting: interval})
    assert RetrySettings.model_validate({setting: f"{INTERVAL_S_MIN}s"}) == RetrySettings(**{setting: "0.1s"})


def test_pauses_grow_to_the_longest() -> None:
    backoff = Backoff(RetrySettings(initial_interval="1s", max_interval="3s"), 0)
    assert [backoff.pause_s(0, 0.5, None) for _ in range(5)] == [1, 1.5, 2.25, 3, 3]
    assert MULTIPLIER == 1.5


@given(randomness=st.floats(0, 1), retry_after_s=st.none() | st.floats(0, 10 * RETRY_AFTER_S_MAX))
def test_a_pause_is_random_within_its_measure_and_as_long_as_asked_for(
    randomness: float, retry_after_s: float | None
) -> None:
    pause_s = Backoff(RetrySettings(initial_interval="10s"), 0).pause_s(0, randomness, retry_after_s)
    assert pause_s is not None
    least_s = min(retry_after_s or 0, RETRY_AFTER_S_MAX)
    assert least_s <= pause_s <= max(10 * (1 + RANDOMIZATION), least_s)
    assert pause_s >= 10 * (1 - RANDOMIZATION)


@pytest.mark.parametrize(("now_s", "expected"), [(109, 1), (109.01, None)])
def test_a_request_is_given_up_once_the_next_attempt_would_be_too_late(now_s: float, expected: float | None) -> None:
    settings = RetrySettings(initial_interval="1s", max_elapsed_time="10s")
    assert Backoff(settings, 100).pause_s(now_s, 0.5, None) == expected


def test_without_a_limit_nothing_is_given_up() -> None:
    assert Backoff(RetrySettings(), 0).pause_s(1e9, 0.5, None) == 5
    settings = RetrySettings(max_elapsed_time_on_fault="0s")
    assert Backoff(settings, 0).pause_s(1e9, 0.5, None, is_fault=True) == 5


@pytest.mark.parametrize(("now_s", "expected"), [(695, 5), (695.01, None)])
def test_what_a_backend_fails_at_is_given_up_after_ten_minutes(now_s: float, expected: float | None) -> None:
    assert Backoff(RetrySettings(), 100).pause_s(now_s, 0.5, None, is_fault=True) == expected
    shorter = RetrySettings(max_elapsed_time=f"{now_s - 95:g}s", max_elapsed_time_on_fault="0s")
    assert Backoff(shorter, 100).pause_s(now_s, 0.5, None, is_fault=True) == 5
    assert Backoff(shorter, 100).pause_s(now_s + 0.1, 0.5, None, is_fault=True) is None
