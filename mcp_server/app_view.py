"""The view inside chat clients that support MCP Apps: a `ui://` resource that the tool names in its metadata.

A client that does not know the extension ignores the metadata; the text answer is whole without the view. The view
asks `observe` for JSON itself, through its host, so an answer to the model stays as short as it is without one.
https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx
"""

from pathlib import Path
from typing import Any

from mcp.types import ReadResourceResult, TextResourceContents

from mcp_server.page import WEB_FOLDER
from mcp_server.view import VIEW_NAME, view_html

# As mcp.server.apps names them; to import it would load the server layer that we do not stand on.
EXTENSION_ID = "io.modelcontextprotocol/ui"
APP_MIME_TYPE = "text/html;profile=mcp-app"
APP_VIEW_URI = "ui://gasoline/timeline.html"


def has_app_view(folder: Path = WEB_FOLDER) -> bool:
    """Tell whether this installation holds the built view."""
    return (folder / VIEW_NAME).is_file()


def tool_meta() -> dict[str, Any]:
    """Return the metadata of a tool whose results the view shows."""
    return {"ui": {"resourceUri": APP_VIEW_URI}}


def read_app_view(folder: Path = WEB_FOLDER) -> ReadResourceResult:
    """Return the view; it loads nothing from anywhere and may copy to the clipboard. Raises ConfigError without one."""
    ui: dict[str, Any] = {
        "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []},
        "permissions": {"clipboardWrite": {}},
        "prefersBorder": True,
    }
    contents = TextResourceContents(uri=APP_VIEW_URI, mime_type=APP_MIME_TYPE, text=view_html(folder), _meta={"ui": ui})
    return ReadResourceResult(contents=[contents])
