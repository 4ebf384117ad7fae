"""The one door to what is stored: a question in, the JSON answer of contract.md out."""

import gc
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from collector.query.activity import activity_of
from collector.query.catalog import Catalog
from collector.query.list_answers import answer_requests, answer_sessions
from collector.query.logs import answer_logs
from collector.query.lost_propagation import lost_propagation_in
from collector.query.params import ObserveParams
from collector.query.prefixes import requests_meant, sessions_meant
from collector.query.presence import NOTHING_YET, probe_of
from collector.query.question import Question, question_of
from collector.query.request_trace import NoSuchEventError, answer_request_trace, chosen_request
from collector.query.session_trace import answer_session_trace, chosen_session
from collector.query.snapshot import QUERY_TIME_S_MAX, Snapshot, TimeLimit
from collector.query.status import Holdings, LiveStatus, status_answer
from collector.query.stored import FiledUnder, stored_otlp_json
from collector.query.views import Views
from collector.query.waiting import Probe, wait_for
from collector.store.api import Reader


class _CollectionPause:
    """Looks for no reference cycles while questions are answered: a timeline is tens of thousands of tuples.

    None of them is in a cycle, and each search would walk them all again, which doubles the time that reading takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._holders:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders and self._was_enabled:
                gc.enable()


class Answer(dict[str, Any]):
    """An answer as JSON has it, and what those who show less of it may ask the same store.

    `cursor_after(count)` goes on after the first `count` entries of a list's page. `sessions_meant(text)` and
    `requests_meant(text)` are the stored ids that a text could mean.
    """

    def __init__(self, answer: Mapping[str, Any], cursor_after: Callable[[int], str], reader: Reader) -> None:
        super().__init__(answer)
        self.cursor_after = cursor_after
        self.sessions_meant = partial(sessions_meant, reader)
        self.requests_meant = partial(requests_meant, reader)


class QueryService:
    """Answers questions over one Reader. Synchronous; safe to use from several threads.

    Timelines are read at once. Lists take turns, and so does choosing by `pick`: all of them share the catalog.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        clock_unix_nano: Callable[[], int] = time.time_ns,
        live_status: Callable[[], LiveStatus | None] = lambda: None,
        time_limit_s: float = QUERY_TIME_S_MAX,
    ) -> None:
        self._reader = reader
        self._clock_unix_nano = clock_unix_nano
        self._live_status = live_status
        self._time_limit_s = time_limit_s
        self._turn = threading.Lock()
        self._collection_pause = _CollectionPause()
        self._catalog = Catalog(reader)
        self._views = Views()

    @property
    def reader(self) -> Reader:
        """The store that is asked; for those who watch it for news."""
        return self._reader

    def observe(
        self,
        params: ObserveParams,
        *,
        page_size: int | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Return the answer; `page_size` overrides `limit`. Waits if `wait_for` asks for it, until `is_cancelled`.

        It is an Answer, for those who may show less of its page than there is.
        Raises QueryError, whose text names the argument and a valid call, and StoreUnavailableError.
        """
        missing = ""
        if params.wait_for is not None and params.cursor is None:
            missing = self._wait(params, params.wait_for, is_cancelled)
        answer = self._answer(params, page_size)
        if missing:
            answer["notes"] = [missing, *answer.get("notes", ())]
        return answer

    def activity(self, session_ids: Sequence[str]) -> dict[str, Any]:
        """Return how busy these sessions were over their time; see activity_of for the answer and what it raises."""
        with self._collection_pause:
            return activity_of(self._present(), session_ids)

    def stored_otlp_json(self, whole_id: str, filed_under: FiledUnder) -> bytes:
        """Return the record of one event as OTLP/JSON; see collector.query.stored for what it raises."""
        return stored_otlp_json(self._present(), whole_id, filed_under)

    def _present(self) -> Snapshot:
        return Snapshot(self._reader, self._reader.position().commit, TimeLimit(self._time_limit_s))

    def _wait(self, params: ObserveParams, seconds: float, is_cancelled: Callable[[], bool]) -> str:
        """Wait for what is asked for; returns what is still missing, "" if nothing is."""
        return wait_for(
            self._reader,
            lambda: self._probe(params),
            seconds,
            self._clock_unix_nano,
            is_cancelled=is_cancelled,
        ).missing(seconds)

    def _probe(self, params: ObserveParams) -> Probe:
        try:
            return probe_of(self._answer(params, 1), self._reader)
        except NoSuchEventError:
            return NOTHING_YET

    def _answer(self, params: ObserveParams, page_size: int | None) -> dict[str, Any]:
        with self._collection_pause:
            if params.what in ("session-trace", "request-trace"):
                question, answer = self._trace(params, page_size)
            else:
                with self._turn:
                    question = self._question(params, page_size)
                    self._advance(question)
                    answer = self._list(question)
            return Answer(question.finish(answer), question.cursor_after, self._reader)

    def _question(self, params: ObserveParams, page_size: int | None) -> Question:
        """Begin to answer; the time for it runs from now on."""
        return question_of(
            self._reader, params, page_size, self._clock_unix_nano(), lambda: TimeLimit(self._time_limit_s)
        )

    def _trace(self, params: ObserveParams, page_size: int | None) -> tuple[Question, dict[str, Any]]:
        picks_from_all = params.pick is not None and params.cursor is None and not params.session_id
        answer: Callable[[], dict[str, Any]]
        with self._turn if picks_from_all else nullcontext():
            question = self._question(params, page_size)
            if picks_from_all:
                self._advance(question)
            if params.what == "session-trace":
                session_id = chosen_session(question, self._catalog)
                answer = partial(answer_session_trace, question, session_id, self._views)
            else:
                request = chosen_request(question, self._catalog)
                answer = partial(answer_request_trace, question, request, self._views)
        return question, answer()

    def _list(self, question: Question) -> dict[str, Any]:
        match question.params.what:
            case "sessions":
                return answer_sessions(question, self._catalog)
            case "requests":
                return answer_requests(question, self._catalog)
            case "logs":
                return answer_logs(question, self._catalog)
            case _:
                return self._status(question)

    def _advance(self, question: Question) -> None:
        """Bring the catalog up to date; where the time does not suffice, the answer is as of an earlier commit."""
        self._catalog.advance(question.position, question.snapshot)
        if question.cursor is None and self._catalog.high < question.snapshot.upto:
            question.snapshot.upto = self._catalog.high
            question.snapshot.note(
                f"partial: the time for one question was over; this is as of commit {self._catalog.high} of"
                f" {question.position.commit}. Ask again for more"
            )

    def _status(self, question: Question) -> dict[str, Any]:
        merged = self._catalog.merged
        requests = [trace_key for trace_key in merged.traces if trace_key.is_trace]
        holdings = Holdings(
            sessions=len(merged.sessions),
            requests=len(requests),
            requests_without_session=sum(not merged.session_ids_of(trace_key) for trace_key in requests),
        )
        lost = lost_propagation_in(self._catalog, question.snapshot)
        return status_answer(self._reader.status(), self._live_status(), holdings, lost)
