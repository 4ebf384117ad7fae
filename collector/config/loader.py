"""From the text of a configuration file to a CollectorConfig, or to an error that names the key path."""

import difflib
import types
import typing
from collections.abc import Hashable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from collector.config.environment import expand_environment
from collector.config.model import (
    PIPELINE_SIGNALS,
    CollectorConfig,
    ComponentId,
    KnownComponents,
    PipelineSettings,
    ServiceSettings,
)
from collector.errors import ConfigError

CONFIG_BYTES_MAX = 1024 * 1024
_SECTIONS = ("receivers", "processors", "exporters", "extensions")
_Model = TypeVar("_Model", bound=BaseModel)


def read_config(path: Path | None) -> tuple[str, str]:
    """Return the text of a configuration and the name that errors give it; None is the built-in default.

    Raises ConfigError if the file cannot be read or is larger than CONFIG_BYTES_MAX.
    """
    if path is None:
        return resources.files("collector.config").joinpath("defaults.yaml").read_text("utf-8"), "the default"
    try:
        with path.open("rb") as file:
            raw = file.read(CONFIG_BYTES_MAX + 1)
        if len(raw) > CONFIG_BYTES_MAX:
            raise ConfigError(f"{path}: a configuration has at most {CONFIG_BYTES_MAX} bytes; is it the right file?")
        return raw.decode(), str(path)
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the configuration is not text in UTF-8 ({error.reason})") from error


def load_config(
    text: str,
    known: KnownComponents,
    *,
    source: str,
    environ: Mapping[str, str],
    overrides: Mapping[tuple[str, ...], object] | None = None,
) -> CollectorConfig:
    """Parse, expand and validate a configuration.

    `overrides` replaces values by key path, as flags do; where the path names a component, it must be configured.
    Raises ConfigError that names `source`, the key path, and the nearest valid key.
    """
    try:
        tree = _mapping(expand_environment(_parse_yaml(text), environ), "the configuration")
        _refuse_unknown(tree, (*_SECTIONS, "service"), "")
        for path, value in (overrides or {}).items():
            _override(tree, path, value)
        sections = {
            section: _components(section, _mapping(tree.get(section), section), getattr(known, section))
            for section in _SECTIONS
        }
        service = _validated(ServiceSettings, tree.get("service"), "service")
        _check_references(service, sections)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    return CollectorConfig(**sections, service=service)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key occurs once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen:
                raise ConfigError(f"line {key_node.start_mark.line + 1}: the key {key} is there twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _parse_yaml(text: str) -> object:
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 -- a SafeLoader, with one check more
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{where}this is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"this is not YAML: {error}") from error


def _mapping(value: object, path: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path} has to be a mapping (key: value), not {type(value).__name__}")
    return {str(key): item for key, item in cast("dict[object, object]", value).items()}


def _override(tree: dict[str, object], path: Sequence[str], value: object) -> None:
    section, component = path[0], path[1]
    if section in _SECTIONS and component not in _mapping(tree.get(section), section):
        raise ConfigError(f"a flag sets {'.'.join(path)}, but {section}.{component} is not configured; add it")
    node = tree
    for key in path[:-1]:
        child = _mapping(node.get(key), key)
        node[key] = child
        node = child
    node[path[-1]] = value


def _components(
    section: str, configured: Mapping[str, object], known: Mapping[str, type[BaseModel]]
) -> dict[ComponentId, BaseModel]:
    found: dict[ComponentId, BaseModel] = {}
    for text, value in configured.items():
        component_id = ComponentId.parse(text)
        model = known.get(component_id.type)
        if model is None:
            kind = section.removesuffix("s")
            raise ConfigError(
                f"{section}.{text}: there is no {kind} of type {component_id.type}{_nearest(component_id.type, known)}"
            )
        found[component_id] = _validated(model, value, f"{section}.{text}")
    return found


def _check_references(service: ServiceSettings, sections: Mapping[str, Mapping[ComponentId, BaseModel]]) -> None:
    for name, pipeline in service.pipelines.items():
        signal = ComponentId.parse(name).type
        if signal not in PIPELINE_SIGNALS:
            raise ConfigError(
                f"service.pipelines.{name}: there is no signal {signal}{_nearest(signal, PIPELINE_SIGNALS)}"
            )
        for section in PipelineSettings.model_fields:
            _check_ids(f"service.pipelines.{name}.{section}", getattr(pipeline, section), section, sections[section])
    _check_ids("service.extensions", service.extensions, "extensions", sections["extensions"])


def _check_ids(path: str, ids: Iterable[str], section: str, configured: Mapping[ComponentId, BaseModel]) -> None:
    for text in ids:
        if ComponentId.parse(text) not in configured:
            names = [str(component_id) for component_id in configured]
            raise ConfigError(f"{path}: {text} is not configured under {section}{_nearest(text, names)}")


def _validated(model: type[_Model], value: object, path: str) -> _Model:
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        # A misspelt key also makes the right one missing; the misspelling is what helps.
        error = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        location = [str(part) for part in error["loc"]]
        where = ".".join([path, *location])
        if error["type"] == "extra_forbidden":
            names = _keys_at(model, location[:-1])
            raise ConfigError(f"{where} is not a known key{_nearest(location[-1], names)}") from invalid
        message = error["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}: {message}") from invalid


def _refuse_unknown(tree: Mapping[str, object], names: Sequence[str], path: str) -> None:
    for key in tree:
        if key not in names:
            raise ConfigError(f"{path}{key} is not a known key{_nearest(key, names)}")


def _nearest(text: str, names: Iterable[str]) -> str:
    names = sorted(names)
    if not names:
        return "; none is known here"
    close = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    question = f"; did you mean {close[0]}?" if close else ";"
    return f"{question} known here: {', '.join(names)}"


def _keys_at(model: type[BaseModel], location: Sequence[str]) -> list[str]:
    """Return the keys that the model nested at `location` takes; mapping keys and list indexes are passed by."""
    current: type[BaseModel] | None = model
    for part in location:
        if current is None:
            break
        field = current.model_fields.get(part)
        if field is not None:
            current = _model_in(field.annotation)
    return [field.alias or name for name, field in current.model_fields.items()] if current else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the first settings model inside a type: in `X | None`, `dict[str, X]`, `tuple[X, ...]`, `Annotated`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for argument in typing.get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
