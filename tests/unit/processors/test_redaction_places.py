"""Secrets in places of their own: flattened names, statements, addresses, command lines, what programs print."""

import base64
from collections import Counter
from functools import cache

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from collector.pdata.envelope import Signal
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.text import Secrets

HELD = "Zq7Vw2Lk9Tn4Xb6R"
CARD = 4111111111111111


def pem(kind: str) -> str:
    return base64.b64encode(f"-----BEGIN {kind}-----\nMIIEvQIBADANBgkqhkiG9w0BAQ".encode()).decode()


@cache
def rules() -> Secrets:
    return Secrets(SecretNames())


def redacted(text: str) -> str:
    return rules().redact(text.encode(), Counter()).decode()


def value_after(key: str, value: AnyValue) -> AnyValue:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.add(key=key).value.CopyFrom(value)
    body, _ = redact_request(Signal.TRACES, request.SerializeToString(), rules())
    return ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0].attributes[0].value


CODES = "otp_code mfa_code verification_code verificationCode two_factor_code pin_code auth_code authorization_code"
FLATTENED = {
    "password.0": "password",
    "passwords.0": "password",
    "api_key.0": "key",
    "http.request.header.authorization.0": "authorization",
    "password.value": "password",
    "pin.0.value": "code",
}


@pytest.mark.parametrize(("key", "label"), [*((code, "code") for code in CODES.split()), *FLATTENED.items()])
def test_names_of_codes_and_names_with_an_index(key: str, label: str) -> None:
    assert value_after(key, AnyValue(string_value=HELD)) == AnyValue(string_value=f"[redacted:{label}]")
    assert redacted(f"x=1 {key}={HELD}, y") == f"x=1 {key}=[redacted:{label}], y"
    assert redacted(f'{{"{key}": "{HELD}"}}') == f'{{"{key}": "[redacted:{label}]"}}'


@pytest.mark.parametrize(
    ("template", "mark"),
    [
        ("CREATE USER bob IDENTIFIED WITH mysql_native_password BY '{}'", "[redacted:password]"),
        ('"ALTER USER bob IDENTIFIED WITH \'a\' AS \\"{}\\" x"', "[redacted:password]"),
        ("SET PASSWORD FOR 'bob'@'%' = '{}'", "[redacted:password]"),
        ("SET PASSWORD FOR bob = PASSWORD('{}')", "[redacted:password]"),
        ("AUTH {}", "[redacted:password]"),
        ("AUTH default {}", "[redacted:password]"),
        ("CONFIG SET requirepass {}", "[redacted:password]"),
        ("bind 127.0.0.1\nrequirepass {}\n", "[redacted:password]"),
        ('masterauth "{}"', "[redacted:password]"),
        ("redis-server --requirepass {} --port 1", "[redacted:password]"),
        ("keytool -storepass {} -v", "[redacted:password]"),
        ('["password"]=>\n  string(16) "{}"\n', "[redacted:password]"),
        ('["password"]=> string(16) "{}"', "[redacted:password]"),
        ("- name: DB_PASSWORD\n  value: {}\n- name: x", "[redacted:password]"),
        ('"name": "api_key",\n  "value": "{}"', "[redacted:key]"),
        ('["curl","-u","bob:{}","http://shop.test"]', "[redacted:password]"),
        ("['/bin/curl', '--user', 'bob:{}']", "[redacted:password]"),
        ('{{"cmd": "[\\"curl\\", \\"-u\\", \\"bob:{}\\"]"}}', "[redacted:password]"),
        ("Invalid token: {}", "[redacted:token]"),
        ('{{"message": "invalid token: \'{}\'"}}', "[redacted:token]"),
    ],
)
def test_what_statements_commands_and_dumps_hold(template: str, mark: str) -> None:
    assert redacted(template.format(HELD)) == template.format(mark)
    assert redacted(template.format(mark)) == template.format(mark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invalid URL: postgres://app:ab/S9@db:5432/x", "Invalid URL: postgres://REDACTED:REDACTED@db:5432/x"),
        ("amqp://user:S9#a@mq", "amqp://REDACTED:REDACTED@mq"),
        ('"redis://:x"', '"redis://:x"'),
        ("mysql://app:a1?b@db/x", "mysql://REDACTED:REDACTED@db/x"),
        (r"postgres:\/\/app:ab#c@db\/x", r"postgres:\/\/REDACTED:REDACTED@db\/x"),
        ("app:ab@c@tcp(db:3306)/shop?x=1", "REDACTED:REDACTED@tcp(db:3306)/shop?x=1"),
        ("open app:ab@unix(/run/my.sock)/shop", "open REDACTED:REDACTED@unix(/run/my.sock)/shop"),
        (f"client-key-data: {pem('RSA PRIVATE KEY')}\nx: 1", "client-key-data: [redacted:private_key]\nx: 1"),
        (f"tls.key: {pem('PRIVATE KEY')}", "tls.key: [redacted:private_key]"),
    ],
)
def test_addresses_with_raw_passwords_and_encoded_keys(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize("key", ["pan", "card.pan", "creditCard", "payment.card", "credit_card", "card"])
def test_a_whole_number_under_the_name_of_a_card(key: str) -> None:
    assert value_after(key, AnyValue(int_value=CARD)) == AnyValue(string_value="[redacted:card]")
    assert value_after(key, AnyValue(int_value=CARD + 1)) == AnyValue(int_value=CARD + 1)
    assert value_after(key, AnyValue(string_value="visa")) == AnyValue(string_value="visa")


def test_the_user_among_the_arguments_of_curl() -> None:
    def array(*members: str) -> AnyValue:
        return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=member) for member in members]))

    assert value_after("process.command_args", array("/usr/bin/curl", "-s", "-u", f"bob:{HELD}", "a")) == array(
        "/usr/bin/curl", "-s", "-u", "[redacted:credential]", "a"
    )
    docker = array("docker", "run", "-u", "1000:1000", "curl")
    assert value_after("process.command_args", docker) == docker
