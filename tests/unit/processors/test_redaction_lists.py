"""Secrets that another member of a list names, and what is said in prose with a token in it."""

from collections import Counter
from functools import cache

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from collector.pdata.envelope import Signal
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.text import Secrets

HELD = "Zq7Vw2Lk9Tn4"


@cache
def rules() -> Secrets:
    return Secrets(SecretNames())


def redacted(text: str) -> str:
    return rules().redact(text.encode(), Counter()).decode()


def members_after(*members: str) -> list[str]:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    values = [AnyValue(string_value=member) for member in members]
    record.body.CopyFrom(AnyValue(array_value=ArrayValue(values=values)))
    body, _ = redact_request(Signal.LOGS, request.SerializeToString(), rules())
    after = ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records[0].body
    return [value.string_value for value in after.array_value.values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[('user', 'bob'), ('password', 'ab1')]", "[('user', 'bob'), ('password', '[redacted:password]')]"),
        ("(b'token', b'a b')", "(b'token', b'[redacted:token]')"),
        ('{"name": "password", "value": "ab"}', '{"name": "password", "value": "[redacted:password]"}'),
        ('["--token", "ab", "-v"]', '["--token", "[redacted:token]", "-v"]'),
        (
            '["Host","shop","Authorization","ab1","Accept","*/*"]',
            '["Host","shop","Authorization","[redacted:authorization]","Accept","*/*"]',
        ),
        ('["Cookie", "a=b", "X-Api-Key", "a b c"]', '["Cookie", "[redacted:cookie]", "X-Api-Key", "[redacted:key]"]'),
        ('setHeader("X-Auth-Token", "ab1")', 'setHeader("X-Auth-Token", "[redacted:token]")'),
        ('os.Setenv("DB_PASSWORD", "ab1")', 'os.Setenv("DB_PASSWORD", "[redacted:password]")'),
        ("('password', 'abcdefghijklmnopqrstuvwxyzabcdefg')", "('password', '[redacted:password]')"),
        (f'redis.set("token", "{HELD}", "EX", 60)', 'redis.set("token", "[redacted:token]", "EX", 60)'),
        (f'["HSET","user:1","password","{HELD}"]', '["HSET","user:1","password","[redacted:password]"]'),
        (f'Info("in","user","bob","password","{HELD}")', 'Info("in","user","bob","password","[redacted:password]")'),
        ('set("api_key", "9f8e7d6c5b4a3f2e", "EX")', 'set("api_key", "[redacted:key]", "EX")'),
    ],
)
def test_what_a_member_of_a_list_names(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


def test_headers_in_one_array_as_node_has_them() -> None:
    headers = ("Host", "shop", "Authorization", HELD, "x-api-key", f"{HELD}1", "Accept", "text/html")
    marked = ("Host", "shop", "Authorization", "[redacted:authorization]", "x-api-key", "[redacted:key]")
    assert members_after(*headers) == [*marked, "Accept", "text/html"]


def test_a_token_in_an_array_of_several_members() -> None:
    assert members_after("HSET", "user:1", "password", HELD) == ["HSET", "user:1", "password", "[redacted:password]"]


@pytest.mark.parametrize(
    ("template", "label"),
    [
        ("auth: {} was refused", "authorization"),
        ("auth: Bearer {} was refused", "authorization"),
        ("token: {}", "token"),
        ("jwt: {}, user: bob", "token"),
        ("secret: {}\nuser: bob", "secret"),
        ("user-auth: {}", "authorization"),
        ("x-auth: {}", "authorization"),
        ("pin:{}", "code"),
        ("token:{} x", "token"),
        ("username/password:{}", "password"),
        ("vault kv secret/api_key:{}", "key"),
        ("bob@token:{}", "token"),
    ],
)
def test_what_looks_like_a_token_behind_a_word_of_prose(template: str, label: str) -> None:
    expected = template.replace("Bearer ", "").format(f"[redacted:{label}]")
    assert redacted(template.format(HELD)) == expected
    assert redacted(expected) == expected


def test_digits_behind_a_colon_are_a_port_only_where_they_are_no_code() -> None:
    assert redacted("token:8080 pin:8080 password:8080 http://pin:8080") == (
        "token:8080 pin:[redacted:code] password:[redacted:password] http://pin:8080"
    )
    assert redacted("GET auth:token:ab1cd2ef") == "GET auth:[redacted:authorization]"
    assert redacted("bob/password:12345678 /token:12345678") == "bob/password:[redacted:password] /token:12345678"
    assert redacted("cookie:sid=ab") == "cookie:[redacted:cookie]"
    assert redacted("Cookie: sid=ab") == "Cookie: [redacted:cookie]"


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("secret", "/x9AbC3dEfGh1Jk2Lm==", "secret"),
        ("auth", "elastic:Ch4ngeMe1", "authorization"),
        ("token", "v1:9f8e7d6c5b4a3f2e1d0c", "token"),
        ("jwt", "cache:6379:Ch4ngeMe1", "token"),
        ("Cookie", "prefs[theme]=dark; sid=Zq7Vw2Lk9Tn4", "cookie"),
        ("Cookie", "consent; session=Zq7Vw2Lk9Tn4", "cookie"),
    ],
)
def test_a_secret_with_colons_slashes_or_more_cookies_behind_a_word_of_prose(name: str, value: str, label: str) -> None:
    assert redacted(f"{name}: {value}") == f"{name}: [redacted:{label}]"
