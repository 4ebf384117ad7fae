"""What lists keep from one question to the next: facts in the order of their list, and what was made of them."""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Generic, TypeAlias, TypeVar

# (minus the time that the list is sorted by, id): newest first, ties by id.
ListKey: TypeAlias = tuple[int, str]
Key = TypeVar("Key", bound=Hashable)
Facts = TypeVar("Facts")
Made = TypeVar("Made")


# Of so many facts one may be new and each still be put into its place; of more all are sorted again.
CHANGED_FEW_OF = 16
GROUPS_KEPT_MAX = 16


class Listing(Generic[Key, Facts]):
    """Facts by id, in the order of their list: of all, and of those in each group that was asked for.

    Of thousands few change between two questions, so the rest stays where it is. `groups_of` names the groups that
    facts are in. Not thread-safe.
    """

    def __init__(
        self,
        id_of: Callable[[Facts], Key],
        key_of: Callable[[Facts], ListKey],
        groups_of: Callable[[Facts], Collection[str]] = lambda facts: (),
    ) -> None:
        self._id_of = id_of
        self._key_of = key_of
        self._groups_of = groups_of
        self._facts: dict[Key, Facts] = {}
        self._fresh: dict[Key, Facts] = {}
        self._stale: list[Facts] = []
        self._sorted: list[tuple[ListKey, Facts]] = []
        self._by_group: dict[str, list[tuple[ListKey, Facts]]] = {}
        self.missing: dict[Key, None] = {}

    def drop(self, key: Key) -> None:
        """Forget the facts of one id, or note that there are none yet: it is among the `missing`."""
        self._take_out(key)
        self.missing[key] = None

    def put(self, facts: Facts) -> None:
        """Take the facts of one id in place of those that there are."""
        key = self._id_of(facts)
        self._take_out(key)
        self._facts[key] = self._fresh[key] = facts
        self.missing.pop(key, None)

    def _take_out(self, key: Key) -> None:
        facts = self._facts.pop(key, None)
        if facts is not None and self._fresh.pop(key, None) is None:
            self._stale.append(facts)

    def get(self, key: Key) -> Facts | None:
        """Return the facts of one id; None if they are missing."""
        return self._facts.get(key)

    def in_order(self, group: str | None = None) -> Sequence[tuple[ListKey, Facts]]:
        """Return all facts that there are, or those in a group, by their list's order.

        What was returned before stays as it is.
        """
        if self._fresh or self._stale:
            if (len(self._fresh) + len(self._stale)) * CHANGED_FEW_OF > len(self._facts):
                self._sorted = sorted(((self._key_of(facts), facts) for facts in self._facts.values()), key=_list_key)
                self._by_group.clear()
            else:
                stale, fresh = self._stale, list(self._fresh.values())
                self._sorted = self._changed(self._sorted, stale, fresh)
                for name, listed in self._by_group.items():
                    gone, come = self._those_in(name, stale), self._those_in(name, fresh)
                    self._by_group[name] = self._changed(listed, gone, come)
            self._fresh.clear()
            self._stale.clear()
        return self._sorted if group is None else self._in_group(group)

    def _changed(
        self, listed: list[tuple[ListKey, Facts]], stale: Sequence[Facts], fresh: Sequence[Facts]
    ) -> list[tuple[ListKey, Facts]]:
        changed = listed.copy()
        for facts in stale:
            del changed[bisect_left(changed, self._key_of(facts), key=_list_key)]
        for facts in fresh:
            insort(changed, (self._key_of(facts), facts), key=_list_key)
        return changed

    def _those_in(self, group: str, some: Sequence[Facts]) -> list[Facts]:
        return [facts for facts in some if group in self._groups_of(facts)]

    def _in_group(self, group: str) -> Sequence[tuple[ListKey, Facts]]:
        found = self._by_group.get(group)
        if found is None:
            found = [item for item in self._sorted if group in self._groups_of(item[1])]
            if len(self._by_group) >= GROUPS_KEPT_MAX:
                self._by_group.clear()
            self._by_group[group] = found
        return found


def _list_key(item: tuple[ListKey, object]) -> ListKey:
    return item[0]


class Kept(Generic[Made]):
    """Things by id, each valid for exactly the facts that it was made of. Not thread-safe."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._made: dict[Hashable, tuple[object, Made]] = {}

    def get(self, key: Hashable, facts: object) -> Made | None:
        """Return what was made of these very facts; None if there is none."""
        found = self._made.get(key)
        return found[1] if found is not None and found[0] is facts else None

    def keep(self, key: Hashable, facts: object, made: Made) -> None:
        """Keep one thing; where `count_max` are kept, all others go first, which costs less than to know the oldest."""
        if len(self._made) >= self._count_max and key not in self._made:
            self._made.clear()
        self._made[key] = facts, made
