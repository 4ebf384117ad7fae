"""`gasoline validate`: what would run, or everything that is wrong, with its line."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from collector.components import KNOWN_COMPONENTS
from collector.config.document import DEPTH_MAX, VALUES_MAX
from collector.receivers.otlp.settings import OtlpGrpcSettings

GOOD = """\
receivers:
  otlp:
    protocols:
      grpc:
      http: {endpoint: "127.0.0.1:${env:PORT:-0}"}
  otlp/spare: {protocols: {grpc: {endpoint: 0.0.0.0:1}}}
processors:
  session:
exporters:
  index:
  debug:
extensions:
  query:
service:
  pipelines:
    traces: {receivers: [otlp], processors: [session], exporters: [index, debug]}
    logs: {receivers: [otlp], processors: [session], exporters: [index]}
"""

BAD = """\
receivers:
  otlp:
    protocols:
      grpc: {end_point: "127.0.0.1:1", connections_max: 0}
processors:
  sesion:
exporters:
  index:
    retention:
      age_hours_max: -1
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters:
        - index
        - indx
    log: {receivers: [otlp], exporters: [index]}
  telemetry: {logs: {levle: info}}
exten: 1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "collector.yaml"


def run(config: Path, text: str, *flags: str, environ: dict[str, str] | None = None) -> Result:
    config.write_text(text)
    before = sorted(config.parent.iterdir())
    result = CliRunner().invoke(cli, ["validate", str(config), *flags], env={"GASOLINE_TOKEN": "", **(environ or {})})
    assert sorted(config.parent.iterdir()) == before
    return result


def test_a_valid_file_says_what_would_run(config: Path) -> None:
    result = run(config, GOOD, environ={"PORT": "4999"})
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"valid: {config}",
        "  listens on 127.0.0.1:4317 (receivers.otlp.protocols.grpc)",
        "  listens on 127.0.0.1:4999 (receivers.otlp.protocols.http)",
        "  traces: otlp → session → index, debug",
        "  logs: otlp → session → index",
        "  configured, but not used: extensions.query, receivers.otlp/spare",
    ]


def test_an_invalid_file_says_everything_that_is_wrong_by_line(config: Path) -> None:
    result = run(config, BAD)
    assert result.exit_code == 1
    processors = ", ".join(sorted(KNOWN_COMPONENTS.processors))
    grpc = ", ".join(sorted(OtlpGrpcSettings.model_fields))
    assert result.output.splitlines() == [
        f"{config}:4: receivers.otlp.protocols.grpc.end_point is not a known key; did you mean endpoint? "
        f"known here: {grpc}",
        f"{config}:4: receivers.otlp.protocols.grpc.connections_max: Input should be greater than or equal to 1",
        f"{config}:6: processors.sesion: there is no processor of type sesion; did you mean session? "
        f"known here: {processors}",
        f"{config}:10: exporters.index.retention.age_hours_max: Input should be greater than 0",
        f"{config}:13: service.pipelines.traces.processors: index needs the processor session before it; add it",
        f"{config}:17: service.pipelines.traces.exporters: indx is not configured under exporters; "
        "did you mean index? known here: index",
        f"{config}:18: service.pipelines.log: there is no signal log; did you mean logs? "
        "known here: logs, metrics, traces",
        f"{config}:18: service.pipelines.log.processors: index needs the processor session before it; add it",
        f"{config}:19: service.telemetry.logs.levle is not a known key; did you mean level? "
        "known here: encoding, level",
        f"{config}:20: exten is not a known key; did you mean extensions? "
        "known here: exporters, extensions, processors, receivers, service",
        f"invalid: 10 errors in {config}",
    ]


EVERY_STAGE = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "0.0.0.0:4317"}
      http: {endpoint: "127.0.0.1:${env:PORT}"}
  otlp/open: {protocols: {grpc: {endpoint: "0.0.0.0:5001"}, http: {endpoint: "127.0.0.1:5001"}}}
exporters:
  index:
  index:
  otlp: {endpoint: "127.0.0.1:5003", headers: {authorization: "Bearer ${env:BACKEND_TOKEN}"}}
  otlphttp: {endpoint: "${env:BACKEND}"}
  file: {path: traces.binpb, format: proto}
extensions:
  query: {endpoint: "0.0.0.0:5002"}
service:
  extensions: [query, "${env:EXTENSION}"]
  pipelines:
    traces:
      receivers: [otlp, otlp/open]
      processors: ["${env:PROCESSOR}"]
      exporters: [index, file]
    logs: {receivers: [otlp], exporters: [index, otlp, otlphttp, file]}
    foo: {receivers: [otlp], exporters: [debug]}
    metrics: {receivers: [otlp], exporters: [index]}
  telemetry: {logs: {level: loud}}
"""


def test_one_error_hides_no_other_and_what_only_follows_from_it_is_not_told(config: Path) -> None:
    def unset(name: str) -> str:
        return f"the environment variable {name} is not set; set it, or write ${{env:{name}:-default}}"

    result = run(config, EVERY_STAGE)
    *told, last = result.output.splitlines()
    open_to_all = "is open to other machines; set a bearer token in GASOLINE_TOKEN, or an endpoint on 127.0.0.1"
    assert (result.exit_code, [line.removeprefix(f"{config}:") for line in told]) == (
        1,
        [
            f"5: receivers.otlp.protocols.http.endpoint: {unset('PORT')}",
            "6: receivers.otlp/open.protocols.http.endpoint: 127.0.0.1:5001 is taken by "
            "receivers.otlp/open.protocols.grpc; set another port (0 takes a free one)",
            f"6: receivers.otlp/open.protocols.grpc: endpoint 0.0.0.0:5001 {open_to_all}",
            "9: line 9: the key index is there twice; keep one",
            f"10: exporters.otlp.headers.authorization: {unset('BACKEND_TOKEN')}",
            f"11: exporters.otlphttp.endpoint: {unset('BACKEND')}",
            "12: exporters.file: a file in the format proto does not say which signal is in it; "
            "configure one such exporter for each of logs, traces",
            f"14: extensions.query: endpoint 0.0.0.0:5002 {open_to_all}",
            f"16: service.extensions.1: {unset('EXTENSION')}",
            f"20: service.pipelines.traces.processors.0: {unset('PROCESSOR')}",
            "22: service.pipelines.logs.processors: index needs the processor session before it; add it",
            "23: service.pipelines.foo: there is no signal foo; known here: logs, metrics, traces",
            "23: service.pipelines.foo.exporters: debug is not configured under exporters; "
            "known here: file, index, otlp, otlphttp",
            "24: service.pipelines.metrics.exporters: index takes traces and logs, no metrics; leave it out here",
            "25: service.telemetry.logs.level: Input should be 'debug', 'info', 'warn' or 'error'",
        ],
    )
    assert last == f"invalid: 15 errors in {config}"


def test_programs_get_paths_lines_and_messages(config: Path) -> None:
    result = run(config, GOOD.replace("${env:PORT:-0}", "${env:PORT}"), "--json")
    assert (result.exit_code, json.loads(result.output)) == (
        1,
        {
            "source": str(config),
            "valid": False,
            "errors": [
                {
                    "path": "receivers.otlp.protocols.http.endpoint",
                    "line": 5,
                    "message": "receivers.otlp.protocols.http.endpoint: the environment variable PORT is not set; "
                    "set it, or write ${env:PORT:-default}",
                }
            ],
            "runs": [],
        },
    )
    told = json.loads(run(config, GOOD, "--json").output)
    assert (told["valid"], told["errors"], len(told["runs"])) == (True, [], 5)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            GOOD.replace("[session], exporters: [index]", "[], exporters: [index]"),
            17,
            "index needs the processor session",
        ),
        (GOOD.replace("logs:", "metrics:"), 17, "index takes traces and logs, no metrics"),
        (GOOD.replace("127.0.0.1:${env:PORT:-0}", "0.0.0.0:0"), 5, "is open to other machines; set a bearer token"),
        (GOOD + "service: {}\n", 18, "line 18: the key service is there twice; keep one"),
        (GOOD + "receivers: {}\n", 18, "line 18: the key receivers is there twice; keep one"),
        (GOOD + "a: [\n", 19, "line 19, column 1: this is not YAML"),
        ("", 1, "service.pipelines: Field required"),
    ],
)
def test_what_serve_would_refuse_is_an_error_with_its_line(config: Path, text: str, line: int, message: str) -> None:
    result = run(config, text)
    assert result.exit_code == 1
    first, last = result.output.splitlines()
    assert first.startswith(f"{config}:{line}: ")
    assert message in first
    assert last == f"invalid: 1 error in {config}"


def nested(depth: int) -> str:
    """A value whose innermost list is so many levels deep in the file."""
    return f"{'[' * (depth - 1)}{']' * (depth - 1)}"


@pytest.mark.parametrize(
    ("more", "is_refused"),
    [
        ("a: &a [*a]", True),
        ("a: &a {b: *a}", True),
        ("a: " + "[" * 20_000, True),
        (
            "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "\n".join(f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in pairwise("abcdefghi")),
            True,
        ),
        (f"a: {nested(DEPTH_MAX + 1)}", True),
        (f"a: {nested(DEPTH_MAX)}", False),
        (f"a: [{', '.join(['1'] * VALUES_MAX)}]", True),
        (f"a: [{', '.join(['1'] * (VALUES_MAX - 100))}]", False),
    ],
)
def test_what_repeats_or_nests_without_end_is_one_error(config: Path, more: str, is_refused: bool) -> None:
    result = run(config, GOOD + more)
    told = (
        f"{config}:1: this nests deeper than {DEPTH_MAX} levels, or its aliases repeat more than {VALUES_MAX:,} values"
    )
    assert (result.exit_code, result.output.startswith(f"{told}; write them out\n")) == (1, is_refused)
    assert result.output.splitlines()[-1] == f"invalid: 1 error in {config}"


def test_what_two_would_take_is_an_error_with_the_line_of_the_second(config: Path) -> None:
    text = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:5001"}
      http: {endpoint: "localhost:5001"}
  otlp/spare: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}
  otlp/unused: {protocols: {grpc: {endpoint: "127.0.0.1:5001"}}}
exporters:
  file/one: {path: /tmp/one.jsonl}
  file/two:
    path: /tmp/../tmp/one.jsonl
  file/three: {path: /tmp/three.jsonl}
extensions:
  query: {endpoint: "0.0.0.0:5001"}
service:
  extensions: [query]
  pipelines:
    logs: {receivers: [otlp, otlp/spare], exporters: [file/one, file/two, file/three]}
"""
    result = run(config, text, environ={"GASOLINE_TOKEN": "secret"})
    assert (result.exit_code, result.output.splitlines()) == (
        1,
        [
            f"{config}:5: receivers.otlp.protocols.http.endpoint: localhost:5001 is taken by "
            "receivers.otlp.protocols.grpc; set another port (0 takes a free one)",
            f"{config}:11: exporters.file/two.path: /tmp/../tmp/one.jsonl is written by exporters.file/one; "
            "set another",
            f"{config}:14: extensions.query.endpoint: 0.0.0.0:5001 is taken by receivers.otlp.protocols.grpc; "
            "set another port (0 takes a free one)",
            f"invalid: 3 errors in {config}",
        ],
    )


@pytest.mark.parametrize(
    ("exporter", "endpoint"),
    [
        ("otlphttp", "https://bob:s3cret@backend.example:4318"),
        ("otlphttp", "https://bob:s3cret@backend.example:port"),
        ("otlp", "bob:s3cret@backend.example:4317"),
        ("otlp", "https://bob:s3cret@backend.example:4317"),
    ],
)
def test_a_password_in_an_endpoint_is_refused_and_not_shown(config: Path, exporter: str, endpoint: str) -> None:
    text = GOOD.replace("  debug:", f'  debug:\n  {exporter}: {{endpoint: "{endpoint}"}}')
    result = run(config, text)
    assert (result.exit_code, result.output.splitlines()[0]) == (
        1,
        f"{config}:12: exporters.{exporter}.endpoint: it must not hold a user or password; "
        "send them in headers: {authorization: ${env:NAME}}",
    )
    assert "s3cret" not in result.output


def test_a_token_allows_an_endpoint_beyond_loopback(config: Path) -> None:
    text = GOOD.replace("127.0.0.1:${env:PORT:-0}", "0.0.0.0:0")
    assert run(config, text, environ={"GASOLINE_TOKEN": "secret"}).exit_code == 0


def test_the_built_in_default_is_valid_and_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["validate"])
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "valid: the default")
    result = CliRunner().invoke(cli, ["validate", str(tmp_path / "none.yaml")])
    assert (result.exit_code, result.output) == (
        1,
        f"Error: {tmp_path / 'none.yaml'}: the configuration cannot be read: No such file or directory\n",
    )
