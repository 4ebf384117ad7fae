"""`gasoline extension`: where the browser extension is, and what is packed of it."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.cli import cli
from collector.extension import extension_files, extension_folder, pack_extension

_TEXT = re.compile(r'"([^"]+)"')
_HTML_REFERENCE = re.compile(r'(?:src|href)="([^"#:]+)"')
_CSS_REFERENCE = re.compile(r'(?:url\("?|@import ")([^")]+)')
_IMPORT = re.compile(r'^(?:import|export)\s(?:[^"\';]*?\sfrom\s)?["\'](\.[^"\']+)["\']', re.MULTILINE)
_NAMED_PATH = re.compile(r'["\'`]/?((?:[\w-]+/)*[\w-]+\.(?:js|html|css|png|svg))["\'`]')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An extension as a checkout holds it, with what only development needs."""
    made = tmp_path / "extension"
    for name in ("manifest.json", "page.js", "popup/popup.html", "package.json", "node_modules/axe/axe.js", ".cache/x"):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return made


def test_the_folder_of_this_installation_is_printed() -> None:
    done = CliRunner().invoke(cli, ["extension"])
    how = 'Load it: chrome://extensions, "Developer mode", "Load unpacked", this folder.\n'
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{extension_folder()}\n", how)
    manifest = json.loads((extension_folder() / "manifest.json").read_text())
    assert manifest["manifest_version"] == 3


def test_an_installation_without_the_folder_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("collector.extension.__file__", str(tmp_path / "collector" / "extension.py"))
    done = CliRunner().invoke(cli, ["extension"])
    message = f"there is no browser extension in {tmp_path / 'extension'}; install gasoline-otel again, from a wheel"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {message}\n")


def test_what_is_packed_is_what_a_browser_needs(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "packed.zip"
    pack_extension(folder, target)
    with zipfile.ZipFile(target) as packed:
        assert {name: packed.read(name).decode() for name in packed.namelist()} == {
            name: name for name in ("manifest.json", "page.js", "popup/popup.html")
        }


def test_the_same_files_give_the_same_bytes_and_replace_an_older_pack(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    second.write_text("older")
    pack_extension(folder, first)
    (folder / "page.js").touch()
    pack_extension(folder, second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extension", "first.zip", "second.zip"]


def test_the_command_packs_this_installation(tmp_path: Path) -> None:
    target = tmp_path / "gasoline.zip"
    done = CliRunner().invoke(cli, ["extension", "--zip", str(target)])
    assert (done.exit_code, done.stdout) == (0, f"{target}\n")
    with zipfile.ZipFile(target) as packed:
        assert packed.namelist() == [path.as_posix() for path in extension_files(extension_folder())]


def test_a_pack_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "gasoline.zip"
    done = CliRunner().invoke(cli, ["extension", "--zip", str(target)])
    message = f"Error: --zip {target}: cannot be written: No such file or directory\n"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", message)


def test_everything_that_the_extension_names_is_packed() -> None:
    folder = extension_folder()
    packed = {path.as_posix() for path in extension_files(folder)}
    named = {reference for path in sorted(packed) for reference in references(folder, path)}
    assert {"popup/popup.js", "service-worker.js", "ui/look.css", "icons/icon-128.png"} <= named
    assert named - packed == set()
    assert {path for path in packed if path.endswith(".json")} == {"manifest.json"}
    assert {Path(path).suffix for path in packed} == {".css", ".html", ".js", ".json", ".png", ".svg"}


def references(folder: Path, path: str) -> Iterator[str]:
    """Yield the files that a file of the extension names, relative to its folder."""
    text = (folder / path).read_text() if not path.endswith(".png") else ""
    if path == "manifest.json":
        yield from (value for value in _TEXT.findall(text) if (folder / value).is_file())
        return
    relative = {".html": _HTML_REFERENCE, ".css": _CSS_REFERENCE, ".js": _IMPORT}.get(Path(path).suffix)
    for name in relative.findall(text) if relative else ():
        yield (folder / path).parent.joinpath(name).resolve().relative_to(folder).as_posix()
    if path.endswith(".js"):
        yield from (name for name in _NAMED_PATH.findall(text) if (folder / name).is_file())
