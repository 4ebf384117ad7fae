"""The files of otel-config/sdk: each reads the same in a shell and in Docker, and points at the collector."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

LANGUAGES = ("dotnet", "go", "java", "node", "python", "rust")


@pytest.fixture
def sdk(root: Path) -> Path:
    return root / "otel-config" / "sdk"


def test_there_is_one_for_each_language_and_the_guide_names_each_file(root: Path, sdk: Path) -> None:
    assert sorted(path.stem for path in sdk.glob("*.env")) == sorted(LANGUAGES)
    guide = (root / "docs" / "sdks.md").read_text()
    assert [path.name for path in sdk.iterdir() if f"(../otel-config/sdk/{path.name})" not in guide] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shell_reads_what_docker_reads(sdk: Path, language: str) -> None:
    path = sdk / f"{language}.env"
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    shell = subprocess.run(
        ["sh", "-c", 'set -a; . "$0"; env', str(path)], capture_output=True, text=True, check=True, env={}
    )
    assert sorted(lines) == sorted(line for line in shell.stdout.splitlines() if not line.startswith(("PWD=", "_=")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_points_at_the_port_of_its_protocol(sdk: Path, language: str) -> None:
    found = dict(line.split("=", 1) for line in (sdk / f"{language}.env").read_text().splitlines() if "=" in line)
    is_http = found.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").startswith("http/")
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{4318 if is_http else 4317}"


def test_both_backends_get_the_same_signals(sdk: Path) -> None:
    configuration: dict[str, Any] = yaml.safe_load((sdk / "beside.yaml").read_text())
    endpoints = {
        name: [
            processor["batch"]["exporter"]["otlp_http"]["endpoint"] for processor in configuration[name]["processors"]
        ]
        for name in ("tracer_provider", "logger_provider")
    }
    assert endpoints == {
        f"{name}_provider": [
            f"${{OTEL_EXPORTER_OTLP_ENDPOINT}}/v1/{signal}",
            f"${{GASOLINE_ENDPOINT:-http://127.0.0.1:4318}}/v1/{signal}",
        ]
        for name, signal in (("tracer", "traces"), ("logger", "logs"))
    }
