"""Whether an answer is coloured: the reader's wish; click takes colours out where there is no terminal."""

import os

from mcp_server.render.ansi import coloured


def paint(text: str) -> str:
    """Return `text` in colours, or as it is if NO_COLOR is set to anything (https://no-color.org/)."""
    return text if os.environ.get("NO_COLOR") else coloured(text)
