"""Data in the view: it stays data whatever it says, and a browser runs only what the build put there."""

import base64
import hashlib
import json
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from collector.errors import ConfigError
from mcp_server.view import data_text, view_html, view_with_data

VIEW = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gasoline</title>
<style>body{margin:0}</style>
</head>
<body>
<script type="text/plain" id="gasoline-data"></script>
<script>start()</script>
</body>
</html>
"""
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>&lt;&#x3c;/script&gt;",
    "\u2028\u2029\x00\x7f\ud7ff\ufeff",
    "</ScRiPt\t>",
    "\\u003c/script>",
    '"}</style>',
]


class Elements(HTMLParser):
    """The elements of a document, and the text in each script."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("text", HOSTILE)
def test_data_stays_data(text: str) -> None:
    data: dict[str, Any] = {text: [text, {"n": 1.5, "deep": [None, True, text]}]}
    document = view_with_data(VIEW, data_text(data))
    plain, found = Elements(VIEW), Elements(document)
    assert json.loads(zlib.decompress(base64.b64decode(found.scripts[0], validate=True))) == data
    assert found.scripts[1:] == plain.scripts[1:]
    assert [tag for tag in found.tags if tag[1].get("http-equiv") is None] == plain.tags


def test_the_policy_names_what_the_build_put_there_and_comes_before_it() -> None:
    found = Elements(view_with_data(VIEW, ""))
    assert [tag for tag, _ in found.tags[:4]] == ["html", "head", "meta", "meta"]
    assert found.tags[3][1] == {
        "http-equiv": "Content-Security-Policy",
        "content": f"default-src 'none'; script-src {digest('start()')}; style-src {digest('body{margin:0}')}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
    }


@pytest.mark.parametrize("view", [VIEW.replace('<meta charset="utf-8">', ""), VIEW.replace("gasoline-data", "data")])
def test_a_view_without_its_places_is_refused(view: str) -> None:
    with pytest.raises(ValueError, match="the view has no place for data, or does not say its charset"):
        view_with_data(view, "")


def test_where_there_is_no_built_view_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no built page in .*; run `make bundle`, or install gasoline-otel"):
        view_html(tmp_path)
    (tmp_path / "view.html").write_text(VIEW)
    assert view_html(tmp_path) == VIEW
