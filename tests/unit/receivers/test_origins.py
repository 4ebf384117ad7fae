"""Which pages may send, and for which host names."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from collector.errors import ForbiddenError
from collector.receivers.otlp.http import OtlpHttpReceiver
from collector.receivers.otlp.origins import EXTENSION_ORIGIN, HostPolicy, OriginPolicy
from collector.receivers.otlp.settings import CorsSettings, OtlpHttpSettings

StartHttp = Callable[..., Awaitable[OtlpHttpReceiver]]

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
LOOPBACK = "127.0.0.1:0"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
SHOP = "https://shop.example"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://localhost",
        "http://localhost:3000",
        "https://LOCALHOST:8443",
        "http://app.localhost:3000",
        "http://127.0.0.1:24001",
        "http://127.8.9.10",
        "http://[::1]:3000",
        SHOP,
        EXTENSION,
    ],
)
def test_loopback_and_configured_origins_may_send(origin: str | None) -> None:
    OriginPolicy([SHOP, EXTENSION]).check(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "https://shop.example.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost:3000/path",
        "http://localhost, http://evil.example",
        "http://[::1",
        "file://localhost",
        "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba",
    ],
)
def test_every_other_origin_may_not(origin: str) -> None:
    with pytest.raises(ForbiddenError, match="allowed_origins"):
        OriginPolicy([SHOP, EXTENSION]).check(origin)


def test_the_extension_may_send_without_configuration(root: Path) -> None:
    """Chrome makes an extension's id of its key: the first 32 hex digits of its hash, each as a letter from a on."""
    key = json.loads((root / "extension" / "manifest.json").read_text())["key"]
    digest = hashlib.sha256(base64.b64decode(key)).hexdigest()[:32]
    extension_id = "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
    assert f"chrome-extension://{extension_id}" == EXTENSION_ORIGIN
    OriginPolicy([]).check(EXTENSION_ORIGIN)


@pytest.mark.parametrize("origin", ["*", "https://*.example", "shop.example", "https://shop.example/", "https://"])
def test_only_exact_origins_can_be_configured(origin: str) -> None:
    with pytest.raises(ValidationError, match="must be one exact origin"):
        CorsSettings(allowed_origins=(origin,))


@pytest.mark.parametrize(
    "host", ["localhost:4318", "127.0.0.1:4318", "[::1]:4318", "x.localhost", "Docker.Internal:4318"]
)
def test_on_loopback_requests_for_this_machine_are_taken(host: str) -> None:
    HostPolicy("127.0.0.1", ["docker.internal"]).check(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example:4318", "localhost.evil.example", "a@localhost", "localhost, evil"]
)
def test_on_loopback_requests_for_another_name_are_refused(host: str | None) -> None:
    with pytest.raises(ForbiddenError, match="allowed_hosts"):
        HostPolicy("127.0.0.1", ["docker.internal"]).check(host)


def test_beyond_loopback_the_token_guards_and_any_name_will_do() -> None:
    HostPolicy("192.0.2.1", []).check("collector.example:4318")


def test_a_foreign_host_is_counted_apart_from_a_foreign_page() -> None:
    with pytest.raises(ForbiddenError) as host:
        HostPolicy("127.0.0.1", []).check("collector.example:4318")
    with pytest.raises(ForbiddenError) as page:
        OriginPolicy([]).check(SHOP)
    assert (host.value.reason, page.value.reason) == ("forbidden_host", "forbidden")


def recorded_preflights() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CAPTURES / "browser" / "preflight.jsonl").read_text().splitlines()]


@pytest.mark.anyio
async def test_the_preflights_that_a_browser_sent_are_answered(start_http: StartHttp) -> None:
    receiver = await start_http()
    preflights = recorded_preflights()
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        for preflight in preflights:
            response = await client.options(
                preflight["path"], headers=preflight["headers"] | {"Host": receiver.endpoint}
            )
            assert (response.status_code, response.content) == (204, b"")
            assert {name: value for name, value in response.headers.items() if name != "date"} == {
                "access-control-allow-origin": preflight["headers"]["Origin"],
                "access-control-allow-methods": "POST, OPTIONS",
                "access-control-allow-headers": (
                    "content-type, content-encoding, traceparent, tracestate, x-session-id, authorization"
                ),
                "access-control-expose-headers": "retry-after",
                "access-control-max-age": "7200",
                "allow": "POST, OPTIONS",
                "vary": "Origin",
            }
    assert len(preflights) > 0


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": "http://localhost:3000"}, True),
        ({"origin": EXTENSION}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"host": "evil.example:4318"}, False),
    ],
)
async def test_a_foreign_page_can_neither_ask_nor_write(
    start_http: StartHttp, consumer: Any, method: str, headers: dict[str, str], allowed: bool
) -> None:
    settings = OtlpHttpSettings(endpoint=LOOPBACK, cors=CorsSettings(allowed_origins=(EXTENSION,)))
    receiver = await start_http(settings)
    named = {"content-type": "application/json", "access-control-request-method": "POST"} | headers
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        response = await client.request(method, "/v1/logs", content=b"{}", headers=named)
    assert response.status_code == ((204 if method == "OPTIONS" else 200) if allowed else 403)
    assert response.headers.get("access-control-allow-origin") == (headers["origin"] if allowed else None)
    assert response.headers["vary"] == "Origin"
    assert len(consumer.received) == (1 if allowed and method == "POST" else 0)


@pytest.mark.anyio
async def test_a_page_can_read_why_it_was_refused(start_http: StartHttp) -> None:
    receiver = await start_http()
    origin = "http://localhost:3000"
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        response = await client.post(
            "/v1/logs", content=b"{", headers={"origin": origin, "content-type": "application/json"}
        )
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (400, origin)


@pytest.mark.anyio
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_that_needs_no_preflight_cannot_write(
    start_http: StartHttp, consumer: Any, content_type: str
) -> None:
    receiver = await start_http()
    async with httpx.AsyncClient(base_url=f"http://{receiver.endpoint}") as client:
        response = await client.post("/v1/logs", content=b"{}", headers={"content-type": content_type})
    assert (response.status_code, consumer.received) == (415, [])
