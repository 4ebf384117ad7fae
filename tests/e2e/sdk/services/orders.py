"""The service orders (Flask): takes an order and has it paid. It knows nothing of telemetry.

Environment: PAYMENTS_URL.
"""

import logging
import os
import signal
import sys
from types import FrameType

import httpx
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

ANSWER_TIMEOUT_S = 30

_logger = logging.getLogger("orders")


def create_app(payments: httpx.Client) -> Flask:
    """Return the application."""
    app = Flask("orders")

    def place() -> ResponseReturnValue:
        _logger.info("order taken")
        outcome = request.args["outcome"]
        paid = payments.post("/charge", params={"outcome": outcome})
        if outcome == "bug":
            raise KeyError("receipt")
        if paid.status_code != 200:
            _logger.warning("not paid: %d", paid.status_code)
        return jsonify(paid.json()), paid.status_code

    app.add_url_rule("/orders", view_func=place, methods=["POST"])
    return app


def end(number: int, frame: FrameType | None) -> None:
    """End the process as if it had come to its last line."""
    sys.exit()


if __name__ == "__main__":
    # An orderly end, or what waits to be exported is lost.
    signal.signal(signal.SIGTERM, end)
    logging.getLogger().setLevel(logging.INFO)
    # Loggers of libraries would add records that are not this service's own.
    for library in ("httpx", "httpcore", "werkzeug"):
        logging.getLogger(library).setLevel(logging.WARNING)
    client = httpx.Client(base_url=os.environ["PAYMENTS_URL"], timeout=ANSWER_TIMEOUT_S, trust_env=False)
    server = make_server("127.0.0.1", 0, create_app(client), threaded=True)
    print(f"listening 127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - told to whoever started it
    server.serve_forever()
