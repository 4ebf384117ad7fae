"""Writes the list of modules in ARCHITECTURE.md from the first line of each module's docstring: make rooms."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("collector", "exporters", "mcp_server")
FIRST_TEXT = re.compile(r'^"""(.*?)"""', re.DOTALL | re.MULTILINE)
BETWEEN_MARKS = re.compile(r"(?<=<!-- rooms -->\n).*?(?=<!-- /rooms -->)", re.DOTALL)


def rooms(root: Path) -> str:
    """Return one Markdown list per folder: a line per module with what it is for."""
    folders: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py*")):
            if path.suffix not in (".py", ".pyx") or path.name == "__init__.py" or path.name.endswith("_pb2.py"):
                continue
            found = FIRST_TEXT.search(path.read_text())
            purpose = (found[1] if found else "").split("\n\n")[0].strip().replace("\n", " ")
            folder = path.parent.relative_to(root).as_posix()
            folders.setdefault(folder, []).append(f"- `{path.name}` {purpose}\n")
    return "\n".join(f"**{folder}/**\n\n{''.join(lines)}" for folder, lines in sorted(folders.items()))


def main() -> None:
    """Rewrite the section between the marks."""
    document = ROOT / "ARCHITECTURE.md"
    document.write_text(BETWEEN_MARKS.sub(lambda _: rooms(ROOT), document.read_text()))


if __name__ == "__main__":
    main()
