"""The page that is committed is the page that its sources make: whoever installs Gasoline needs no Node."""

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(330)

SLOT = '<script type="text/plain" id="gasoline-data"></script>'
_STYLE_THAT_LOADS = re.compile(r"@import|url\((?!['\"]?data:)")


class Loaded(HTMLParser):
    """What the elements of a document load from elsewhere."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        self.addresses += [address for address in named if not address.startswith("data:")]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_built_page_is_fresh(root: Path, node: Path, node_packages: Callable[[str], Path], tmp_path: Path) -> None:
    assert node_packages("web").is_dir()
    subprocess.run([node, "build.mjs", tmp_path], cwd=root / "web", check=True, timeout=60)
    assert files_in(tmp_path) == files_in(root / "mcp_server" / "web"), "run: make bundle"


def test_the_view_is_whole_in_one_file_and_has_one_place_for_data(root: Path) -> None:
    view = (root / "mcp_server" / "web" / "view.html").read_text()
    assert view.count(SLOT) == 1
    assert view.partition("<head>")[2].lstrip().startswith('<meta charset="utf-8">')
    assert Loaded(view).addresses == []
    assert _STYLE_THAT_LOADS.findall(view.partition("<style>")[2].partition("</style>")[0]) == []


def test_the_page_loads_its_own_files_and_inlines_none(root: Path) -> None:
    index = (root / "mcp_server" / "web" / "index.html").read_text()
    assert Loaded(index).addresses == ["/assets/app.css", "/assets/app.js"]
    assert re.findall(r"<style|<script>|\son\w+=|\sstyle=", index) == []
