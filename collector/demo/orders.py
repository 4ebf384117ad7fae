"""The service `orders` (Flask): prices an order and has it paid. It knows nothing of telemetry.

Environment: PAYMENTS_URL.
"""

import logging
import os
from typing import Any

import httpx
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from collector.demo.serving import serve_flask, write_logs_at_info

# Long enough that only the slow bank takes longer, even where a cold machine does all of this at once.
PAYMENT_TIMEOUT_S = 0.8

_logger = logging.getLogger("orders")


class Orders:
    """Takes orders at the prices that it knows."""

    def __init__(self, payments_url: str) -> None:
        self._payments = httpx.Client(base_url=payments_url, timeout=PAYMENT_TIMEOUT_S)
        self._price_cents = {"mug": 1200, "shirt": 2500}

    def place(self) -> ResponseReturnValue:
        """POST /orders {item, card}: 201; 402 if the payment is declined, 504 if it does not answer in time.

        An item without a price is the programming error of the demo: 500.
        """
        order: dict[str, Any] = request.get_json()
        amount_cents = self._price_cents[order["item"]]
        _logger.info("order for one %s", order["item"])
        try:
            answer = self._payments.post("/charge", json={"card": order["card"], "amount_cents": amount_cents})
        except httpx.TimeoutException:
            _logger.exception("payments did not answer within %.1f s", PAYMENT_TIMEOUT_S)
            return jsonify(error="payment timed out"), 504
        if answer.status_code != 200:
            _logger.warning("payment refused with %d", answer.status_code)
            return jsonify(error=answer.json()["error"]), answer.status_code
        return jsonify(order=order["item"], receipt=answer.json()["receipt"]), 201


def create_app(payments_url: str) -> Flask:
    """Return the application."""
    app = Flask("orders")
    app.add_url_rule("/orders", view_func=Orders(payments_url).place, methods=["POST"])
    return app


if __name__ == "__main__":
    write_logs_at_info()
    serve_flask(create_app(os.environ["PAYMENTS_URL"]))
