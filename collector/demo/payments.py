"""The service `payments` (Flask): charges a card, refuses one, or takes too long. It knows nothing of telemetry."""

import logging
import threading
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from collector.demo.serving import serve_flask, write_logs_at_info

SLOW_BANK_S = 1.6

_logger = logging.getLogger("payments")


class PaymentDeclined(Exception):  # noqa: N818 - named as such a service would name it
    """The bank said no."""


class Payments:
    """Charges by what the test card asks for."""

    def charge(self) -> ResponseReturnValue:
        """POST /charge {card, amount_cents}: 200 with a receipt; 402 if the card is declined."""
        charge: dict[str, Any] = request.get_json()
        try:
            receipt = self._authorize(str(charge["card"]), int(charge["amount_cents"]))
        except PaymentDeclined as declined:
            _logger.exception("charge refused")
            return jsonify(error=str(declined)), 402
        return jsonify(receipt=receipt)

    def _authorize(self, card: str, amount_cents: int) -> str:
        if card == "declined":
            raise PaymentDeclined("card declined: insufficient funds")
        if card == "slow":
            # Nothing sets the event: this is the bank thinking.
            threading.Event().wait(SLOW_BANK_S)
            _logger.warning("bank took %.1f s to answer", SLOW_BANK_S)
        _logger.info("charged %d cents", amount_cents)
        return f"receipt-{amount_cents}"


def create_app() -> Flask:
    """Return the application."""
    app = Flask("payments")
    app.add_url_rule("/charge", view_func=Payments().charge, methods=["POST"])
    return app


if __name__ == "__main__":
    write_logs_at_info()
    serve_flask(create_app())
