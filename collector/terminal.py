"""Answers on a terminal: the text of MCP, with colours for what a person looks for first."""

import re
from typing import Final

import click

_ERROR_WORD: Final = re.compile(r"\b(?:FAILED|ERROR|FATAL)\b")
_WARN_WORD: Final = re.compile(r"\bWARN\b")
_TIME: Final = re.compile(r"^\s*\+\d+(?:\.\d+)?(?:ms|s)?(?=\s)")
_NEXT_CALL: Final = re.compile(r"\bnext: .*$")


def paint(text: str) -> str:
    """Return `text` with ANSI colours: the cause and failures red, times dim, the next call cyan.

    Adds nothing but escape sequences: without them it is the same text.
    """
    return "\n".join(_paint_line(line) for line in text.split("\n"))


def _paint_line(line: str) -> str:
    if line.startswith("cause"):
        return click.style(line, fg="red", bold=True)
    if line.startswith(("session ", "request ")):
        return click.style(line, bold=True)
    line = _TIME.sub(lambda match: click.style(match.group(), dim=True), line)
    line = _ERROR_WORD.sub(lambda match: click.style(match.group(), fg="red", bold=True), line)
    line = _WARN_WORD.sub(lambda match: click.style(match.group(), fg="yellow"), line)
    return _NEXT_CALL.sub(lambda match: click.style(match.group(), fg="cyan"), line)
