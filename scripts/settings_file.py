"""Writes otel-config/collector.yaml: every setting with its default and what docs/configuration.md says of it.

make settings
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from collector.components import KNOWN_COMPONENTS
from collector.config.loader import read_config
from collector.config.model import ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("otel-config", "collector.yaml")
LINE_CHARACTERS_MAX = 120
HEADER = """\
# Every setting of Gasoline with its default; `gasoline serve --config FILE` takes a file of this shape. Written by
# `make settings` from the code and from docs/configuration.md. Without a file the same receivers, processors, store
# and pipelines run; the other exporters are examples that no pipeline uses. Leave out what is as you want it.
"""
EXAMPLES: Mapping[str, object] = MappingProxyType(
    {
        "exporters.otlp.endpoint": "otel.example:4317",
        "exporters.otlphttp.endpoint": "https://otel.example:4318",
        "exporters.file.path": "/var/lib/gasoline/telemetry.jsonl",
    }
)
SECTIONS = ("receivers", "processors", "exporters", "extensions")
_ROW = re.compile(r"^\| `([a-z]\w+\.[\w.]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the settings models that a field's annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def leaves(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """Yield the key path and the default of each setting; of a required one PydanticUndefined."""
    for name, field in model.model_fields.items():
        path = f"{prefix}.{field.alias or name}"
        nested = models_in(field.annotation)
        for inner in nested:
            yield from leaves(path, inner)
        if not nested:
            default = field.get_default(call_default_factory=True)
            yield path, default if default is PydanticUndefined else to_jsonable_python(default)


def all_settings() -> dict[str, object]:
    """Return every setting there is with its default, by key path."""
    found: dict[str, object] = {}
    for section in SECTIONS:
        for kind, model in getattr(KNOWN_COMPONENTS, section).items():
            found |= leaves(f"{section}.{kind}", model)
    return found | dict(leaves("service", ServiceSettings))


def settings_file(root: Path) -> str:
    """Return the text of the file. Raises LookupError for a required setting without an example in EXAMPLES."""
    meanings = {
        path: _LINK.sub(r"\1", text) for path, text in _ROW.findall((root / "docs/configuration.md").read_text())
    }
    default = cast("dict[str, dict[str, object]]", yaml.safe_load(read_config(None)[0]))["service"]
    lines: list[str] = []
    above: tuple[str, ...] = ()
    for path, value in _components_and_service(default):
        keys = tuple(path.split("."))
        shared = next((at for at, (a, b) in enumerate(zip(above, keys, strict=False)) if a != b), len(above))
        if shared == 0:
            lines.append("")
        lines += [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys[shared:-1], start=shared)]
        above = keys[:-1]
        indent = "  " * len(above)
        lines += _comment(meanings.pop(_documented(path), ""), indent)
        lines.append(f"{indent}{keys[-1]}: {_shown(value)}")
    return HEADER + "\n".join(lines) + "\n"


def _documented(path: str) -> str:
    """Return the path under which a setting is documented: pipelines are told of once, not for each signal."""
    return re.sub(r"^service\.pipelines\.[^.]+", "service.pipelines", path)


def _components_and_service(default: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield every line to write: what the built-in default runs, else each setting's own default."""
    for path, value in all_settings().items():
        if path.startswith("service.pipelines."):
            continue
        if path == "service.extensions":
            yield path, default["extensions"]
        elif value is PydanticUndefined:
            if path not in EXAMPLES:
                raise LookupError(f"{path} is required: give an example of it in EXAMPLES of scripts/settings_file.py")
            yield path, EXAMPLES[path]
        else:
            yield path, value
    pipelines = cast("dict[str, dict[str, object]]", default["pipelines"])
    for signal, pipeline in pipelines.items():
        for section, ids in pipeline.items():
            yield f"service.pipelines.{signal}.{section}", ids


def _comment(text: str, indent: str) -> list[str]:
    prefix = f"{indent}# "
    return textwrap.wrap(
        text.strip(),
        LINE_CHARACTERS_MAX,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


def main() -> None:
    """Write the file."""
    (ROOT / FILE).write_text(settings_file(ROOT))


if __name__ == "__main__":
    main()
