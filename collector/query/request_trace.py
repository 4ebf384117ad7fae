"""`request-trace`: everything that happened for one request, in order, and why it failed."""

from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from collector.correlation.join import TraceKey
from collector.errors import QueryError
from collector.pdata.attributes import plain_attributes
from collector.pdata.envelope_pb2 import ResourceEnvelope
from collector.query.adjusters import Ordered
from collector.query.catalog import Catalog
from collector.query.event_id import event_id
from collector.query.failure import undone_in
from collector.query.lists import picked_request, requests_matching
from collector.query.pages import events_of
from collector.query.prefixes import PREFIX_CHARS_MIN, Unknown, request_id_of, session_id_of
from collector.query.question import Question
from collector.query.records import resource_attributes
from collector.query.session_trace import add_page, late_events
from collector.query.snapshot import Snapshot
from collector.query.timeline import is_empty
from collector.query.values import shown_attributes
from collector.query.views import View, Views, request_view
from collector.query.worked import worked_before
from collector.store.api import Body, Row


class NoSuchEventError(QueryError):
    """The request has no event with the id that `expand` names; it may be still to come."""


class Chosen(NamedTuple):
    """The request that is meant, and the session that it was asked through ("" = none)."""

    trace_key: TraceKey
    session_id: str = ""


def chosen_request(question: Question, catalog: Catalog) -> Chosen | Unknown:
    """Return the request that is meant: by the cursor, by its id, or by `pick`. Raises QueryError if ambiguous."""
    params = question.params
    reader = question.snapshot.reader
    if question.cursor is not None:
        return Chosen(TraceKey("trace", bytes.fromhex(question.cursor.request_id)), question.cursor.session_id)
    if params.request_id is not None:
        trace_id = request_id_of(reader, params.request_id)
        return trace_id if isinstance(trace_id, Unknown) else Chosen(TraceKey("trace", trace_id))
    session_id = None
    if params.session_id is not None:
        found_id = session_id_of(reader, params.session_id)
        if isinstance(found_id, Unknown):
            return found_id
        session_id = found_id
    found = requests_matching(catalog, question.snapshot, params, question.window, session_id)
    picked = picked_request(found, params.pick or "last")
    if picked is not None:
        return Chosen(picked.trace_key, session_id or "")
    if not found:
        return Unknown("no request matches: none is stored, or the filters leave none")
    return Unknown(f"none of the {len(found)} requests that match has failed")


def answer_request_trace(question: Question, chosen: Chosen | Unknown, views: Views) -> dict[str, Any]:
    """Return one page of the chosen request's events. Raises QueryError."""
    empty: dict[str, Any] = {"related_logs": [], "related_events": [], "timeline": [], "total": 0}
    if isinstance(chosen, Unknown):
        return {**empty, "notes": [chosen.note]}
    snapshot = question.snapshot
    view = _view(question, views, chosen, snapshot)
    question.check_size(len(view.ordered) if view else 0)
    if view is None:
        request_id = chosen.trace_key.value.hex()
        return {**empty, "notes": [f"request {request_id} is known, but no record of it is stored any more"]}
    answer: dict[str, Any] = {"request": view.record}
    if question.params.expand is not None:
        answer["timeline"] = [_expanded(question, view, question.params.expand)]
        answer["total"] = 1
    else:
        request_id = chosen.trace_key.value.hex()
        add_page(question, view, answer, "timeline", session_id=chosen.session_id, request_id=request_id)
    timeline = answer["timeline"]
    answer["related_logs"] = [event for event in timeline if event["signal"] == "log"]
    answer["related_events"] = [event for event in timeline if event["type"] == "event"]
    if view.spread:
        answer["spread"] = list(view.spread)
    if view.facts is not None and view.facts.is_failed:
        worked = worked_before(snapshot, view.facts)
        if worked:
            answer["worked"] = worked
            undone = undone_in(snapshot, chosen.trace_key, TraceKey("trace", bytes.fromhex(worked["request_id"])))
            if undone:
                answer["undone"] = undone
    if question.cursor is not None:
        answer["late"] = _late(question, view, views, chosen)
    return answer


def _view(question: Question, views: Views, chosen: Chosen, snapshot: Snapshot) -> View | None:
    key = ("request", *chosen, question.position.evictions)
    return views.get(key, snapshot, lambda: request_view(snapshot, chosen.trace_key, chosen.session_id))


def _late(question: Question, view: View, views: Views, chosen: Chosen) -> int:
    reader, upto, position = question.snapshot.reader, question.snapshot.upto, question.position.commit
    if next(iter(reader.parts(position, after=upto, trace_keys=view.trace_keys)), None) is None:
        return 0
    now = Snapshot(question.snapshot.reader, question.position.commit, question.snapshot.limit)
    return late_events(question, view, _view(question, views, chosen, now))


def _expanded(question: Question, view: View, text: str) -> dict[str, Any]:
    """Return one event whole, with its resource and scope.

    Raises NoSuchEventError if `text` names none, QueryError if it could mean several.
    """
    found = _named(view.ordered, text)
    request_id = view.record["request_id"]
    if len(found) != 1:
        problem = "no event of the request has this id" if not found else f"{len(found)} events begin with it"
        ids = ", ".join(event_id(row) for _, row in (found or view.ordered)[:5])
        error = QueryError if found else NoSuchEventError
        raise error(
            f"expand: {text[:80]!r}: {problem}; for example: {ids}. A valid call:"
            f' observe(what="request-trace", request_id="{request_id}", expand="{event_id(view.ordered[0][1])}")'
        )
    row = found[0][1]
    event = dict(events_of(question, found, view.through, None)[0])
    body = question.snapshot.bodies([row])[row.key]
    resource, _ = shown_attributes(resource_attributes(body), None)
    scope = _scope_of(body)
    shown_scope = {"name": scope.name, "version": scope.version}
    event["resource"] = {"attributes": resource}
    event["scope"] = {
        **{name: value for name, value in shown_scope.items() if not is_empty(value)},
        "attributes": shown_attributes(plain_attributes(scope.attributes), None).attributes,
    }
    return event


def _named(ordered: Ordered, text: str) -> Ordered:
    """Return the events that an id names: whole, a span id, or else a prefix of one."""
    text = text.strip().removesuffix("…").lower()
    ids = [(item, item[0][6] or event_id(item[1])) for item in ordered]
    exact = [item for item, whole in ids if text in (whole, _span_id(item[1]))]
    if exact or len(text) < PREFIX_CHARS_MIN:
        return exact
    return [item for item, whole in ids if whole.startswith(text) or _span_id(item[1]).startswith(text)]


def _span_id(row: Row) -> str:
    return row.span_id.hex() if row.signal == "span" else ""


def _scope_of(body: Body) -> InstrumentationScope:
    scopes = ResourceEnvelope.FromString(body.context).scopes
    return InstrumentationScope.FromString(scopes[0].scope) if scopes else InstrumentationScope()
