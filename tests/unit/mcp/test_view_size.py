"""A report stays within its size: texts go first, longest first, then attributes, then the last of the events."""

import base64
import json
import random
import zlib
from typing import Any

import pytest

from mcp_server.view_size import VALUE_CHARS, text_within


def noise(chars: int, seed: object) -> str:
    """Text that does not compress."""
    return base64.b85encode(random.Random(str(seed)).randbytes(chars))[:chars].decode()


def report(events: int, chars: int, **more: Any) -> dict[str, Any]:
    made = [
        {
            "id": f"{index:032x}:{index:016x}",
            "name": "work",
            "error": False,
            "attributes": {"long": noise(chars, index), "nested": [{"deep": noise(chars, -index - 1)}], "n": index},
            **more,
        }
        for index in range(events)
    ]
    session = {"session_id": "s" * 200, "request_ids": [noise(32, index) for index in range(events)]}
    requests = {f"r{index}": {"request": {"url": noise(chars, f"r{index}")}} for index in range(events)}
    return {"kind": "session", "answer": {"session": session, "events": made, "total": events}, "requests": requests}


def read(text: str) -> dict[str, Any]:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def test_what_fits_is_left_as_it_is() -> None:
    data = report(3, 5_000)
    text, kept = text_within(data, 1_000_000)
    assert (kept, read(text)) == (data, data)
    assert text_within(data, len(text))[1] is data
    assert text_within(data, len(text) - 1)[1]["values_cut"] == VALUE_CHARS[0]


@pytest.mark.parametrize(
    ("bytes_max", "chars"), list(zip((40_000, 12_000, 5_000, 2_200, 1_700), VALUE_CHARS, strict=True)), ids=str
)
def test_texts_are_cut_as_far_as_it_takes(bytes_max: int, chars: int) -> None:
    data = report(10, 4_000, body=noise(4_000, "body"), truncated=["body"])
    text, kept = text_within(data, bytes_max)
    assert len(text) <= bytes_max
    assert read(text) == kept
    assert kept["values_cut"] == chars
    for before, after in zip(data["answer"]["events"], kept["answer"]["events"], strict=True):
        assert after["id"] == before["id"]
        assert after["body"] == before["body"][: max(chars, 60)]
        if not chars:
            assert (after["attributes"], "truncated" in after) == ({}, False)
            continue
        assert after["attributes"] == {
            "long": before["attributes"]["long"][:chars],
            "nested": [{"deep": before["attributes"]["nested"][0]["deep"][:chars]}],
            "n": before["attributes"]["n"],
        }
        assert after["truncated"] == ["body", "long", "nested"]
    assert kept["answer"]["session"]["session_id"] == "s" * 200
    assert "cut" not in kept


def test_where_that_is_not_enough_the_first_events_are_left() -> None:
    text, kept = text_within(report(100, 4_000), 4_000)
    assert len(text) <= 4_000
    assert read(text) == kept
    events = kept["answer"]["events"]
    assert kept["cut"] == {"shown": len(events), "total": 100, "errors": 0}
    assert 0 < len(events) < 100
    assert [event["attributes"] for event in events] == [{}] * len(events)
    assert "request_ids" not in kept["answer"]["session"]
