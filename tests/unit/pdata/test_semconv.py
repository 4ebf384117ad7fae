"""URLs put together from their parts, in both generations of names."""

import pytest

from collector.pdata.attributes import PlainValue
from collector.pdata.semconv import full_url


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ({"url.full": "http://a.test/x", "url.path": "/y"}, "http://a.test/x"),
        ({"http.url": "http://a.test/x"}, "http://a.test/x"),
        ({"url.scheme": "https", "server.address": "a.test", "server.port": 443, "url.path": "/x"}, "https://a.test/x"),
        ({"server.address": "a.test", "server.port": 81, "url.path": "/x"}, "http://a.test:81/x"),
        ({"http.host": "a.test:82", "net.host.port": 82, "http.target": "/x?y=1"}, "http://a.test:82/x?y=1"),
        ({"server.address": "a.test", "url.path": "/x", "url.query": "y=1"}, "http://a.test/x?y=1"),
        ({"server.address": "::1", "server.port": 81, "url.path": "/x"}, "http://[::1]:81/x"),
        ({"server.address": "::1", "url.path": "/x"}, "http://[::1]/x"),
        ({"http.host": "[::1]:81", "server.port": 81, "url.path": "/x"}, "http://[::1]:81/x"),
        ({"http.host": "a.test", "http.target": "http://b.test/x"}, "http://b.test/x"),
        ({"url.path": "/x"}, "/x"),
        ({"url.scheme": "http"}, None),
    ],
)
def test_a_url_is_whole_or_made_of_its_parts(attributes: dict[str, PlainValue], url: str | None) -> None:
    assert full_url(attributes) == url
