"""The wheel holds the three packages and the browser extension whole: built, installed away from the checkout, run."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.extension import extension_files, pack_extension

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


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    wheel: Path, tracked: list[str], root: Path
) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    # Beside its source, each kernel as it was compiled for this machine.
    compiled = {name for name in held if name.endswith(sysconfig.get_config_var("EXT_SUFFIX"))}
    assert {f"{name.split('.')[0]}.pyx" for name in compiled} == {name for name in held if name.endswith(".pyx")}
    packages = {path for path in tracked if path.startswith(tuple(f"{package}/" for package in PACKAGES))}
    extension = {f"extension/{path.as_posix()}" for path in extension_files(root / "extension")}
    assert held - compiled == packages | extension


def test_the_browser_extension_is_found_beside_the_packages_and_packed(
    installed: Path, root: Path, tmp_path: Path
) -> None:
    script, from_wheel, from_checkout = (
        installed / "bin" / "gasoline",
        tmp_path / "wheel.zip",
        tmp_path / "checkout.zip",
    )
    folder = Path(run(script, "extension", cwd=installed).strip())
    assert folder.is_relative_to(installed)
    assert extension_files(folder) == extension_files(root / "extension")
    run(script, "extension", "--zip", from_wheel, cwd=installed)
    pack_extension(root / "extension", from_checkout)
    assert from_wheel.read_bytes() == from_checkout.read_bytes()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_imported_from_the_wheel(installed: Path, package: str) -> None:
    found = run(installed / "bin" / "python", "-c", f"import {package}; print({package}.__file__)", cwd=installed)
    assert Path(found.strip()).is_relative_to(installed)


@pytest.mark.parametrize("script", ["gasoline", "gasoline-otel"])
def test_the_console_scripts_run(installed: Path, script: str) -> None:
    assert run(installed / "bin" / script, "--help", cwd=installed).startswith("Usage: ")


def test_what_is_installed_takes_a_span_and_tells_it(installed: Path, tmp_path: Path) -> None:
    """The files beside the code (defaults, instructions) are needed for it."""
    script, data_dir = installed / "bin" / "gasoline", tmp_path / "data"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GASOLINE_")}
    environment |= {f"GASOLINE_{port}_ENDPOINT": "127.0.0.1:0" for port in ("GRPC", "HTTP", "QUERY")}
    process = subprocess.Popen(
        [script, "serve", "--data-dir", data_dir], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert any(line.startswith("ready ") for line in process.stderr)
        export_span(json.loads((data_dir / "endpoints.json").read_text())["grpc"], "session-one")
        assert "session-one" in run(script, "sessions", "--data-dir", data_dir, cwd=tmp_path)
        assert "stopped the collector" in run(script, "stop", "--data-dir", data_dir, cwd=tmp_path)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert process.returncode == 0


def export_span(endpoint: str, session_id: str) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes(range(16)), span_id=b"12345678")
    span.attributes.add(key="session.id").value.string_value = session_id
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    with grpc.insecure_channel(endpoint) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        assert export(request.SerializeToString(), timeout=60) == b""
