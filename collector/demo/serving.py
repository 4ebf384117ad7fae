"""How a service of the demo serves: on a free port that it announces, for as long as its standard input is open.

The input is a pipe from the process that started it. Whatever ends that process closes the pipe, so a service
never outlives the demo.
"""

import logging
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from flask import Flask
from werkzeug.serving import make_server

HOST = "127.0.0.1"


def write_logs_at_info() -> None:
    """Log as a service does: its own lines from INFO on, of the libraries below it only what is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for library in ("httpx", "werkzeug", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)


def serve_flask(app: Flask) -> None:
    """Serve a Flask application until standard input closes."""
    server = make_server(HOST, 0, app, threaded=True)
    _end_with_stdin(server.shutdown)
    _announce(server.server_port)
    server.serve_forever()


def serve_fastapi(app: FastAPI) -> None:
    """Serve a FastAPI application until standard input closes."""
    listener = socket.create_server((HOST, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))

    def stop() -> None:
        server.should_exit = True

    _end_with_stdin(stop)
    _announce(listener.getsockname()[1])
    server.run(sockets=[listener])


def _announce(port: int) -> None:
    sys.stdout.write(f"listening port={port}\n")
    sys.stdout.flush()


def _end_with_stdin(stop: Callable[[], None]) -> None:
    def watch() -> None:
        sys.stdin.buffer.read()
        stop()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
