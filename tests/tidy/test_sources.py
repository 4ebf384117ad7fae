"""How the sources are kept: short files, short functions, nothing dead, nothing in `__init__`."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
LINE_CHARS_MAX = 120
ENTRY_POINTS = {"collector.cli", "collector.__main__"}
_VAGUE_NAMES = re.compile(r"(^|_)(util|utils|helpers?|manager|common|misc|base)(_|$)")


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_native_sources_are_short(root: Path, tracked: list[str]) -> None:
    texts = {path: (root / path).read_text().splitlines() for path in tracked if path.endswith((".pyx", ".pxd"))}
    assert len(texts) >= 6
    assert [path for path, lines in texts.items() if len(lines) > FILE_LINES_MAX] == []
    assert [path for path, lines in texts.items() if any(len(line) > LINE_CHARS_MAX for line in lines)] == []


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield each dotted name that a module imports, or names in full as a text (`python -m` of a child process)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def dead_modules(sources: dict[str, ast.Module]) -> list[str]:
    """Return the modules that no other module of the sources imports and no entry point names."""
    used = set(ENTRY_POINTS)
    for path, tree in sources.items():
        used.update(name for name in imported_modules(tree) if name != module_name(path))
    # A folder whose name is put together with a module's (f"collector.demo.{service}") uses all of it.
    folders = tuple(name for name in used if name.endswith(".") and name.startswith("collector."))
    return [
        path
        for path in sources
        if not path.endswith("/__init__.py")
        and module_name(path) not in used
        and not module_name(path).startswith(folders)
    ]


def names_used(trees: Iterable[ast.Module]) -> set[str]:
    """Return every identifier that is read anywhere: names, attributes, quoted annotations."""
    used: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= 100:
                used.update(re.findall(r"[A-Za-z_]\w*", node.value))
    return used


def names_defined(tree: ast.Module) -> Iterator[str]:
    """Yield the functions, classes and constants at the top level; what a decorator registers counts as used."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.decorator_list:
            yield node.name
        elif isinstance(node, ast.Assign):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            yield from (name for name in names if not name.startswith("__"))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_no_file_is_too_long(python_files: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in python_files.items()}
    assert {path: lines for path, lines in lengths.items() if lines >= FILE_LINES_MAX} == {}


def function_length(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function; of a test its statements, for whole results are many lines of data."""
    if path.startswith("tests/"):
        return sum(isinstance(node, ast.stmt) for node in ast.walk(function))
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_function_is_too_long(python_files: dict[str, str]) -> None:
    lengths = {
        f"{path}:{node.name}": function_length(path, node)
        for path, text in python_files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines >= FUNCTION_LINES_MAX} == {}


def test_packages_hold_no_code_in_their_init(sources: dict[str, ast.Module]) -> None:
    allowed = (ast.Expr,)  # a docstring
    assert [
        path
        for path, tree in sources.items()
        if path.endswith("/__init__.py") and not all(isinstance(node, allowed) for node in tree.body)
    ] == []


def test_tests_are_no_packages(tracked: list[str]) -> None:
    assert [path for path in tracked if path.startswith("tests/") and path.endswith("/__init__.py")] == []


def test_file_names_say_what_is_inside(python_files: dict[str, str]) -> None:
    assert [path for path in python_files if _VAGUE_NAMES.search(module_name(path).rpartition(".")[2])] == []


def test_no_module_is_dead(sources: dict[str, ast.Module]) -> None:
    assert dead_modules(sources) == []


def test_no_name_is_dead(sources: dict[str, ast.Module]) -> None:
    used = names_used(sources.values())
    dead = {path: [name for name in names_defined(tree) if name not in used] for path, tree in sources.items()}
    assert {path: names for path, names in dead.items() if names} == {}


def test_every_test_file_is_collected(tracked: list[str]) -> None:
    """A file with tests whose name pytest does not match would never run."""
    files = [path for path in tracked if path.startswith("tests/") and path.endswith("_test.py")]
    assert files == []


def test_the_checks_find_what_they_are_for() -> None:
    sources = {
        "collector/cli.py": ast.parse("from collector.used import thing\nthing('collector.child')\nLEFT_OVER = 1\n"),
        "collector/used.py": ast.parse("def thing(name: str) -> None: ...\n"),
        "collector/child.py": ast.parse("@register\ndef run() -> None: ...\n"),
        "collector/dead.py": ast.parse("import collector.dead\n"),
    }
    assert dead_modules(sources) == ["collector/dead.py"]
    used = names_used(sources.values())
    assert [name for tree in sources.values() for name in names_defined(tree) if name not in used] == ["LEFT_OVER"]
