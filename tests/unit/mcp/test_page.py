"""The files of the page: every view is the index, under headers that let a browser run and load nothing else."""

from pathlib import Path

import httpx
import pytest

from mcp_server.page import NO_SUCH_PAGE, NOT_BUILT, Page

pytestmark = pytest.mark.anyio

INDEX = "<!doctype html><title>Gasoline</title>"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "view.html").write_text("view")
    (tmp_path / "assets" / "page.js").write_text("start()")
    (tmp_path / "assets" / "page-1.a.css").write_text("body{}")
    (tmp_path / "assets" / ".hidden.js").write_text("hidden")
    (tmp_path / "assets" / "notes.txt").write_text("notes")
    (tmp_path.parent / "outside.js").write_text("outside")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Page(folder)), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sessions",
        "/requests/",
        "/sessions/session-0123",
        "/sessions/a%2Fb%0Ac%20%3Cd%3E",
        "/sessions/..%2F..",
        "/requests/4bf92f?zoom=2",
        "/compare/4bf92f/a3ce92",
    ],
)
async def test_each_view_is_the_index(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.text) == (200, INDEX)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("name", "media_type", "text"),
    [
        ("page.js", "text/javascript; charset=utf-8", "start()"),
        ("page-1.a.css", "text/css; charset=utf-8", "body{}"),
    ],
)
async def test_assets_are_files_with_their_type(
    client: httpx.AsyncClient, name: str, media_type: str, text: str
) -> None:
    response = await client.get(f"/assets/{name}")
    assert (response.status_code, response.text, response.headers["content-type"]) == (200, text, media_type)
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/logs",
        "/index.html",
        "/view.html",
        "/compare/4bf92f",
        "/sessionsx",
        "/assets/",
        "/assets/none.js",
        "/assets/.hidden.js",
        "/assets/notes.txt",
        "/assets/..%2Findex.html",
        "/assets/%2e%2e/%2e%2e/outside.js",
        "/assets/page.js%00",
    ],
)
async def test_what_is_no_page_is_404_and_says_what_to_do(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.text) == (404, NO_SUCH_PAGE)
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


async def test_a_copy_that_is_still_good_is_not_sent_again(client: httpx.AsyncClient, folder: Path) -> None:
    first = await client.get("/")
    again = await client.get("/sessions", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    (folder / "index.html").write_text("rebuilt")
    rebuilt = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (rebuilt.status_code, rebuilt.text) == (200, "rebuilt")


async def test_the_page_is_only_read(client: httpx.AsyncClient) -> None:
    head = await client.head("/")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(INDEX)))
    refused = await client.post("/", content=b"x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_a_checkout_without_built_page_says_how_to_build_it(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(Page(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.get("/")
    assert (response.status_code, response.text) == (404, NOT_BUILT)
