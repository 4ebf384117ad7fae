"""What has news since a commit, as those who watch a session are told."""

from typing import Protocol

import anyio
import pytest

from collector.query.changes import Changes, changes_after
from collector.store.memory import MemoryStore

pytestmark = pytest.mark.anyio


class Story(Protocol):
    session_id: str
    request_id: str

    async def declined_checkout(self) -> None: ...
    async def late_log(self, body: str = ...) -> None: ...
    async def another_session(self, session_id: str) -> None: ...


async def test_nothing_new_changes_nothing(store: MemoryStore, story: Story) -> None:
    await story.declined_checkout()
    assert changes_after(store, 2, 0.0) == Changes(2, frozenset(), frozenset())


async def test_new_records_name_their_session_and_request(store: MemoryStore, story: Story) -> None:
    await story.another_session("before")
    await story.declined_checkout()
    assert changes_after(store, 1, 0.0) == Changes(3, frozenset({story.session_id}), frozenset({story.request_id}))


async def test_a_record_without_session_counts_for_the_session_of_its_trace(store: MemoryStore, story: Story) -> None:
    await story.declined_checkout()
    await story.late_log()
    assert changes_after(store, 2, 0.0) == Changes(3, frozenset({story.session_id}), frozenset({story.request_id}))


async def test_it_waits_for_the_next_commit(store: MemoryStore, story: Story) -> None:
    found: list[Changes] = []

    async def look() -> None:
        found.append(await anyio.to_thread.run_sync(changes_after, store, 0, 5.0))

    with anyio.fail_after(4):
        async with anyio.create_task_group() as group:
            group.start_soon(look)
            await story.another_session("somebody")
    assert [changes.session_ids for changes in found] == [{"somebody"}]


@pytest.mark.parametrize(("parts_max", "complete"), [(3, True), (2, False)])
async def test_more_news_than_are_looked_through_are_told_as_such(
    store: MemoryStore, story: Story, parts_max: int, complete: bool
) -> None:
    people = {"one", "two", "three"}
    for person in sorted(people):
        await story.another_session(person)
    changes = changes_after(store, 0, 0.0, parts_max)
    assert (changes.commit, changes.complete) == (3, complete)
    assert changes.session_ids == (people if complete else frozenset())


@pytest.mark.parametrize(("parts_max", "complete"), [(3, True), (2, False)])
async def test_so_are_more_claims_of_a_trace(store: MemoryStore, story: Story, parts_max: int, complete: bool) -> None:
    await story.declined_checkout()
    await story.late_log()
    changes = changes_after(store, 2, 0.0, parts_max)
    assert (changes.commit, changes.complete) == (3, complete)
