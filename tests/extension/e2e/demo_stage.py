"""Starts the demo's collector and its three services, prints where they are, and ends with standard input."""

import json
import sys
from contextlib import ExitStack

from collector.demo.interruption import Interruption
from collector.demo.stage import set_up

with ExitStack() as stack:
    stage = set_up(stack, Interruption(), None)
    print(json.dumps({"http": stage.http_url, "query": stage.query_url, "shop": stage.shop_url}), flush=True)  # noqa: T201 - its one answer
    sys.stdin.buffer.read()
