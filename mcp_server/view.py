"""The view in one file: the timeline without a server around it, as a report and inside chat clients.

Its build leaves one empty place for data. What is put there is JSON, compressed and in base64, whose characters cannot
end the element that holds it, so telemetry stays data whatever it says.
https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.errors import ConfigError
from mcp_server.page import WEB_FOLDER

VIEW_NAME = "view.html"
_SLOT_START, _SLOT_END = '<script type="text/plain" id="gasoline-data">', "</script>"
_CHARSET = '<meta charset="utf-8">'
_INLINED = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_COMPRESSION_LEVEL = 9


def view_html(folder: Path = WEB_FOLDER) -> str:
    """Return the built view. Raises ConfigError if this checkout holds none."""
    try:
        return (folder / VIEW_NAME).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"there is no built page in {folder}; run `make bundle`, or install gasoline-otel from a wheel"
        ) from error


def data_text(data: Mapping[str, Any]) -> str:
    """Return `data` as the view reads it: JSON, in the zlib format (RFC 1950), in base64."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), _COMPRESSION_LEVEL)).decode()


def view_with_data(view: str, text: str) -> str:
    """Return `view` with a `data_text` in it, and a policy under which a browser runs its script and loads nothing."""
    before, slot, after = view.partition(_SLOT_START + _SLOT_END)
    head, charset, rest = before.partition(_CHARSET)
    if not slot or not charset:
        raise ValueError("the view has no place for data, or does not say its charset")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_policy(view)}">'
    return "".join((head, charset, policy, rest, _SLOT_START, text, _SLOT_END, after))


def _policy(view: str) -> str:
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for element, content in _INLINED.findall(view):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[element].append(f"'sha256-{digest}'")
    sources = [f"{element}-src {' '.join(of)}" for element, of in hashes.items() if of]
    return "; ".join(["default-src 'none'", *sources, "img-src data:", "base-uri 'none'", "form-action 'none'"])
