"""From the text of a configuration file to a CollectorConfig, or to errors that name their key paths."""

import contextlib
import difflib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from collector.config.document import Document, Problem, read_document
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
_EXTENSIONS = TypeAdapter(tuple[str, ...])
_Model = TypeVar("_Model", bound=BaseModel)


class Checked(NamedTuple):
    """What came of reading a configuration: it, or None and everything that is wrong with it.

    `sound` is what is left without the components and pipelines that have problems of their own, to look for more in;
    None where a whole section cannot be told. `document` tells lines; None for what is no YAML.
    """

    config: CollectorConfig | None
    problems: list[Problem]
    sound: CollectorConfig | None
    document: Document | None


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
    """Parse, expand and validate a configuration, as `check_config` does.

    Raises ConfigError that names `source` and the first problem: the key path, and the nearest valid key.
    """
    checked = check_config(text, known, environ=environ, overrides=overrides)
    if checked.config is None:
        raise ConfigError(f"{source}: {checked.problems[0].text}")
    return checked.config


def check_config(
    text: str,
    known: KnownComponents,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[tuple[str, ...], object] | None = None,
) -> Checked:
    """Return the configuration that a text holds, or all that is wrong with it, each problem with its line.

    What only follows from a problem that is told already is left out.
    `overrides` replaces values by key path, as flags do; where the path names a component, it must be configured.
    """
    document, problems = read_document(text)
    if document is None:
        return Checked(None, problems, None, None)
    # Of a section that is there twice it is not known which one counts, and all others refer to it.
    is_readable = all(len(repeated.path) > 1 for repeated in problems)
    expanded = expand_environment(document.value, environ, problems)
    found: list[Problem] = []
    sound = _read(expanded, known, overrides or {}, found) if is_readable else None
    problems += [each for each in found if not any(_is_about(each, unread) for unread in problems)]
    located = [each if each.line else each._replace(line=document.line_of(each.path)) for each in problems]
    return Checked(None if located else sound, located, sound, document)


def _is_about(problem: Problem, unread: Problem) -> bool:
    """Tell whether a problem is about what could not be read, or about what is around or in it."""
    return all(one == other for one, other in zip(problem.path, unread.path, strict=False))


def _read(
    expanded: object,
    known: KnownComponents,
    overrides: Mapping[tuple[str, ...], object],
    problems: list[Problem],
) -> CollectorConfig:
    tree = _mapping(expanded, (), problems)
    _refuse_unknown(tree, (*_SECTIONS, "service"), problems)
    for path, value in overrides.items():
        _override(tree, path, value, problems)
    configured = {section: _mapping(tree.get(section), (section,), problems) for section in _SECTIONS}
    sections = {
        section: _components(section, components, getattr(known, section), problems)
        for section, components in configured.items()
    }
    service = _validated(ServiceSettings, tree.get("service"), ("service",), problems)
    service = service or _readable_service(tree.get("service"))
    ids = {section: list(map(ComponentId.parse, components)) for section, components in configured.items()}
    _check_references(service, ids, problems)
    return CollectorConfig(**sections, service=service)


def _readable_service(value: object) -> ServiceSettings:
    """Return what can be read of a section that is not valid as a whole, so that the rest of it is checked, too."""
    pipelines: dict[str, PipelineSettings] = {}
    given = _mapping(value, (), [])
    for name, pipeline in _mapping(given.get("pipelines"), (), []).items():
        with contextlib.suppress(ValidationError):
            pipelines[name] = PipelineSettings.model_validate(pipeline)
    extensions: tuple[str, ...] = ()
    with contextlib.suppress(ValidationError):
        extensions = _EXTENSIONS.validate_python(given.get("extensions", ()))
    return ServiceSettings.model_construct(pipelines=pipelines, extensions=extensions)


def _mapping(value: object, path: tuple[str, ...], problems: list[Problem]) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        what = ".".join(path) or "the configuration"
        problems.append(Problem(path, f"{what} has to be a mapping (key: value), not {type(value).__name__}"))
        return {}
    return {str(key): item for key, item in cast("dict[object, object]", value).items()}


def _override(tree: dict[str, object], path: Sequence[str], value: object, problems: list[Problem]) -> None:
    section, component = path[0], path[1]
    if section in _SECTIONS and component not in _mapping(tree.get(section), (section,), []):
        text = f"a flag sets {'.'.join(path)}, but {section}.{component} is not configured; add it"
        problems.append(Problem((section,), text))
        return
    node = tree
    for key in path[:-1]:
        child = _mapping(node.get(key), (key,), problems)
        node[key] = child
        node = child
    node[path[-1]] = value


def _components(
    section: str, configured: Mapping[str, object], known: Mapping[str, type[BaseModel]], problems: list[Problem]
) -> dict[ComponentId, BaseModel]:
    found: dict[ComponentId, BaseModel] = {}
    for text, value in configured.items():
        component_id = ComponentId.parse(text)
        model = known.get(component_id.type)
        if model is None:
            message = f"there is no {section.removesuffix('s')} of type {component_id.type}"
            problems.append(
                Problem((section, text), f"{section}.{text}: {message}{_nearest(component_id.type, known)}")
            )
            continue
        settings = _validated(model, value, (section, text), problems)
        if settings is not None:
            found[component_id] = settings
    return found


def _check_references(
    service: ServiceSettings, configured: Mapping[str, Sequence[ComponentId]], problems: list[Problem]
) -> None:
    for name, pipeline in service.pipelines.items():
        signal = ComponentId.parse(name).type
        path = ("service", "pipelines", name)
        if signal not in PIPELINE_SIGNALS:
            message = f"{'.'.join(path)}: there is no signal {signal}{_nearest(signal, PIPELINE_SIGNALS)}"
            problems.append(Problem(path, message))
        for section in PipelineSettings.model_fields:
            _check_ids((*path, section), getattr(pipeline, section), section, configured[section], problems)
    _check_ids(("service", "extensions"), service.extensions, "extensions", configured["extensions"], problems)


def _check_ids(
    path: tuple[str, ...],
    ids: Iterable[str],
    section: str,
    configured: Sequence[ComponentId],
    problems: list[Problem],
) -> None:
    for index, text in enumerate(ids):
        if ComponentId.parse(text) not in configured:
            nearest = _nearest(text, map(str, configured))
            message = f"{'.'.join(path)}: {text} is not configured under {section}{nearest}"
            problems.append(Problem((*path, str(index)), message))


def _validated(model: type[_Model], value: object, path: tuple[str, ...], problems: list[Problem]) -> _Model | None:
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
    misspelt = {error["loc"][:-1] for error in errors if error["type"] == "extra_forbidden"}
    # What helps comes first; a misspelt key also makes the right one missing, which is no second problem.
    for error in sorted(errors, key=lambda each: each["type"] != "extra_forbidden"):
        if error["type"] == "missing" and error["loc"][:-1] in misspelt:
            continue
        location = [str(part) for part in error["loc"]]
        where = ".".join([*path, *location])
        if error["type"] == "extra_forbidden":
            message = f"{where} is not a known key{_nearest(location[-1], _keys_at(model, location[:-1]))}"
        else:
            message = f"{where}: {error['msg'].removeprefix('Value error, ')}"
        problems.append(Problem((*path, *location), message))
    return None


def _refuse_unknown(tree: Mapping[str, object], names: Sequence[str], problems: list[Problem]) -> None:
    problems += [Problem((key,), f"{key} is not a known key{_nearest(key, names)}") for key in tree if key not in names]


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
