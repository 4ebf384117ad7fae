"""What an agent sees: the demo asks its questions through a real MCP client, over stdio."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from collector.demo.processes import DemoError

ARRIVAL_TIMEOUT_S = 20

Question = Mapping[str, Any]


def ask(
    data_dir: Path,
    environment: Mapping[str, str],
    awaited: Sequence[str],
    questions: Sequence[Question],
    show: Callable[[Question, str], None],
) -> None:
    """Connect to `gasoline mcp`, wait until the `awaited` request ids have arrived whole, then show each answer.

    Raises DemoError if an answer is an error; its text is the tool's own.
    """
    failures: list[DemoError] = []

    async def talk() -> None:
        arguments = ["-m", "collector", "mcp", "--data-dir", str(data_dir)]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=dict(environment))
        try:
            async with Client(server) as client:
                async with anyio.create_task_group() as group:
                    for request_id in awaited:
                        group.start_soon(_observe, client, _arrival_of(request_id))
                for question in questions:
                    show(question, await _observe(client, question))
        except* DemoError as group_of_errors:
            failures.extend(_leaves(group_of_errors))

    anyio.run(talk)
    if failures:
        raise failures[0]


def call_text(question: Question) -> str:
    """Return a call as one would type it."""
    return f"observe({', '.join(f'{name}={json.dumps(value)}' for name, value in question.items())})"


async def _observe(client: Client, question: Question) -> str:
    result = await client.call_tool("observe", dict(question))
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        raise DemoError(f"{call_text(question)} was answered with an error: {text}")
    return text


def _arrival_of(request_id: str) -> Question:
    return {"what": "request-trace", "request_id": request_id, "limit": 1, "wait_for": ARRIVAL_TIMEOUT_S}


def _leaves(group: BaseExceptionGroup[DemoError]) -> list[DemoError]:
    leaves: list[DemoError] = []
    for error in group.exceptions:
        leaves.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return leaves
