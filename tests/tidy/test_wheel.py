"""The wheel holds the three packages whole: built, installed away from the checkout, and run."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("collector", "exporters", "mcp_server")


def run(*command: str | Path, cwd: Path) -> str:
    finished = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=root)
    (path,) = folder.glob("gasoline_otel-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; dependencies are those of this one, the checkout is not on its path."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=environment)
    site_packages = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=environment).strip()
    )
    # A folder named in a .pth file is searched, but .pth files in it (the editable install) are not read.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path, tracked: list[str]) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {path for path in tracked if path.startswith(tuple(f"{package}/" for package in PACKAGES))}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_imported_from_the_wheel(installed: Path, package: str) -> None:
    found = run(installed / "bin" / "python", "-c", f"import {package}; print({package}.__file__)", cwd=installed)
    assert Path(found.strip()).is_relative_to(installed)


@pytest.mark.parametrize("script", ["gasoline", "gasoline-otel"])
def test_the_console_scripts_run(installed: Path, script: str) -> None:
    assert run(installed / "bin" / script, "--help", cwd=installed).startswith("Usage: ")
