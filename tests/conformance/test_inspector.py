"""The official inspector's command line, against a real collector over HTTP."""

import json
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest

RunNode = Callable[[str, Sequence[str]], "subprocess.CompletedProcess[str]"]
Inspect = Callable[..., "subprocess.CompletedProcess[str]"]

TOOL_ERROR_STATUS = 5


@pytest.fixture
def inspect(run_node: RunNode, query_url: str) -> Inspect:
    """`inspect(*arguments)`: one call of the inspector."""

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_node("mcp-inspector", ["--cli", f"{query_url}/mcp", "--transport", "http", *arguments])

    return call


def answer_of(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_tool_is_portable_by_the_strict_rules(inspect: Inspect) -> None:
    (tool,) = answer_of(inspect("--method", "tools/list", "--strict"))["tools"]
    assert tool["name"] == "observe"


def test_the_tool_carries_a_view_for_chat_clients(inspect: Inspect) -> None:
    app = answer_of(inspect("--method", "tools/call", "--tool-name", "observe", "--app-info"))
    assert app == {
        "hasApp": True,
        "toolName": "observe",
        "resourceUri": "ui://gasoline/timeline.html",
        "resourceMimeType": "text/html;profile=mcp-app",
        "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []},
        "permissions": {"clipboardWrite": {}},
        "prefersBorder": True,
    }


def test_a_question_is_answered_in_text_and_in_json(inspect: Inspect, session_id: str) -> None:
    call = ("--method", "tools/call", "--tool-name", "observe", "--tool-arg", "what=sessions")
    text = answer_of(inspect(*call))
    assert "structuredContent" not in text
    assert session_id[:14] in text["content"][0]["text"]
    data = answer_of(inspect(*call, "--tool-arg", "format=json"))
    assert [session["session_id"] for session in data["structuredContent"]["sessions"]] == [session_id]
    assert json.loads(data["content"][0]["text"]) == data["structuredContent"]


def test_a_wrong_question_is_a_tool_error(inspect: Inspect) -> None:
    done = inspect("--method", "tools/call", "--tool-name", "observe", "--tool-arg", "what=sesions")
    assert done.returncode == TOOL_ERROR_STATUS
    assert "did you mean 'sessions'?" in done.stdout


def test_resources_and_prompts_are_read(inspect: Inspect, session_id: str) -> None:
    (listed,) = answer_of(inspect("--method", "resources/list"))["resources"]
    assert listed["uri"] == f"session://{session_id}"
    (content,) = answer_of(inspect("--method", "resources/read", "--uri", listed["uri"]))["contents"]
    assert "card declined" in content["text"]
    templates = answer_of(inspect("--method", "resources/templates/list"))["resourceTemplates"]
    assert [template["uriTemplate"] for template in templates] == ["session://{id}", "request://{id}"]
    prompt = answer_of(
        inspect(
            "--method", "prompts/get", "--prompt-name", "what_happened", "--prompt-args", f"session_id={session_id}"
        )
    )
    assert session_id in prompt["messages"][0]["content"]["text"]
