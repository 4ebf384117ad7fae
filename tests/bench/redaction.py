"""What redaction costs: the ways to find out that a request holds no secret, and requests of which some records do.

usage: redaction.py. CPU microseconds a span, medians of ROUNDS; docs/adr/0009-redaction.md has a run of it.
"""

import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from traffic import requests

from collector.pdata.envelope import Signal
from collector.processors.redaction.assignments import Assignments
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.shapes import Shapes
from collector.processors.redaction.text import Secrets

ROUNDS = 7
SPANS = 20_480
SPANS_PER_REQUEST = (512, 8)
# Of the spans, so many in a hundred hold a token in a URL.
SHARES_PERCENT = (1, 10, 100)
# The standard library takes a hundred times as long.
SPANS_FOR_SLOW_WAYS = 1_024


def ways(spans_per_request: int) -> Iterator[tuple[str, Callable[[bytes], object], list[bytes]]]:
    """Yield a name, what to call for each body, and the bodies."""
    names, shapes = SecretNames(), Shapes()
    bodies = list(requests(spans_per_request, SPANS // spans_per_request))
    few = bodies[: max(1, SPANS_FOR_SLOW_WAYS // spans_per_request)]
    source = rf"(?i:{Assignments(names).source})|{shapes.source}".encode()
    yield "google-re2", Secrets(names).spans, bodies
    yield "re of the standard library", re.compile(source).search, few
    secrets = Secrets(names)
    for share in SHARES_PERCENT:
        rng = random.Random(share)
        planted = [_with_tokens(body, share, rng) for body in bodies]
        yield (
            f"redacted, {share} % of the spans with a token",
            lambda body: redact_request(Signal.TRACES, body, secrets),
            planted,
        )


def _with_tokens(body: bytes, share_percent: int, rng: random.Random) -> bytes:
    request = ExportTraceServiceRequest.FromString(body)
    spans = request.resource_spans[0].scope_spans[0].spans
    for span in spans:
        if rng.random() * 100 < share_percent:
            span.attributes.add(key="url.query").value.string_value = f"page=2&access_token={rng.getrandbits(128):032x}"
    return request.SerializeToString()


def main() -> None:
    """See the module's text."""
    for spans_per_request in SPANS_PER_REQUEST:
        for what, call, bodies in ways(spans_per_request):
            taken: list[float] = []
            for _ in range(ROUNDS):
                start = time.process_time()
                for body in bodies:
                    call(body)
                taken.append(time.process_time() - start)
            each_us = median(taken) / (len(bodies) * spans_per_request) * 1e6
            sys.stdout.write(f"| {spans_per_request} a request: {what} | {each_us:.2f} µs |\n")


if __name__ == "__main__":
    main()
