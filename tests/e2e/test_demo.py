"""The demo, run for real: what it shows, what it exits with, and that it leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx
import psutil
import pytest

from collector.query.params import parse_params
from collector.query.service import QueryService
from collector.store.sqlite.reader import SqliteReader

DEMO_TIMEOUT_S = 60
MARK = "DEMO_TEST_MARK"
RUN = (
    "import sys; from pathlib import Path; from collector.demo.run import run_demo; sys.exit(run_demo({}, Path({!r})))"
)

StartDemo = Callable[..., "subprocess.Popen[str]"]
Observe = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@pytest.fixture
def mark() -> Iterator[str]:
    """A word that every process of the demo has in its environment; none may have it afterwards."""
    value = uuid.uuid4().hex
    yield value
    assert [process.cmdline() for process in marked(value)] == []


def marked(value: str) -> list[psutil.Process]:
    """Return the living processes that carry the mark."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == value and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def start_demo(mark: str) -> Iterator[StartDemo]:
    """Start the demo on a data folder, in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path, *, keep: bool = False) -> subprocess.Popen[str]:
        demo = subprocess.Popen(
            [sys.executable, "-c", RUN.format(keep, str(data_dir))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, MARK: mark, "TMPDIR": str(data_dir.parent)},
        )
        started.append(demo)
        return demo

    yield start
    for demo in started:
        demo.kill()
        demo.communicate()


def read_until(stream: IO[str], pattern: str) -> str:
    """Return what is read up to and with the first line that `pattern` is found in."""
    text = ""
    for line in stream:
        text += line
        if re.search(pattern, line):
            return text
    raise AssertionError(f"no line with {pattern!r} in:\n{text}")


def open_store(data_dir: Path) -> Observe:
    """Return a way to ask the store that the demo left behind."""
    query = QueryService(SqliteReader(data_dir))
    return lambda question: query.observe(parse_params({**question, "format": "json"}))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What one whole run prints, and the data folder that it left."""
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    finished = subprocess.run(
        [sys.executable, "-c", RUN.format(False, str(data_dir))],
        capture_output=True,
        text=True,
        timeout=DEMO_TIMEOUT_S,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout, data_dir


def sessions_by_scenario(text: str) -> dict[str, tuple[str, str]]:
    """Read the visits that the demo lists: scenario -> (status, session id)."""
    listed = re.findall(r"^  (\w+) +POST /api/checkout +(\d+) +(session-[0-9a-f]{32})$", text, re.MULTILINE)
    return {scenario: (status, session_id) for scenario, status, session_id in listed}


@pytest.mark.requirement("testing:real-services", "testing:correlated-timeline")
def test_it_prints_the_answers_and_what_to_do_next(shown: tuple[str, Path]) -> None:
    text, _ = shown
    visits = sessions_by_scenario(text)
    statuses = {scenario: status for scenario, (status, _) in visits.items()}
    assert statuses == {"ok": "200", "declined": "502", "timeout": "504", "exception": "500"}

    declined = visits["declined"][1]
    calls = re.findall(r"^> observe\((.*)\)$", text, re.MULTILINE)
    assert calls[:2] == ['what="sessions"', f'what="session-trace", session_id="{declined}"']
    assert re.fullmatch(r'what="request-trace", request_id="[0-9a-f]{32}"', calls[2])
    answers = re.split(r"^> observe\(.*\)$", text, flags=re.MULTILINE)[1:]
    assert all("insufficient funds" in answer for answer in answers[1:])
    assert all(re.search(r"^cause.*payments", answer, re.MULTILINE) for answer in answers[1:])

    assert "gasoline mcp --print-config claude" in text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317" in text
    assert "Traceback" not in text.split("> observe", 1)[0]


@pytest.mark.requirement("backend:error-reporting", "session-record:first-url", "session-record:user-agent")
def test_each_session_holds_its_own_and_names_its_cause(shown: tuple[str, Path]) -> None:
    text, data_dir = shown
    observe = open_store(data_dir)
    visits = sessions_by_scenario(text)
    sessions = observe({"what": "sessions"})["sessions"]
    assert sorted(session["session_id"] for session in sessions) == sorted(id for _, id in visits.values())

    causes: dict[str, tuple[str | None, str]] = {}
    for scenario, (status, session_id) in visits.items():
        told = observe({"what": "session-trace", "session_id": session_id, "limit": 1000})
        assert told["session"]["services"] == sorted(
            {"browser", "shop", "orders"} | ({"payments"} if scenario != "exception" else set())
        )
        assert told["session"]["has_errors"] == (scenario != "ok")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", told["session"]["first_url"])
        assert told["session"]["user_agent"].startswith("Mozilla/5.0")
        requests = observe({"what": "requests", "session_id": session_id})["requests"]
        paths = {re.sub(r"^http://[^/]+", "", request["url"]): request.get("status") for request in requests}
        assert paths == {"/": 200, "/api/products": 200, "/api/checkout": int(status)}
        cause = told["session"].get("cause", {})
        causes[scenario] = (cause.get("service"), re.sub(r"\d+ ms", "N ms", cause.get("reason", "")))
    assert causes == {
        "ok": (None, ""),
        "declined": ("payments", 'PaymentDeclined "card declined: insufficient funds"'),
        "timeout": ("payments", "answered after N ms; orders gave up after N ms (ReadTimeout)"),
        "exception": ("orders", "KeyError \"'gift'\""),
    }


def test_the_monitor_stays_out_of_every_session(shown: tuple[str, Path]) -> None:
    _, data_dir = shown
    outside = open_store(data_dir)({"what": "requests", "without_session": True})["requests"]
    assert [(request["method"], request["status"], request["service_calls"]) for request in outside] == [
        ("GET", 200, ["shop"])
    ]


def test_it_leaves_nothing_running(start_demo: StartDemo, mark: str, tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "data")
    assert demo.stdout is not None
    read_until(demo.stdout, r"^> observe")
    assert len(marked(mark)) >= 5
    demo.communicate(timeout=DEMO_TIMEOUT_S)
    assert demo.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kept_it_answers_until_it_is_told_to_end(start_demo: StartDemo, tmp_path: Path, number: signal.Signals) -> None:
    demo = start_demo(tmp_path / "data", keep=True)
    assert demo.stdout is not None
    text = read_until(demo.stdout, r"^  ask ")
    shop = re.search(r"^  shop +(http://\S+)", text, re.MULTILINE)
    assert shop is not None
    assert "Demo shop" in httpx.get(shop.group(1), trust_env=False).text
    demo.send_signal(number)
    rest, _ = demo.communicate(timeout=DEMO_TIMEOUT_S)
    assert demo.returncode == 0
    assert rest.splitlines()[-1] == "Stopped; nothing is left running."


def test_interrupted_while_it_starts_it_cleans_up(start_demo: StartDemo, tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "data")
    assert demo.stdout is not None
    read_until(demo.stdout, r"^Starting")
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=DEMO_TIMEOUT_S)
    assert demo.returncode == 130


def test_a_failing_collector_is_told_with_its_last_lines(start_demo: StartDemo, tmp_path: Path) -> None:
    taken = tmp_path / "a file, no folder"
    taken.write_text("")
    demo = start_demo(taken)
    text, _ = demo.communicate(timeout=DEMO_TIMEOUT_S)
    assert demo.returncode == 1
    assert "The demo failed: collector ended before it was ready" in text
    assert re.search(r"^  collector \| .*a file, no folder", text, re.MULTILINE)


def test_a_killed_demo_takes_its_collector_and_services_along(start_demo: StartDemo, mark: str, tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "data", keep=True)
    assert demo.stdout is not None
    read_until(demo.stdout, r"^  ask ")
    started = [process for process in marked(mark) if process.pid != demo.pid]
    assert len(started) == 4
    demo.kill()
    _, alive = psutil.wait_procs(started, timeout=DEMO_TIMEOUT_S)
    assert alive == []
    # It ended in good order.
    assert not (tmp_path / "data" / "endpoints.json").exists()


def test_without_its_extra_it_says_what_to_install() -> None:
    program = f"import sys; sys.modules['flask'] = None; {RUN.format(False, 'nowhere')}"
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEMO_TIMEOUT_S, check=False
    )
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        "The demo failed: it needs flask; install what is missing with: pip install 'gasoline-otel[demo]'\n"
    )
