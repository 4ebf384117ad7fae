"""What all commands share: how a flag is declared, and where the data folder is."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from collector.errors import ConfigError

TOKEN_VARIABLE = "GASOLINE_TOKEN"  # noqa: S105 -- the name of the variable, not a token

_Command = TypeVar("_Command", bound=Callable[..., Any])


def flag(name: str, *further: str, **settings: Any) -> Callable[[_Command], _Command]:
    """Declare the flag `name` (`--data-dir`), which is also the variable GASOLINE_DATA_DIR.

    `further` and `settings` are those of click.option.
    """
    variable = "GASOLINE_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(name, *further, envvar=variable, show_envvar=True, **settings)


def default_data_dir() -> Path:
    """Return the folder that is used unless `--data-dir` says otherwise."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "gasoline"


def data_dir_flag(command: _Command) -> _Command:
    """Declare `--data-dir`; the command gets an absolute path. One that cannot be used is a ConfigError."""
    return flag(
        "--data-dir",
        type=click.Path(path_type=Path),
        callback=_data_dir,
        help="Folder of the store.  [default: ${XDG_STATE_HOME:-~/.local/state}/gasoline]",
    )(command)


def is_given(name: str) -> bool:
    """Tell whether the command that runs was given this parameter, by its flag or its variable."""
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def endpoint_flag(name: str, help_text: str) -> Callable[[_Command], _Command]:
    """Declare a flag that takes `host:port`; an error names the flag."""
    return flag(name, metavar="HOST:PORT", callback=_endpoint, help=help_text)


def finite(_: click.Context, __: click.Parameter, value: float) -> float:
    """Return a number that is one. Raises click.BadParameter for nan, which every range lets pass."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


def _endpoint(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    from collector.config.endpoint import split_endpoint

    if value:
        try:
            split_endpoint(value.strip())
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return value


def _data_dir(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    try:
        data_dir = (value or default_data_dir()).expanduser().absolute()
        problem = _problem_with(data_dir)
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"the data folder cannot be used: {error}; choose another one with --data-dir") from error
    if problem:
        raise ConfigError(f"the data folder {data_dir} {problem}; choose another one with --data-dir")
    return data_dir


def _problem_with(data_dir: Path) -> str:
    """Say what is in its place; raises OSError if it cannot be looked into."""
    try:
        os.scandir(data_dir).close()
    except FileNotFoundError:
        return ""
    except NotADirectoryError:
        return "is a file" if os.path.exists(data_dir) else "lies below a file"
    return ""


def token() -> str | None:
    """Return the bearer token, None if it is blank; no flag, because other users of the machine can see flags."""
    value = os.environ.get(TOKEN_VARIABLE, "")
    return value if value.strip() else None
