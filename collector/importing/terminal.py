"""What a person sees of an import: a bar while it runs, then what came of it."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from collector.importing.run import Imported, ImportOptions, UnreadableFileError, import_files, sizes_of
from collector.pdata.envelope import Signal

_NAMES = {Signal.TRACES: "spans", Signal.LOGS: "log records", Signal.METRICS: "metric points"}


def import_and_tell(options: ImportOptions) -> str:
    """Import, telling on stderr how far it is and what was left out; return what was imported.

    Raises UnreadableFileError if nothing could be, and what import_files raises.
    """
    with _progress(sizes_of(options.paths)) as advance:
        imported = import_files(options, os.environ, advance)
    for line in imported.left_out_shown:
        click.echo(line, err=True)
    unshown = imported.left_out - len(imported.left_out_shown)
    if unshown > 0:
        click.echo(f"and {unshown} more", err=True)
    if imported.left_out and not imported.records.total():
        raise UnreadableFileError(f"nothing was imported: {imported.left_out} lines or messages are no OTLP requests")
    return _summary(imported, len(options.paths))


def _summary(imported: Imported, files: int) -> str:
    counts = [f"{imported.records[signal]} {name}" for signal, name in _NAMES.items() if imported.records[signal]]
    text = f"imported {', '.join(counts) or 'nothing'} from {files} file{'s' if files > 1 else ''}"
    for signal, count in imported.dropped.items():
        text += f"; {count} {_NAMES[signal]} were dropped: no pipeline takes them (service.pipelines.{signal})"
    if imported.rejected:
        text += f"; {imported.rejected} records were rejected"
    if imported.left_out:
        text += f"; {imported.left_out} lines or messages were left out"
    return text


@contextmanager
def _progress(size: int) -> Generator[Callable[[int], None]]:
    """Give what is told of each piece that was read; a bar where there is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=size, label="importing", file=sys.stderr) as bar:
        yield bar.update
