"""When an unused collector ends."""

import pytest

from collector.idle import CHECKS_PER_IDLE_TIME, wait_until_idle

IDLE_S = 2**-10


@pytest.mark.anyio
async def test_it_waits_until_nothing_has_changed_for_the_whole_time() -> None:
    looks = -1

    def look() -> int:
        nonlocal looks
        looks += 1
        return 0 if looks < 2 else 1

    await wait_until_idle(IDLE_S, look, lambda: looks == 3, lambda: looks * IDLE_S / 4)
    # Look 2 saw a change and look 3 a reader, so the time counts from look 3: four quarters.
    assert looks == 7


@pytest.mark.anyio
async def test_it_ends_at_once_when_its_time_is_over() -> None:
    times_s = iter([0.0, IDLE_S])
    await wait_until_idle(IDLE_S, lambda: 0, lambda: False, lambda: next(times_s))
    assert CHECKS_PER_IDLE_TIME > 1
