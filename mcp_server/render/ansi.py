"""The text of an answer in colours, for a terminal: a pure function from text to text.

Taking the colours out gives the very same text. Whether to colour is the caller's to know: only if standard
output is a terminal and NO_COLOR is unset (https://no-color.org/).
"""

import re

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_RED = "\x1b[31m"
_YELLOW = "\x1b[33m"
_CYAN = "\x1b[36m"

_TITLE = re.compile(r"(?:session|request|collector|span|log)\b[^·]*")
_LABEL = re.compile(r"(?:cause|spread|worked|note|advice|refused|dropped|lost propagation)\b[^:]*:")
_LAST = re.compile(r"(?P<count>\d+ of \d+ .*?)(?P<next> · next: )(?P<call>.*)")
_TIME = re.compile(r"(?P<blank> +)(?P<time>[+-]\d+\.\d{3}|\d\d:\d\d:\d\d\.\d{3})(?= )")
_WRONG = re.compile(r"\b(?:ERROR|FATAL|FAILED|LATE|exception)\b")
_SHORT_ID = re.compile(r"\[[0-9a-f]{6,32}(?: (?:[0-9a-f]{6,32}|…))*\]$")


def coloured(text: str) -> str:
    """Return `text` with failures red, warnings yellow, headings bold, times and what is aside dim."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    if line.startswith(" "):
        return _recorded(line)
    last = _LAST.fullmatch(line)
    if last:
        return f"{_DIM}{last['count']}{last['next']}{_RESET}{_CYAN}{last['call']}{_RESET}"
    label = _LABEL.match(line)
    if label:
        colour = _RED if line.startswith("cause") else ""
        return f"{_BOLD}{colour}{label[0]}{_RESET}{colour}{line[label.end() :]}{_RESET if colour else ''}"
    title = _TITLE.match(line)
    if title:
        colour = _RED if _WRONG.search(title[0]) else ""
        return f"{_BOLD}{colour}{title[0]}{_RESET}{line[title.end() :]}"
    return f"{_DIM}{line}{_RESET}" if line else line


def _recorded(line: str) -> str:
    """Colour a line of recorded data: its time dim, then red or yellow if it tells of trouble."""
    time = _TIME.match(line)
    start = f"{time['blank']}{_DIM}{time['time']}{_RESET}" if time else ""
    rest = line[time.end() :] if time else line
    ids = _SHORT_ID.search(rest)
    words, end = (rest[: ids.start()], f"{_DIM}{ids[0]}{_RESET}") if ids else (rest, "")
    # What was said stands between quotes; only what we say about the line decides its colour.
    ours = re.sub(r'"[^"]*"', "", words)
    colour = _RED if _WRONG.search(ours) else _YELLOW if re.search(r"\bWARN\b", ours) else ""
    return f"{start}{colour}{words}{_RESET if colour else ''}{end}"
