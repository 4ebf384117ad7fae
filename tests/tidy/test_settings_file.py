"""otel-config/collector.yaml has every setting with its default, as the code has it."""

import re
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel

from collector.components import KNOWN_COMPONENTS
from collector.config.loader import check_config, load_config, read_config
from collector.config.model import CollectorConfig, ComponentId, ServiceSettings

# Lines of `headers` to be put in force where a token is asked for.
COMMENTED_HEADERS = r"(?m)^( +)# (?= *(?:headers:|- name:|value:))"
SECTIONS = ("receivers", "processors", "exporters", "extensions")


@pytest.fixture(scope="module")
def script(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "scripts" / "settings_file.py"))


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "otel-config" / "collector.yaml").read_text()


@pytest.fixture(scope="module")
def config(text: str) -> CollectorConfig:
    checked = check_config(text, KNOWN_COMPONENTS, environ={})
    assert checked.problems == []
    assert checked.config is not None
    return checked.config


def leaves_of(tree: Mapping[str, Any], settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """The values of a tree by key path; a path that is a setting is one value, whatever it holds."""
    found: dict[str, object] = {}
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in settings:
            found |= leaves_of(cast("dict[str, Any]", value), settings, f"{path}.")
        else:
            found[path] = value
    return found


def test_the_file_is_fresh(script: dict[str, Any], root: Path, text: str) -> None:
    if text != script["settings_file"](root):
        pytest.fail("otel-config/collector.yaml is stale, run: make settings")


def test_every_setting_is_there_with_its_default(script: dict[str, Any], text: str) -> None:
    settings = {path: value for path, value in script["all_settings"]().items() if "pipelines" not in path}
    in_file = leaves_of(yaml.safe_load(text), settings)
    pipelines = {path for path in in_file if path.startswith("service.pipelines.")}
    defaults = settings | script["EXAMPLES"] | {"service.extensions": ["query"]}
    assert {path: value for path, value in in_file.items() if path not in pipelines} == defaults


def test_each_component_is_configured_as_if_nothing_had_been_set(
    script: dict[str, Any], config: CollectorConfig
) -> None:
    for section in SECTIONS:
        models: Mapping[str, type[BaseModel]] = getattr(KNOWN_COMPONENTS, section)
        configured: Mapping[ComponentId, BaseModel] = getattr(config, section)
        assert {component_id.type for component_id in configured} == set(models)
        for component_id, settings in configured.items():
            prefix = f"{section}.{component_id}."
            required: dict[str, object] = {
                path.removeprefix(prefix): value
                for path, value in script["EXAMPLES"].items()
                if path.startswith(prefix)
            }
            if section == "receivers":
                required = {"protocols": {"grpc": None, "http": None}}
            assert settings == models[component_id.type].model_validate(required)


def test_it_runs_what_runs_without_a_file(config: CollectorConfig) -> None:
    default_text, source = read_config(None)
    default = load_config(default_text, KNOWN_COMPONENTS, source=source, environ={})
    assert config.service == default.service
    assert config.service.in_flight == ServiceSettings.model_fields["in_flight"].default
    for section in SECTIONS:
        settings: Mapping[ComponentId, BaseModel] = getattr(default, section)
        assert settings.items() <= getattr(config, section).items()


@pytest.mark.parametrize("name", ["sdk/beside.yaml", "beside-otelcol.yaml"])
def test_beside_another_backend_the_token_goes_to_gasoline_alone(root: Path, name: str) -> None:
    text = (root / "otel-config" / name).read_text()
    document = yaml.safe_load(re.sub(COMMENTED_HEADERS, r"\1", text))
    holders = [each for each in mappings_in(document) if "GASOLINE_TOKEN" in str(each.get("headers", ""))]
    gasolines = [each for each in mappings_in(document) if "GASOLINE_ENDPOINT" in str(each.get("endpoint", ""))]
    assert holders == gasolines
    assert holders


def mappings_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping of a YAML document, at any depth."""
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        yield mapping
        for each in mapping.values():
            yield from mappings_in(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from mappings_in(each)
