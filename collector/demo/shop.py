"""The service `shop` (FastAPI): the storefront that a browser talks to. It knows nothing of telemetry.

Environment: ORDERS_URL.
"""

import logging
import os

import httpx
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel

from collector.demo.serving import serve_fastapi, write_logs_at_info

ORDER_TIMEOUT_S = 5.0

_PAGE = """<!doctype html>
<title>Demo shop</title>
<h1>Demo shop</h1>
<p>Each button places one order; the answer appears below.</p>
<button data-item="mug" data-card="good">Buy a mug</button>
<button data-item="mug" data-card="declined">Buy with a declined card</button>
<button data-item="mug" data-card="slow">Buy through a slow bank</button>
<button data-item="gift" data-card="good">Buy what has no price</button>
<pre id="answer"></pre>
<script>
for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    const { item, card } = button.dataset;
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/api/checkout", { method: "POST", headers, body: JSON.stringify({ item, card }) });
    document.getElementById("answer").textContent = `${answer.status} ${await answer.text()}`;
  });
}
</script>
"""

_logger = logging.getLogger("shop")


class Checkout(BaseModel):
    """What a checkout posts."""

    item: str
    card: str


class Shop:
    """The pages and calls of the storefront."""

    def __init__(self, orders_url: str) -> None:
        self._orders = httpx.AsyncClient(base_url=orders_url, timeout=ORDER_TIMEOUT_S)

    async def page(self) -> HTMLResponse:
        """GET /: the page."""
        return HTMLResponse(_PAGE)

    async def products(self) -> list[dict[str, str]]:
        """GET /api/products: what is on sale."""
        _logger.info("listed 3 products")
        return [{"item": "mug"}, {"item": "shirt"}, {"item": "gift"}]

    async def checkout(self, checkout: Checkout) -> JSONResponse:
        """POST /api/checkout {item, card}: 200; a payment that was refused is 502, other failures keep their status."""
        answer = await self._orders.post("/orders", json=checkout.model_dump())
        if answer.is_success:
            _logger.info("sold one %s", checkout.item)
            return JSONResponse(answer.json())
        _logger.error("checkout failed: orders answered %d", answer.status_code)
        return JSONResponse({"error": "checkout failed"}, answer.status_code if answer.is_server_error else 502)


def create_app(orders_url: str) -> FastAPI:
    """Return the application."""
    shop = Shop(orders_url)
    app = FastAPI(title="shop")
    app.add_api_route("/", shop.page, methods=["GET"], response_class=HTMLResponse)
    app.add_api_route("/api/products", shop.products, methods=["GET"])
    app.add_api_route("/api/checkout", shop.checkout, methods=["POST"])
    return app


if __name__ == "__main__":
    write_logs_at_info()
    serve_fastapi(create_app(os.environ["ORDERS_URL"]))
