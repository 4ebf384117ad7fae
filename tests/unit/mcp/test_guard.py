"""Foreign hosts and origins are refused on every route, and so is who lacks the token."""

import httpx
import pytest

from collector.query.service import QueryService
from mcp_server.http_app import query_app
from mcp_server.server import McpServer

pytestmark = pytest.mark.anyio

ROUTES = ["/mcp", STATUS := "/api/observe?what=status", "/nowhere"]
OWN = "http://127.0.0.1:4319"


@pytest.fixture
def open_app(server: McpServer, query: QueryService) -> httpx.AsyncClient:
    """The app as it is by default."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(query_app(server, query)), base_url=OWN)


@pytest.fixture
def closed_app(server: McpServer, query: QueryService) -> httpx.AsyncClient:
    """The app as it is beyond loopback."""
    app = query_app(
        server,
        query,
        allowed_hosts=["gasoline.test", "other.test:8080"],
        allowed_origins=["https://shop.test", "chrome-extension://abcdef"],
        token="s3cret",
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4319", "127.0.0.1@evil.example", "a b", "[::1"],
)
async def test_a_foreign_host_is_refused_on_every_route(open_app: httpx.AsyncClient, route: str, host: str) -> None:
    response = await open_app.get(route, headers={"Host": host})
    assert response.status_code == 421
    assert response.json() == {
        "error": "the Host header names no host of this server; use 127.0.0.1 or configure the name"
    }


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "file://localhost",
    ],
)
async def test_a_foreign_origin_is_refused_on_every_route(open_app: httpx.AsyncClient, route: str, origin: str) -> None:
    response = await open_app.get(route, headers={"Origin": origin})
    assert response.status_code == 403
    assert response.json() == {"error": "the Origin header names an origin that is not allowed here"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:4319", "LOCALHOST", "[::1]:4319"])
@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "https://127.0.0.1", "http://[::1]:80"])
async def test_loopback_is_let_in(open_app: httpx.AsyncClient, host: str, origin: str | None) -> None:
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    response = await open_app.get(STATUS, headers=headers)
    assert (response.status_code, response.json()["services"]) == (200, [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "gasoline.test"}, 200),
        ({"Host": "Gasoline.test:4319"}, 200),
        ({"Host": "other.test:8080"}, 200),
        ({"Host": "other.test:8081"}, 421),
        ({"Origin": "https://shop.test"}, 200),
        ({"Origin": "chrome-extension://abcdef"}, 200),
        ({"Origin": "http://shop.test"}, 403),
        ({"Origin": "https://shop.test:444"}, 403),
    ],
)
async def test_configured_hosts_and_origins_are_let_in_exactly(
    closed_app: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await closed_app.get(STATUS, headers=headers | {"Authorization": "Bearer s3cret"})
    assert response.status_code == status


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("value", [None, "", "s3cret", "Bearer", "Bearer s3cre", "Bearer s3crett", "Basic s3cret"])
async def test_without_the_token_no_route_answers(closed_app: httpx.AsyncClient, route: str, value: str | None) -> None:
    response = await closed_app.get(route, headers={} if value is None else {"Authorization": value})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json() == {
        "error": "the bearer token is missing or wrong; send Authorization: Bearer $GASOLINE_TOKEN"
    }


async def test_the_scheme_of_the_token_is_read_in_any_case(closed_app: httpx.AsyncClient) -> None:
    response = await closed_app.get(STATUS, headers={"Authorization": "bearer s3cret"})
    assert response.status_code == 200


async def test_two_host_headers_are_refused(open_app: httpx.AsyncClient) -> None:
    response = await open_app.get(STATUS, headers=[("Host", "127.0.0.1"), ("Host", "127.0.0.1")])
    assert response.status_code == 421
