"""What `gasoline doctor` says of exporters: which one loses or delays what, how it failed, and its line to change."""

import pytest

from collector.query.findings import Finding, findings_of
from collector.query.status import LiveStatus
from collector.telemetry.metrics import ExporterTrouble


def found(live: LiveStatus) -> list[Finding]:
    """What is found of exporters, where nothing has been stored yet."""
    return [each for each in findings_of(None, live, [], "gasoline serve") if each.code != "nothing_arrived"]


def test_lines_about_backends_name_no_exporter_that_may_be_another() -> None:
    reasons = ("refused_by_backend", "gave_up_retrying", "unreadable_in_queue")
    refused = ("busy_sending_queue", "busy_sending_queue_disk", "busy_file")
    findings = found(LiveStatus({}, dict.fromkeys(refused, 1), dict.fromkeys(reasons, 1)))
    assert len(findings) == 6
    assert all(each.change[0].startswith("exporters.<the one that the log names>") for each in findings)
    (final,) = (each for each in findings if each.code == "dropped_refused_by_backend")
    assert final.change == [
        "exporters.<the one that the log names>, by its answer: headers for 401 or 403, the path of endpoint "
        "for 404; for 413 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 in the senders"
    ]


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("http://b.test:1/v1/logs: ConnectError: refused", "exporters.otlp.endpoint: <where the backend answers>"),
        ("b.test:1 answered UNAVAILABLE: failed to connect", "exporters.otlp.endpoint: <where the backend answers>"),
        ("http://b.test:1/v1/logs answered 302 Found", "exporters.otlp.endpoint: <where the backend answers>"),
        *(
            (told, "exporters.otlp.timeout: 60s, or look after the backend")
            for told in ("http://b.test:1/v1/logs did not answer within 30 s", "b.test:1 answered DEADLINE_EXCEEDED: x")
        ),
        *(
            (
                f"b.test:1 answered {told}",
                "nothing for now: it is sent again by itself; if it stays so, "
                "exporters.otlp.sending_queue.queue_size: 1073741824",
            )
            for told in ("429 Too Many Requests", "503 x", "RESOURCE_EXHAUSTED: x", "UNAVAILABLE: the queue is full")
        ),
        *(
            (
                f"b.test:1 answered {told}",
                "what the backend's own log names: it fails itself, and what it fails at is given up after "
                "exporters.otlp.retry_on_failure.max_elapsed_time_on_fault",
            )
            for told in ("500 Internal Server Error", "INTERNAL: x")
        ),
    ],
)
def test_a_backend_that_does_not_take_what_is_sent_is_told_of_in_its_own_words(told: str, change: str) -> None:
    live = LiveStatus(failing_exporters=["otlp"], exporter_troubles={"otlp": ExporterTrouble({}, 0, "", told)})
    message = f"the exporter otlp does not deliver just now ({told}); what waits is kept, and sent when it does"
    assert found(live) == [Finding("problem", "backend_away", "", message, [change])]


def test_each_exporter_that_loses_records_is_named_with_its_own_line() -> None:
    troubles = {
        "otlp": ExporterTrouble({"gave_up_retrying": 2}, 7, "UNAVAILABLE: away"),
        "otlphttp/e": ExporterTrouble({"refused_by_backend": 3, "gave_up_retrying": 4}, 0, "404 Not Found"),
        "otlphttp/full": ExporterTrouble({}, 1, ""),
    }
    dropped = {"refused_by_backend": 3, "gave_up_retrying": 7, "invalid_ids": 1}
    live = LiveStatus({}, {"busy_sending_queue": 2}, dropped, exporter_troubles=troubles)
    queue_size = "sending_queue.queue_size: 1073741824 (and look after the backend: the log names its answers)"
    no_end = "retry_on_failure: {max_elapsed_time: 0s, max_elapsed_time_on_fault: 0s} (0s is never)"
    assert [(each.code, each.message, list(each.change)) for each in found(live)] == [
        (
            "dropped_gave_up_retrying",
            "the exporter otlp dropped 2: its backend did not take them in time; last it was told: UNAVAILABLE: away",
            [f"exporters.otlp.{no_end}"],
        ),
        (
            "dropped_gave_up_retrying",
            "the exporter otlphttp/e dropped 4: its backend did not take them in time; last it was told: 404 Not Found",
            [f"exporters.otlphttp/e.{no_end}"],
        ),
        (
            "dropped_gave_up_retrying",
            "dropped 1: a backend that is forwarded to did not take them in time",
            [f"exporters.<the one that the log names>.{no_end}"],
        ),
        (
            "dropped_invalid_ids",
            "dropped 1: spans without a valid trace or span id cannot be shown",
            ["let the SDK make the ids in the sender: 16 and 8 bytes, not all zero"],
        ),
        (
            "dropped_refused_by_backend",
            "the exporter otlphttp/e dropped 3: its backend refuses them for good; last it was told: 404 Not Found",
            [
                "exporters.otlphttp/e, by its answer: headers for 401 or 403, the path of endpoint for 404; for 413 "
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 in the senders"
            ],
        ),
        (
            "refused_busy_sending_queue",
            "refused 2 times: the queue of what is to be forwarded is full: its backend is slow or away; "
            "senders were told to come again, which they do by themselves",
            [f"exporters.otlp.{queue_size}", f"exporters.otlphttp/full.{queue_size}"],
        ),
    ]
