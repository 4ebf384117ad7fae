"""The configuration: what is taken, and what each error says."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from collector.components import KNOWN_COMPONENTS, configured_endpoints
from collector.config.endpoint import is_same_port, reaches
from collector.config.loader import CONFIG_BYTES_MAX, load_config, read_config
from collector.config.model import CollectorConfig, ComponentId
from collector.errors import ConfigError
from collector.receivers.otlp.settings import OtlpSettings
from exporters.debug import DebugSettings
from exporters.index import IndexSettings
from exporters.otlp_settings import QUEUE_BYTES_MIN, OtlpExporterSettings

SMALLEST = """
receivers: {otlp: {protocols: {grpc: }}}
exporters: {debug: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""


def load(
    text: str, *, environ: dict[str, str] | None = None, overrides: dict[tuple[str, ...], object] | None = None
) -> CollectorConfig:
    return load_config(text, KNOWN_COMPONENTS, source="file", environ=environ or {}, overrides=overrides)


def error_of(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as raised:
        load(text, environ=environ)
    return str(raised.value)


def test_the_default_listens_on_loopback_and_sends_traces_and_logs_to_the_index() -> None:
    text, source = read_config(None)
    config = load_config(text, KNOWN_COMPONENTS, source=source, environ={})
    assert dict(configured_endpoints(config)) == snapshot(
        {
            ("receivers", "otlp", "protocols", "grpc", "endpoint"): "127.0.0.1:4317",
            ("receivers", "otlp", "protocols", "http", "endpoint"): "127.0.0.1:4318",
            ("extensions", "query", "endpoint"): "127.0.0.1:4319",
        }
    )
    assert config.service.model_dump() == snapshot(
        {
            "pipelines": {
                "traces": {
                    "receivers": ("otlp",),
                    "processors": ("memory_limiter", "redaction", "session"),
                    "exporters": ("index",),
                },
                "logs": {
                    "receivers": ("otlp",),
                    "processors": ("memory_limiter", "redaction", "session"),
                    "exporters": ("index",),
                },
            },
            "extensions": ("query",),
            "in_flight": {"bytes_max": 268435456, "requests_max": 10000},
            "telemetry": {"logs": {"level": "info", "encoding": "console"}},
        }
    )


def test_a_protocol_named_without_settings_is_on_and_one_not_named_is_off() -> None:
    settings = load(SMALLEST).receivers[ComponentId("otlp")]
    assert isinstance(settings, OtlpSettings)
    assert settings.protocols.grpc is not None
    assert settings.protocols.grpc.endpoint == "127.0.0.1:4317"
    assert settings.protocols.http is None


def test_several_components_of_one_type_are_told_apart_by_name() -> None:
    config = load(
        SMALLEST.replace("{debug: }", "{debug: , debug/all: {verbosity: detailed}}").replace(
            "[debug]", "[debug, debug/all]"
        )
    )
    assert config.exporters == {
        ComponentId("debug"): DebugSettings(),
        ComponentId("debug", "all"): DebugSettings(verbosity="detailed"),
    }
    assert config.service.pipelines["traces"].exporters == ("debug", "debug/all")


def test_environment_variables_are_expanded_with_their_yaml_type_defaults_and_escapes() -> None:
    text = SMALLEST.replace(
        "{debug: }",
        "{debug: , index: {retention: {disk_bytes_max: '${env:DISK}', age_hours_max: '${env:AGE:-24}'}}}",
    ).replace("{grpc: }", "{grpc: {endpoint: '${env:HOST}:${env:PORT:-4417}'}}")
    config = load(text, environ={"DISK": "123456789", "HOST": "127.0.0.1"})
    index = config.exporters[ComponentId("index")]
    assert isinstance(index, IndexSettings)
    assert index.retention.model_dump() == {"disk_bytes_max": 123456789, "age_hours_max": 24.0}
    assert list(configured_endpoints(config).values()) == ["127.0.0.1:4417"]


@pytest.mark.parametrize("key", ["123456", "0123", "1e5", "1_000", "0x10", "secret"])
def test_a_header_of_digits_is_the_text_of_its_variable(key: str) -> None:
    settings = "{endpoint: 'localhost:4417', timeout: '${env:TIMEOUT}', headers: {x-api-key: '${env:KEY}'}}"
    config = load(SMALLEST.replace("{debug: }", f"{{debug: , otlp: {settings}}}"), environ={"KEY": key, "TIMEOUT": "0"})
    exporter = config.exporters[ComponentId("otlp")]
    assert isinstance(exporter, OtlpExporterSettings)
    assert (exporter.headers, exporter.timeout) == ({"x-api-key": key}, "0s")


@pytest.mark.parametrize("size", [1000, QUEUE_BYTES_MIN - 1])
def test_a_queue_size_in_requests_is_said_to_be_the_collector_s(size: int) -> None:
    settings = f"{{endpoint: 'localhost:4417', sending_queue: {{queue_size: {size}}}}}"
    assert error_of(SMALLEST.replace("{debug: }", f"{{debug: , otlp: {settings}}}")) == (
        f"file: exporters.otlp.sending_queue.queue_size: {size} must be at least 65536: it is in bytes here. "
        "The OpenTelemetry Collector counts requests; a file for it is none for gasoline"
    )


def test_two_dollars_are_one() -> None:
    assert error_of(SMALLEST.replace("{debug: }", "{debug: {verbosity: '$${env:X}'}}")) == snapshot(
        "file: exporters.debug.verbosity: Input should be 'basic' or 'detailed'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SMALLEST.replace("grpc:", "grcp:"),
            snapshot(
                "file: receivers.otlp.protocols.grcp is not a known key; did you mean grpc? known here: grpc, http"
            ),
        ),
        (
            SMALLEST.replace("{grpc: }", "{grpc: {end_point: x}}"),
            snapshot(
                "file: receivers.otlp.protocols.grpc.end_point is not a known key; did you mean endpoint? known here: \
connections_max, endpoint, max_concurrent_streams, max_recv_msg_size_mib, response_bytes_max"
            ),
        ),
        (
            SMALLEST + "recievers: {}\n",
            snapshot(
                "file: recievers is not a known key; did you mean receivers? known here: exporters, extensions, \
processors, receivers, service"
            ),
        ),
        (
            SMALLEST.replace("{debug: }", "{debug: , zipkin: }"),
            snapshot(
                "file: exporters.zipkin: there is no exporter of type zipkin; known here: debug, file, index, otlp, \
otlphttp"
            ),
        ),
        (
            SMALLEST.replace("exporters: [debug]", "exporters: [debgu]"),
            snapshot(
                "file: service.pipelines.traces.exporters: debgu is not configured under exporters; did you mean \
debug? known here: debug"
            ),
        ),
        (
            SMALLEST.replace("{traces:", "{trace:"),
            snapshot(
                "file: service.pipelines.trace: there is no signal trace; did you mean traces? known here: logs, \
metrics, traces"
            ),
        ),
        (
            SMALLEST.replace("receivers: [otlp], exporters", "recievers: [otlp], exporters"),
            snapshot(
                "file: service.pipelines.traces.recievers is not a known key; did you mean receivers? known here: \
exporters, processors, receivers"
            ),
        ),
        (
            SMALLEST.replace("exporters: [debug]}}}", "exporters: [debug], x: 1}}}"),
            snapshot(
                "file: service.pipelines.traces.x is not a known key; known here: exporters, processors, receivers"
            ),
        ),
        (
            SMALLEST.replace("service: {", "service: {telemetry: {logs: {levle: info}}, "),
            snapshot(
                "file: service.telemetry.logs.levle is not a known key; did you mean level? known here: encoding, level"
            ),
        ),
        (
            SMALLEST.replace("{grpc: }", "{grpc: {endpoint: 4317}}"),
            snapshot("file: receivers.otlp.protocols.grpc.endpoint: Input should be a valid string"),
        ),
        (
            SMALLEST.replace("{grpc: }", "{}"),
            snapshot("file: receivers.otlp.protocols: name at least one of grpc, http"),
        ),
        (
            SMALLEST.replace("{grpc: }", "{grpc: {endpoint: '${env:WHERE}'}}"),
            snapshot(
                "file: receivers.otlp.protocols.grpc.endpoint: the environment variable WHERE is not set; set it, or \
write ${env:WHERE:-default}"
            ),
        ),
        (SMALLEST + "exporters: {}\n", snapshot("file: line 5: the key exporters is there twice; keep one")),
        (
            "a: [",
            snapshot("file: line 1, column 5: this is not YAML: expected the node content, but found '<stream end>'"),
        ),
        ("- a", snapshot("file: the configuration has to be a mapping (key: value), not list")),
        ("", snapshot("file: service.pipelines: Field required")),
    ],
)
def test_an_error_names_the_key_path_and_what_is_valid(text: str, message: str) -> None:
    assert error_of(text) == message


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "1e400", "876001"])
@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            SMALLEST.replace("{debug: }", "{debug: , index: {retention: {age_hours_max: NUMBER}}}"),
            "exporters.index.retention.age_hours_max",
        ),
        (
            SMALLEST.replace("{grpc: }", "{http: {header_timeout_s: NUMBER}}"),
            "receivers.otlp.protocols.http.header_timeout_s",
        ),
        (
            SMALLEST.replace("{grpc: }", "{http: {body_timeout_s: NUMBER}}"),
            "receivers.otlp.protocols.http.body_timeout_s",
        ),
        (
            SMALLEST.replace("{grpc: }", "{http: {keep_alive_timeout_s: NUMBER}}"),
            "receivers.otlp.protocols.http.keep_alive_timeout_s",
        ),
    ],
)
def test_times_that_never_end_are_refused(text: str, path: str, number: str) -> None:
    error = error_of(text.replace("NUMBER", number))
    assert error.startswith(f"file: {path}: Input should be ")
    assert "\n" not in error


def test_the_longest_times_are_taken() -> None:
    text = SMALLEST.replace("{debug: }", "{debug: , index: {retention: {age_hours_max: 876000}}}")
    index = load(text.replace("{grpc: }", "{http: {body_timeout_s: 86400}}")).exporters[ComponentId("index")]
    assert isinstance(index, IndexSettings)
    assert index.retention.age_hours_max == 876_000


def test_a_flag_overrides_the_file_and_needs_its_component() -> None:
    path = ("receivers", "otlp", "protocols", "grpc", "endpoint")
    assert configured_endpoints(load(SMALLEST, overrides={path: "127.0.0.1:0"})) == {path: "127.0.0.1:0"}
    with pytest.raises(ConfigError) as raised:
        load(SMALLEST, overrides={("extensions", "query", "endpoint"): "127.0.0.1:0"})
    assert str(raised.value) == snapshot(
        "file: a flag sets extensions.query.endpoint, but extensions.query is not configured; add it"
    )


def test_a_file_that_cannot_be_read_or_is_too_large_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: the configuration cannot be read: No such file or directory$"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (CONFIG_BYTES_MAX + 1))
    with pytest.raises(ConfigError, match=r"at most 1048576 bytes"):
        read_config(tmp_path / "large.yaml")
    (tmp_path / "full.yaml").write_bytes(b"#" * CONFIG_BYTES_MAX)
    assert read_config(tmp_path / "full.yaml") == ("#" * CONFIG_BYTES_MAX, str(tmp_path / "full.yaml"))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        read_config(tmp_path / "binary.yaml")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("127.0.0.1:5001", "127.0.0.1:5001", True),
        ("127.0.0.1:5001", "LOCALHOST:5001", True),
        ("127.0.0.1:5001", "0.0.0.0:5001", True),
        (":5001", "0.0.0.0:5001", True),
        ("[::]:5001", "[::1]:5001", True),
        ("127.0.0.1:5001", "127.0.0.1:5002", False),
        ("127.0.0.1:5001", "127.0.0.2:5001", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("0.0.0.0:5001", "[::1]:5001", False),
        ("[::1]:5001", "127.0.0.1:5001", False),
    ],
)
def test_two_endpoints_are_one_port_only_where_not_both_can_be_bound(one: str, other: str, expected: bool) -> None:
    assert (is_same_port(one, other), is_same_port(other, one)) == (expected, expected)


@pytest.mark.parametrize(
    ("target", "listening", "expected"),
    [
        ("127.0.0.1:5001", "127.0.0.1:5001", True),
        ("localhost:5001", "127.0.0.1:5001", True),
        ("LocalHost.:5001", "[::1]:5001", True),
        ("gasoline.localhost:5001", "localhost:5001", True),
        ("[0:0:0:0:0:0:0:1]:5001", "[::1]:5001", True),
        ("0.0.0.0:5001", "127.0.0.1:5001", True),
        ("127.0.0.2:5001", "0.0.0.0:5001", True),
        ("localhost:5001", "0.0.0.0:5001", True),
        ("[::1]:5001", ":5001", True),
        ("127.0.0.1:5001", "[::]:5001", True),
        ("192.0.2.1:5001", "192.0.2.1:5001", True),
        ("127.0.0.1:5002", "127.0.0.1:5001", False),
        ("127.0.0.2:5001", "127.0.0.1:5001", False),
        ("[::1]:5001", "127.0.0.1:5001", False),
        ("backend.example:5001", "0.0.0.0:5001", False),
        ("localhost:5001", "192.0.2.1:5001", False),
        ("localhost:0", "localhost:0", False),
    ],
)
def test_an_endpoint_reaches_a_port_of_this_machine_by_any_name_of_loopback(
    target: str, listening: str, expected: bool
) -> None:
    assert reaches(target, listening) == expected
