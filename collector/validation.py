"""`gasoline validate`: what `serve` would run with a configuration, or everything that is wrong with it.

It opens no port and no store, and connects to nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.components import KNOWN_COMPONENTS, composition_errors, listening_endpoints
from collector.config.document import Document, Problem
from collector.config.loader import check_config, read_config
from collector.config.model import CollectorConfig, ComponentId, PipelineSettings
from collector.errors import ConfigError
from collector.receivers.otlp.endpoint import check_exposure


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of checking `source`: the configuration if it can run, else all problems, by line."""

    source: str
    config: CollectorConfig | None
    problems: list[Problem]

    def text(self) -> str:
        """Return it for people: `valid` and what would run, or one problem a line."""
        if self.config is None:
            lines = [f"{self.source}:{each.line or 1}: {each.text}" for each in self.problems]
            count = len(lines)
            return "\n".join([*lines, f"invalid: {count} {'error' if count == 1 else 'errors'} in {self.source}"])
        return "\n".join([f"valid: {self.source}", *_runs(self.config)])

    def as_json(self) -> dict[str, Any]:
        """Return it for programs: `{source, valid, errors: [{path, line, message}], runs}`; line 0 is unknown."""
        errors = [{"path": ".".join(each.path), "line": each.line, "message": each.text} for each in self.problems]
        runs = _runs(self.config) if self.config else []
        return {"source": self.source, "valid": self.config is not None, "errors": errors, "runs": runs}


def check_file(path: Path | None, environ: Mapping[str, str], token: str | None) -> Validation:
    """Check a file, None for the built-in default. Raises ConfigError if it cannot be read."""
    text, source = read_config(path)
    checked = check_config(text, KNOWN_COMPONENTS, environ=environ)
    problems = list(checked.problems)
    if checked.sound and checked.document:
        more = [*composition_errors(checked.sound), *_exposed(checked.sound, token)]
        located = [_located(error, checked.document) for error in more]
        problems += [each for each in located if not any(_is_in(told.path, each.path) for told in checked.problems)]
    problems.sort(key=lambda each: each.line)
    return Validation(source, None if problems else checked.config, problems)


def _is_in(path: Sequence[str], outer: Sequence[str]) -> bool:
    return tuple(path[: len(outer)]) == tuple(outer)


def _exposed(config: CollectorConfig, token: str | None) -> list[ConfigError]:
    errors: list[ConfigError] = []
    for path, endpoint in listening_endpoints(config).items():
        try:
            check_exposure(".".join(path[:-1]), endpoint, token)
        except ConfigError as error:
            errors.append(error)
    return errors


def _located(error: ConfigError, document: Document) -> Problem:
    """Find the line of an error whose text begins with its key path."""
    path = tuple(str(error).partition(": ")[0].split("."))
    return Problem(path, str(error), document.line_of(path))


def _runs(config: CollectorConfig) -> list[str]:
    service = config.service
    used: dict[str, set[ComponentId]] = {"extensions": set(map(ComponentId.parse, service.extensions))}
    lines = [
        f"  listens on {endpoint} ({'.'.join(path[:-1])})" for path, endpoint in listening_endpoints(config).items()
    ]
    for name, pipeline in service.pipelines.items():
        steps = [", ".join(pipeline.receivers), *pipeline.processors, ", ".join(pipeline.exporters)]
        lines.append(f"  {name}: {' → '.join(steps)}")
        for section in PipelineSettings.model_fields:
            used.setdefault(section, set()).update(map(ComponentId.parse, getattr(pipeline, section)))
    unused = [
        f"{section}.{component_id}"
        for section, ids in used.items()
        for component_id in getattr(config, section)
        if component_id not in ids
    ]
    return [*lines, f"  configured, but not used: {', '.join(sorted(unused))}"] if unused else lines
