"""What lists keep between two questions: facts in order, and records for as long as their facts stay."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.query import kept as kept_module
from collector.query.kept import Kept, Listing


class Facts(NamedTuple):
    name: str
    time: int


def listing() -> Listing[str, Facts]:
    return Listing[str, Facts](lambda facts: facts.name, lambda facts: (-facts.time, facts.name), groups_of)


def groups_of(facts: Facts) -> set[str]:
    """Name the bits of its time: none for 0, two for 3."""
    return {str(bit) for bit in (1, 2) if facts.time & bit}


steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "read"]), st.sampled_from("abc"), st.integers(0, 3)), max_size=12
)


@pytest.mark.parametrize("few_of", [0, kept_module.CHANGED_FEW_OF])
@given(steps=steps)
def test_facts_stand_in_order_whatever_came_before(few_of: int, steps: list[tuple[str, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # With 0 every change is put into its place, else these few are sorted each time.
        patch.setattr(kept_module, "CHANGED_FEW_OF", few_of)
        check(steps)


def check(steps: list[tuple[str, str, int]]) -> None:
    kept = listing()
    read: list[tuple[Sequence[object], list[object]]] = []
    there: dict[str, Facts] = {}
    missing: set[str] = set()
    for what, name, time in steps:
        if what == "put":
            there[name] = Facts(name, time)
            missing.discard(name)
            kept.put(there[name])
        elif what == "drop":
            there.pop(name, None)
            missing.add(name)
            kept.drop(name)
        else:
            in_order = sorted(there.values(), key=lambda facts: (-facts.time, facts.name))
            for group in (None, "1", "2", "3"):
                found = kept.in_order(group)
                own = [facts for facts in in_order if group is None or group in groups_of(facts)]
                assert list(found) == [((-facts.time, facts.name), facts) for facts in own]
                read.append((found, list(found)))
    assert all(list(found) == then for found, then in read)
    assert {name: kept.get(name) for name in "abc"} == {name: there.get(name) for name in "abc"}
    assert set(kept.missing) == missing


def test_so_many_groups_are_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "GROUPS_KEPT_MAX", 2)
    kept = listing()
    kept.put(Facts("a", 1))
    first = kept.in_order("1")
    assert (kept.in_order("2"), kept.in_order("1") is first) == ([], True)
    assert kept.in_order("3") == []
    again = kept.in_order("1")
    assert (again == first, again is first) == (True, False)


def test_a_thing_is_kept_for_the_very_facts_it_was_made_of() -> None:
    kept = Kept[str](2)
    facts, equal = Facts("a", 1), Facts("a", 1)
    kept.keep("a", facts, "record")
    assert (kept.get("a", facts), kept.get("a", equal), kept.get("b", facts)) == ("record", None, None)


def test_as_many_things_are_kept_as_there_may_be() -> None:
    kept = Kept[str](2)
    facts = Facts("a", 1)
    kept.keep("a", facts, "one")
    kept.keep("b", facts, "two")
    kept.keep("b", facts, "again")
    assert [kept.get(name, facts) for name in "abc"] == ["one", "again", None]
    kept.keep("c", facts, "three")
    assert [kept.get(name, facts) for name in "abc"] == [None, None, "three"]
