"""`${env:NAME}` and `${env:NAME:-default}` inside a configuration; `$$` is a plain dollar sign.

https://opentelemetry.io/docs/collector/configuration/#environment-variables
"""

import re
from collections.abc import Mapping
from typing import Final

import yaml

from collector.config.document import Problem

_REFERENCE: Final = re.compile(r"\$\$|\$\{env:(?P<name>[^}:]*)(?P<default>:-[^}]*)?\}")


class _Integer(int):
    """A number, and the text that it was read from."""

    text: str


class _Float(float):
    """The same."""

    text: str


def text_of(value: object) -> object:
    """Return the text of a number that an environment variable holds, as it stands there; else the value itself.

    For settings that are text: a key of digits is none of the numbers that it can be read as.
    """
    return value.text if isinstance(value, _Integer | _Float) else value


def expand_environment(
    value: object, environ: Mapping[str, str], problems: list[Problem], path: tuple[str, ...] = ()
) -> object:
    """Return `value` with the references in all its texts replaced; keys stay as they are.

    A text that is one reference and nothing else takes the type that its value has in YAML, so that
    `${env:SIZE}` can be a number. Each variable that is not set becomes one of `problems`, and is empty text here.
    """
    if isinstance(value, dict):
        return {key: expand_environment(item, environ, problems, (*path, str(key))) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- any YAML
    if isinstance(value, list):
        return [expand_environment(item, environ, problems, (*path, str(index))) for index, item in enumerate(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- any YAML
    if not isinstance(value, str) or "$" not in value:
        return value
    problems_before = len(problems)
    expanded = _REFERENCE.sub(lambda match: _replacement(match, environ, problems, path), value)
    is_whole = _REFERENCE.fullmatch(value) and value != "$$"
    return _typed(expanded) if is_whole and len(problems) == problems_before else expanded


def _replacement(
    match: re.Match[str], environ: Mapping[str, str], problems: list[Problem], path: tuple[str, ...]
) -> str:
    if match.group() == "$$":
        return "$"
    name, default = match["name"], match["default"]
    if name in environ:
        return environ[name]
    if default is not None:
        return default.removeprefix(":-")
    problems.append(
        Problem(
            path,
            f"{'.'.join(path)}: the environment variable {name or '(no name)'} is not set; "
            f"set it, or write ${{env:{name or 'NAME'}:-default}}",
        )
    )
    return ""


def _typed(text: str) -> object:
    """Read a text as YAML would read it as a plain scalar; whatever is no scalar stays text."""
    try:
        value: object = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _Integer(value) if isinstance(value, int) else _Float(value)
        number.text = text
        return number
    return value if value is None or isinstance(value, str | bool) else text
