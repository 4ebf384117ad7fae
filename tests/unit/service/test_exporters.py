"""Exporters that a configuration may not combine so, said before anything is opened."""

from pathlib import Path

import pytest

from collector.components import KNOWN_COMPONENTS, build_collector
from collector.config.loader import load_config
from collector.errors import ConfigError

CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:14317"}}}}}}}}
exporters: {{{exporters}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [{traces}]}}
    logs: {{receivers: [otlp], exporters: [{logs}]}}
"""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("exporters", "traces", "logs", "message"),
    [
        (
            "file: {path: x, format: proto}",
            "file",
            "file",
            "exporters.file: a file in the format proto does not say which signal is in it; "
            "configure one such exporter for each of logs, traces",
        ),
        (
            'otlp/loop: {endpoint: "127.0.0.1:14317"}, debug: ',
            "otlp/loop",
            "debug",
            "exporters.otlp/loop.endpoint: 127.0.0.1:14317 is a port of this collector itself",
        ),
        (
            'otlp: {endpoint: "http://localhost:14317"}, debug: ',
            "otlp",
            "debug",
            "exporters.otlp.endpoint: http://localhost:14317 is a port of this collector itself",
        ),
        (
            'otlphttp: {endpoint: "http://127.0.0.1:14317"}, debug: ',
            "debug",
            "otlphttp",
            "exporters.otlphttp.endpoint: http://127.0.0.1:14317 is a port of this collector itself",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    exporters: str, traces: str, logs: str, message: str, tmp_path: Path
) -> None:
    text = CONFIG.format(exporters=exporters, traces=traces, logs=logs)
    config = load_config(text, KNOWN_COMPONENTS, source="file", environ={})
    with pytest.raises(ConfigError) as refused:
        await build_collector(config, tmp_path / "data")
    assert str(refused.value) == message
    assert not (tmp_path / "data").exists()
