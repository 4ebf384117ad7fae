"""Everyday texts that say the words of secrets and hold none: each passes as it came, as a text and as an attribute."""

import base64
from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.pdata.envelope import Signal
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.text import Secrets

CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIDBjCCAe6gAwIBAgIBATANBgkqhkiG9w0").decode()
# Services, pods and images that are called as secrets are.
NAMED_SO = [
    "http://auth:8080/users/42/orders?x=1",
    "http://user-auth:8080/users/42",
    "http://acme.auth:8080",
    "http://token:8080/x",
    "https://otp:8443/verify",
    "http://password:80?a=b",
    "http://jwt:3000",
    "auth:8080",
    "cookie:8080",
    "secret:443/a",
    "dns:///auth:50051",
    "bob@auth:22",
    "connect ECONNREFUSED auth:8080",
    'Get "http://auth:8080/users/42": dial tcp: lookup auth: no such host',
    "image ghcr.io/acme/auth:1.4.2 pulled",
    "ghcr.io/acme/token:latest",
    "auth:1.4.2",
    "auth:v2.0",
    "POST /v1/token:exchange",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbC1dE",
]
# What programs say about them.
PROSE = [
    "verify user: auth: connection refused",
    "auth: timeout",
    "auth: invalid_grant",
    "auth: DeadlineExceeded",
    "failed to call auth: status 503",
    "auth: user 12345678 not found",
    "auth: http://auth2.test/users refused",
    "auth: 10.0.3.27:8080: i/o timeout",
    "user-auth: CrashLoopBackOff",
    "Pod auth: OOMKilled",
    "jwt: malformed",
    "jwt: signature is invalid",
    "token: unauthorized",
    "secret: NotFound",
    "cookie: too large",
    "bearer: realm",
    "Access denied for user 'root'@'localhost' (using password: YES)",
    "(using password: NO)",
    'secret "db-creds" not found',
    'secrets "foo" is forbidden',
    "password: is too short",
    "password: must have at least 8 characters",
    "password: can't be blank",
    "Password: This field may not be blank.",
    '{"password":["This field is required."]}',
    '{"errors":{"password":"is too short","token":"can\'t be blank"}}',
    "otp: sent",
    "verification_code: used",
    "card_number: ****4242, cardNumber=XXXX-XXXX-XXXX-4242",
    "private_key: /etc/ssl/key.pem",
    '{"credentials": "/etc/shop/credentials.json"}',
    "GET auth:token:42",
    "redis.call('GET', 'auth:session')",
    "cache miss: token:user:42",
    "auth:connection refused",
    "auth: users-svc1:8080: connection refused",
    "auth: users-svc1:8080/users/12345678 refused",
    "auth: /v1/users/12345678: no such user",
]
# Addresses with an `@` or a `:` in them, and what begins as credentials do.
ADDRESSES = [
    "http://shop.test:8080/path?email=bob@shop.test",
    "redis://cache:6379/0?client=bob@shop.test",
    "jdbc:mysql://db:3306/shop?user=bob@db",
    "mongodb://one:27017,two:27017/?x=a@b",
    "https://cdn.test/npm/@scope/pkg@1.2.3/index.js",
    "http://{host}:{port}/users/@me",
    "git+ssh://git@git.test:acme/shop.git@v1",
    f"certificate-authority-data: {CERTIFICATE}",
    "AUTH LOGIN",
    "AUTH failed",
    "config get requirepass",
    "the requirepass directive is unset",
    "customer identified as 'gold'",
    "SET PASSWORD FOR 'bob'@'%' = ?",
    "error: verification code expired",
    "grant_type=authorization_code&state=x",
    '{"grant_type":"authorization_code","state":"x"}',
    "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: db",
    '["password"]=> NULL',
    '["docker","run","-u","1000:1000"]',
    "Invalid token: '<'",
    "Unexpected token: identifier",
]
# Names of columns and fields, one behind the other.
LISTS = [
    'SELECT "auth_user"."id", "auth_user"."password", "auth_user"."last_login" FROM "auth_user"',
    'SELECT "t0"."password", "t1"."id"',
    'INSERT INTO "users" ("email","encrypted_password","created_at") VALUES ($1, $2, $3)',
    'INSERT INTO "users" ("password", "address1") VALUES (?, ?)',
    '{"field":"password","message":"too short"}',
    '{"grant_type":"password","username":"bob"}',
    '{"grant_type":"password","oauth2":"bob"}',
    '{"cvc_check":"pass","avs":"Y"}',
    '["password","email"]',
    '["password","address1","2fa","addressLine1","billing_address_line_1"]',
    'INSERT INTO users ("email", "password", "sha256_of_address", "x") VALUES (?, ?, ?, ?)',
    'INSERT INTO "users" ("confirmation_sent_at", "confirmed_at", "current_sign_in_at", "last_sign_in_at",'
    ' "unlocked_at", "remembered_at", "encrypted_password", "oauth2_provider_name", "x") VALUES (?)',
    "('password', 'email')",
    "['id', 'token', 'created_at']",
    '{"fields":["password","email","2fa"]}',
    '["Content-Type","Authorization","X-Requested-With"]',
    '["--password","--verbose"]',
]
STATEMENTS = [
    "mutation Login($email: String!, $password: String!) { login(email: $email, password: $password) { id } }",
    "def login(password: str, token: string) -> None",
    "SELECT 1 FROM a JOIN b ON a.token = b.id",
    "WHERE a.token = b.id AND a.x = 1",
    "WHERE token = ANY(ARRAY[$1])",
    "UPDATE users SET token = gen_random_uuid()",
    "WHERE password = ?1 AND token = ?2",
    "password: ${DB_PASSWORD}",
    "DB_PASSWORD=$PASSWORD DB_TOKEN=${API_TOKEN_2}",
]
HARMLESS = [*NAMED_SO, *PROSE, *ADDRESSES, *LISTS, *STATEMENTS]


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    return Secrets(SecretNames())


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_passes_as_it_came(text: str, secrets: Secrets) -> None:
    counts: Counter[str] = Counter()
    assert secrets.redact(text.encode(), counts).decode() == text
    assert not counts
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=text)
    span.attributes.add(key="url.full").value.string_value = text
    span.attributes.add(key="app.note").value.array_value.values.add(string_value=text)
    body = request.SerializeToString()
    assert redact_request(Signal.TRACES, body, secrets) == (body, Counter())


@pytest.mark.parametrize(
    "members",
    [
        ["password", "email"],
        ["id", "token", "created_at"],
        ["password", "token", "x1"],
        ["password", "addressLine1", "billing_address_line_1"],
        ["Content-Type", "Authorization", "X-Requested-With"],
        ["app", "--password", "--verbose"],
        ["Authorization", "Content-Type"],
    ],
)
def test_a_list_of_names_passes_as_it_came(members: list[str], secrets: Secrets) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    values = span.attributes.add(key="app.fields").value.array_value.values
    for member in members:
        values.add(string_value=member)
    body = request.SerializeToString()
    assert redact_request(Signal.TRACES, body, secrets) == (body, Counter())


@pytest.mark.parametrize(("key", "number"), [("test.pass", 12), ("tests.pass", 999)])
def test_a_count_under_a_common_word_stays_a_number(key: str, number: int, secrets: Secrets) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.add(key=key).value.int_value = number
    body = request.SerializeToString()
    assert redact_request(Signal.TRACES, body, secrets) == (body, Counter())
