"""Data small enough for one file: what is cut first where a report would grow too large to attach.

Long values go before events do, and what names an event or a record is never cut, so that the view still finds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp_server.view import data_text

# Tried one after the other: how many characters of each text are kept. 0: no attributes at all.
VALUE_CHARS = (1_000, 250, 60, 20, 0)
_TEXT_CHARS_MIN = 60
_IDS = frozenset(
    {
        *("id", "session_id", "request_id", "span_id", "parent_span_id", "previous_id"),
        *("session_ids", "request_ids", "time_unix_nano"),
    }
)
_EVENT_LISTS = ("events", "timeline")


def text_within(data: Mapping[str, Any], bytes_max: int) -> tuple[str, Mapping[str, Any]]:
    """Return the `data_text` of what of `data` fits into `bytes_max`, and that data.

    `values_cut` in it says to how many characters texts were cut, 0 that attributes were left out as well. Where that
    is not enough, only the first of the events are left, and `cut` says how many.
    """
    kept, text = data, data_text(data)
    for chars in VALUE_CHARS:
        if len(text) <= bytes_max:
            return text, kept
        kept = {**_shortened(data, chars), "values_cut": chars}
        text = data_text(kept)
    return (text, kept) if len(text) <= bytes_max else _first_within(kept, bytes_max)


def _shortened(value: Any, chars: int) -> Any:
    """Return a record with its texts cut; in an event, the names of the attributes that were cut are in `truncated`."""
    if isinstance(value, str):
        return value[: max(chars, _TEXT_CHARS_MIN)]
    if isinstance(value, list):
        return [_shortened(item, chars) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    shortened = {name: item if name in _IDS else _shortened(item, chars) for name, item in fields.items()}
    if "attributes" in fields:
        attributes: dict[str, Any] = fields["attributes"]
        shortened["attributes"] = {name: _cut(item, chars) for name, item in attributes.items()} if chars else {}
        names = [name for name, item in shortened["attributes"].items() if item != attributes[name]]
        truncated = dict.fromkeys((*fields.get("truncated", ()), *names)) if chars else ()
        shortened.pop("truncated", None)
        if truncated:
            shortened["truncated"] = list(truncated)
    return shortened


def _cut(value: Any, chars: int) -> Any:
    if isinstance(value, str):
        return value[:chars]
    if isinstance(value, list):
        return [_cut(item, chars) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _cut(item, chars) for name, item in cast("dict[str, Any]", value).items()}
    return value


def _first_within(data: Mapping[str, Any], bytes_max: int) -> tuple[str, Mapping[str, Any]]:
    total: int = data["answer"]["total"]
    share = 1.0
    while True:
        share /= 2
        answer = {
            name: _first(items, share) if name in _EVENT_LISTS else _without_list(items)
            for name, items in data["answer"].items()
        }
        requests: Mapping[str, Any] = data.get("requests", {})
        shown = next(len(answer[name]) for name in _EVENT_LISTS if name in answer)
        kept = {
            **data,
            "answer": answer,
            "requests": dict(_first(list(requests.items()), share)),
            "cut": {"shown": shown, "total": total, "errors": 0},
        }
        text = data_text(kept)
        if len(text) <= bytes_max or not shown:
            return text, kept


def _first(items: Sequence[Any], share: float) -> Sequence[Any]:
    return items[: int(len(items) * share)]


def _without_list(record: Any) -> Any:
    """Return the record of a session without the ids of its requests, which may be many."""
    if not isinstance(record, dict):
        return record
    return {name: item for name, item in cast("dict[str, Any]", record).items() if name != "request_ids"}
