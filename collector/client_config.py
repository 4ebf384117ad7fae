"""The one line, or the JSON, that connects an agent to Gasoline."""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

CLIENTS = ("claude", "vscode", "cursor")
SERVER_NAME = "gasoline"


def client_config(client: str, data_dir: Path | None) -> str:
    """Return what to paste for `client` (one of CLIENTS); `data_dir` None is the default folder.

    claude: a command for Claude Code. vscode: `.vscode/mcp.json`. cursor: `.cursor/mcp.json`.
    """
    arguments = ["mcp"] if data_dir is None else ["mcp", "--data-dir", str(data_dir.absolute())]
    command = [*_own_command(), *arguments]
    if client == "claude":
        return f"claude mcp add {SERVER_NAME} -- {shlex.join(command)}"
    entry = {"command": command[0], "args": command[1:]}
    if client == "vscode":
        return json.dumps({"servers": {SERVER_NAME: {"type": "stdio", **entry}}}, indent=2)
    return json.dumps({"mcpServers": {SERVER_NAME: entry}}, indent=2)


def _own_command() -> Sequence[str]:
    """Return how to start this very installation from any folder, by its script if there is one."""
    script = Path(sys.executable).with_name("gasoline")
    if script.is_file():
        on_path = shutil.which("gasoline")
        if on_path is not None and Path(on_path).resolve() == script.resolve():
            return ["gasoline"]
        return [str(script)]
    return [sys.executable, "-P", "-m", "collector"]
