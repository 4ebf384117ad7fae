"""A configuration's text as YAML: its values, what is wrong with its form, and on which line each key stands."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml

DEPTH_MAX = 100
VALUES_MAX = 10_000
_TOO_LARGE = (
    f"this nests deeper than {DEPTH_MAX} levels, or its aliases repeat more than {VALUES_MAX:,} values; write them out"
)


class Problem(NamedTuple):
    """One thing that is wrong: under which keys, in words that name them, and on which line (0: unknown)."""

    path: tuple[str, ...]
    text: str
    line: int = 0


class Document(NamedTuple):
    """What a text holds: plain values, and the nodes that know their lines; None for an empty text."""

    value: object
    node: yaml.Node | None

    def line_of(self, path: Sequence[str]) -> int:
        """Return the line of the innermost key of `path` that is there; 0 if none is."""
        line, node = 0, self.node
        for part in path:
            child = _child(node, part)
            if child is None:
                break
            line, node = child
        return line


def read_document(text: str) -> tuple[Document | None, list[Problem]]:
    """Parse a text in which each key occurs once; returns None for what is no YAML, and everything that is wrong."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if _is_too_large(node):
            return None, [Problem((), _TOO_LARGE)]
        value: object = None if node is None else loader.construct_document(node)  # pyright: ignore[reportUnknownMemberType] -- not annotated
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return None, [Problem((), f"{where}this is not YAML: {error.problem}", mark.line + 1 if mark else 0)]
    except RecursionError:
        return None, [Problem((), _TOO_LARGE)]
    except (yaml.YAMLError, ValueError) as error:
        return None, [Problem((), f"this is not YAML: {error}")]
    finally:
        loader.dispose()
    return Document(value, node), list(_repeated_keys(node))


def _is_too_large(root: yaml.Node | None) -> bool:
    """Tell whether a document, each alias written out, is over the limits; one inside itself has no end."""
    waiting = [(1, root)]
    values = 0
    while waiting:
        depth, node = waiting.pop()
        values += 1
        if depth > DEPTH_MAX or values > VALUES_MAX:
            return True
        waiting.extend((depth + 1, child) for _, _, child in _children(node))
    return False


def _repeated_keys(root: yaml.Node | None) -> Iterator[Problem]:
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], yaml.Node | None]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        names: set[str] = set()
        for name, line, child in _children(node):
            if name in names:
                yield Problem((*path, name), f"line {line}: the key {name} is there twice; keep one", line)
            if isinstance(node, yaml.MappingNode):
                names.add(name)
            waiting.append(((*path, name), child))


def _children(node: yaml.Node | None) -> Iterator[tuple[str, int, yaml.Node]]:
    """Yield the name, the line and the value of what is directly inside a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield str(index), item.start_mark.line + 1, item


def _child(node: yaml.Node | None, name: str) -> tuple[int, yaml.Node] | None:
    return next(((line, child) for key, line, child in _children(node) if key == name), None)
