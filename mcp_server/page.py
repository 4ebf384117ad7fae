"""The timeline page, served as the files that its build left in `web/`; it holds no data, so it needs no token.

Where telemetry is shown, a browser must neither run nor load what is not ours: the headers say so on every answer.
https://www.w3.org/TR/CSP3/
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

WEB_FOLDER = Path(__file__).parent / "web"
INDEX_NAME = "index.html"
PAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        # A browser asks each time whether its copy is still good, so a page never outlives the collector it is of.
        "Cache-Control": "no-cache",
    }
)
_VIEWS = re.compile(r"/|/(sessions|requests)/?|/(sessions|requests)/.+|/compare/.+/.+", re.DOTALL)
_ASSET = re.compile(r"/assets/([A-Za-z0-9_-][A-Za-z0-9._-]*)")
_MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/x-icon",
        ".js": "text/javascript; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
)
NOT_BUILT = (
    "The timeline page is not here: this checkout holds no built page. Run `make bundle`, or install gasoline-otel from"
    " a wheel. The answers are at /api/observe?what=sessions and over MCP at /mcp.\n"
)
NO_SUCH_PAGE = (
    "There is no such page. Start at /, or look at /sessions/<id>, /requests/<id>, /compare/<id>/<id>; for programs:"
    " /api/observe?what=sessions, and MCP at /mcp.\n"
)


class Page:
    """ASGI app: every view of the page is the one index, which reads its own address; `/assets/` are its files."""

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        """`folder` is read at each request: a build that runs meanwhile is seen at once."""
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (await self._answer(Request(scope)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        asset = _ASSET.fullmatch(path)
        if asset is None and not _VIEWS.fullmatch(path):
            return _text(NO_SUCH_PAGE, 404)
        if request.method not in ("GET", "HEAD"):
            return _text("The page is read with GET.\n", 405, {"Allow": "GET, HEAD"})
        file = self._folder / "assets" / asset[1] if asset else self._folder / INDEX_NAME
        content = await asyncio.to_thread(_content, file)
        if content is None:
            return _text(NO_SUCH_PAGE if asset else NOT_BUILT, 404)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {**PAGE_HEADERS, "ETag": etag}
        if etag in (tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_MEDIA_TYPES[file.suffix])


def _content(file: Path) -> bytes | None:
    if file.suffix not in _MEDIA_TYPES:
        return None
    try:
        return file.read_bytes()
    except OSError:
        return None


def _text(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, {**PAGE_HEADERS, **(headers or {})})
