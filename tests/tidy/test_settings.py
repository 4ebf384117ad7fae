"""docs/configuration.md has every setting with its default, every flag and every metric, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from collector.cli import cli
from collector.components import KNOWN_COMPONENTS
from collector.config.model import ServiceSettings

_SETTING_ROW = re.compile(r"^\| `([a-z]\w+\.[\w.]+)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
_FLAG_ROW = re.compile(r"^\| `(--[a-z-]+)", re.MULTILINE)
_METRIC_ROW = re.compile(r"^\| `(otelcol_\w+)` \|", re.MULTILINE)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the settings models that a field's annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def settings_of(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the key path and the default of each leaf of a settings model, as the table shows them."""
    for name, field in model.model_fields.items():
        path = f"{prefix}.{field.alias or name}"
        nested = models_in(field.annotation)
        for inner in nested:
            yield from settings_of(path, inner)
        if not nested:
            yield path, shown(field.get_default(call_default_factory=True))


def shown(default: object) -> str:
    """Return a default as YAML would have it."""
    if default is PydanticUndefined:
        return "required"
    return f"`{default}`".replace("'", "").replace("(", "[").replace(")", "]")


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "docs" / "configuration.md").read_text()


def test_every_setting_is_documented_with_its_default(document: str) -> None:
    in_code = dict(settings_of("service", ServiceSettings))
    for kind in ("receivers", "processors", "exporters", "extensions"):
        for name, model in getattr(KNOWN_COMPONENTS, kind).items():
            in_code |= dict(settings_of(f"{kind}.{name}", model))
    assert dict(_SETTING_ROW.findall(document)) == in_code


def test_every_flag_is_documented(document: str) -> None:
    flags = {
        option
        for command in cli.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert set(_FLAG_ROW.findall(document)) == flags


def test_every_metric_is_documented(document: str, sources: dict[str, ast.Module]) -> None:
    in_code = {
        node.value
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"otelcol_\w+", node.value)
    }
    assert set(_METRIC_ROW.findall(document)) == in_code
