"""What lists keep from one question to the next: facts in the order of their list, and what was made of them."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeAlias, TypeVar

# (minus the time that the list is sorted by, id): newest first, ties by id.
ListKey: TypeAlias = tuple[int, str]
Key = TypeVar("Key", bound=Hashable)
Facts = TypeVar("Facts")
Made = TypeVar("Made")


class Listing(Generic[Key, Facts]):
    """Facts by id, in the order of their list. Not thread-safe.

    Of thousands few change between two questions, so the rest is still sorted.
    """

    def __init__(self, id_of: Callable[[Facts], Key], key_of: Callable[[Facts], ListKey]) -> None:
        self._id_of = id_of
        self._key_of = key_of
        self._facts: dict[Key, Facts] = {}
        self._fresh: dict[Key, Facts] = {}
        self._sorted: list[tuple[ListKey, Facts]] = []
        self._is_sorted = True
        self.missing: dict[Key, None] = {}

    def drop(self, key: Key) -> None:
        """Forget the facts of one id, or note that there are none yet: it is among the `missing`."""
        if self._facts.pop(key, None) is not None:
            self._is_sorted = False
            self._fresh.pop(key, None)
        self.missing[key] = None

    def put(self, facts: Facts) -> None:
        """Take the facts of one id in place of those that there are."""
        key = self._id_of(facts)
        self._facts[key] = self._fresh[key] = facts
        self._is_sorted = False
        self.missing.pop(key, None)

    def get(self, key: Key) -> Facts | None:
        """Return the facts of one id; None if they are missing."""
        return self._facts.get(key)

    def in_order(self) -> Sequence[tuple[ListKey, Facts]]:
        """Return all facts that there are, by their list's order."""
        if not self._is_sorted:
            facts, id_of, key_of = self._facts, self._id_of, self._key_of
            kept = [item for item in self._sorted if facts.get(id_of(item[1])) is item[1]]
            kept += [(key_of(new), new) for new in self._fresh.values()]
            kept.sort(key=lambda item: item[0])
            self._sorted = kept
            self._fresh.clear()
            self._is_sorted = True
        return self._sorted


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
