"""The scripts that set a machine up for extension and page: what they install, and what they say if they cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest

SHELL = shutil.which("sh") or "sh"
TOOLS = ("cat", "cmp", "mkdir", "mv", "rm")


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A PATH of its own: a few real tools, and what a test adds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def add(commands: Path, name: str, script: str) -> None:
    path = commands / name
    path.write_text(f"#!{SHELL}\n{script}\n")
    path.chmod(0o755)


def run(script: Path, commands: Path, *arguments: str, cwd: Path, ci: bool = False) -> tuple[int, str, str]:
    done = subprocess.run(
        [SHELL, str(script), *arguments],
        env={"PATH": str(commands)} | ({"CI": "true"} if ci else {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


INSTALL = "; install Chromium (command chromium or chromium-browser) and run again.\n"


@pytest.mark.parametrize("name", ["chromium", "chromium-browser"])
def test_a_chromium_that_is_there_is_taken(root: Path, commands: Path, name: str) -> None:
    add(commands, name, "exit 0")
    assert run(root / ".ci" / "chromium", commands, cwd=root) == (0, "", "")


def test_where_chromium_cannot_be_installed_it_is_said(root: Path, commands: Path) -> None:
    script = root / ".ci" / "chromium"
    no_debian = "no Chromium is here, and this is no Debian on which to install it"
    assert run(script, commands, cwd=root) == (1, "", f".ci/chromium: {no_debian}{INSTALL}")
    add(commands, "apt-get", "exit 100")
    add(commands, "id", "echo 1000")
    no_root = "no Chromium is here, and only root may install it"
    assert run(script, commands, cwd=root) == (1, "", f".ci/chromium: {no_root}{INSTALL}")


def test_on_debian_root_installs_chromium_within_a_time_limit(root: Path, commands: Path, tmp_path: Path) -> None:
    script, log = root / ".ci" / "chromium", tmp_path / "log"
    add(commands, "id", "echo 0")
    add(commands, "timeout", f'echo "$@" >>{log}; shift; exec "$@"')
    add(commands, "apt-get", "exit 100")
    assert run(script, commands, cwd=root) == (
        1,
        "Installing Chromium\n",
        f".ci/chromium: apt-get update failed{INSTALL}",
    )
    add(commands, "downloaded", "echo Chromium 156")
    add(commands, "apt-get", f'[ "$1" = update ] || mv {commands}/downloaded {commands}/chromium')
    assert run(script, commands, cwd=root) == (0, "Installing Chromium\nChromium 156\n", "")
    assert log.read_text().splitlines() == [
        "120 apt-get update -qq",
        "120 apt-get update -qq",
        "600 apt-get install -y -qq --no-install-recommends chromium",
    ]


@pytest.mark.parametrize("folder", ["extension", "web"])
@pytest.mark.parametrize("ci", [False, True])
def test_without_node_one_line_says_so_and_ci_fails(
    root: Path, commands: Path, tmp_path: Path, ci: bool, folder: str
) -> None:
    line = f"{folder}/ is neither checked nor tested: no Node is here; install Node 20.19 or newer, with npm.\n"
    script = root / "scripts" / "npm.sh"
    assert run(script, commands, folder, "run", "check", cwd=tmp_path, ci=ci) == (int(ci), "", line)


def test_packages_are_installed_when_the_lock_file_or_node_changed(root: Path, commands: Path, tmp_path: Path) -> None:
    checkout, log = tmp_path / "checkout", tmp_path / "log"
    for folder in ("extension", "web"):
        (checkout / folder).mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            (checkout / folder / name).write_text("{}")
    add(commands, "node", "echo v24")
    add(commands, "npm", f'echo "${{PWD##*/}} $1" >>{log}; [ "$1" != ci ] || mkdir -p node_modules')

    def npm(*arguments: str, folder: str = "extension") -> list[str]:
        log.write_text("")
        code, _, error = run(root / "scripts" / "npm.sh", commands, folder, *arguments, cwd=checkout)
        assert (code, error) == (0, "")
        return log.read_text().splitlines()

    assert npm("run", "check") == ["extension ci", "extension run"]
    assert npm("run", "check") == ["extension run"]
    assert npm() == []
    assert npm("run", "check", folder="web") == ["web ci", "web run"]
    (checkout / "extension" / "package-lock.json").write_text('{"changed": true}')
    assert npm() == ["extension ci"]
    assert npm(folder="web") == []
    add(commands, "node", "echo v26")
    assert npm() == ["extension ci"]
    assert npm() == []
