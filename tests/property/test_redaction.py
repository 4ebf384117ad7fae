"""Planted secrets are nowhere in what follows, what is no secret stays to the byte, no text that changes is missed."""

from collections import Counter
from functools import cache
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.pdata.envelope import Signal
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.text import Secrets

EXAMPLES = 150
BLOCKED_KEYS = ("staff-number",)
BLOCKED_VALUES = ("EMP-[0-9]{4}",)


class Pair(NamedTuple):
    """A text with its secrets and without, and these."""

    planted: str
    redacted: str
    secrets: tuple[str, ...]


class Values(NamedTuple):
    """The same of a value."""

    planted: AnyValue
    redacted: AnyValue
    secrets: tuple[str, ...]


class Attribute(NamedTuple):
    """The same of an attribute."""

    both: tuple[KeyValue, KeyValue]
    secrets: tuple[str, ...]


class Records(NamedTuple):
    """Requests, with secrets and without, around one record with secrets and one without, and these."""

    signal: Signal
    planted: bytes
    redacted: bytes
    secrets: set[str]


@cache
def rules() -> Secrets:
    return Secrets(SecretNames(BLOCKED_KEYS, ["session.id"]), BLOCKED_VALUES)


# --- What is planted

word = st.text("abcXYZ0123456789", min_size=13, max_size=30).map(lambda text: f"q{text}Q7")
hexadecimal = st.text("0123456789abcdef", min_size=40, max_size=40)
assigned = st.sampled_from(
    [
        ("password={}", "password=[redacted:password]"),
        ('{{"client_secret": "{}"}}', '{{"client_secret": "[redacted:secret]"}}'),
        ("GET /a?page_token=p&access_token={}#top", "GET /a?page_token=p&access_token=[redacted:token]#top"),
        ("x-api-key: {}", "x-api-key: [redacted:key]"),
        ("Authorization: Basic {}", "Authorization: [redacted:authorization]"),
        ("/callback?code={}&state=x", "/callback?code=[redacted:authorization_code]&state=x"),
        ("curl -u bob:{}", "curl -u bob:[redacted:password]"),
        ("password:\n  {}", "password:\n  [redacted:password]"),
        ('secret := "{}"', 'secret := "[redacted:secret]"'),
        ("password[0]={}", "password[0]=[redacted:password]"),
        ("password=a;{};user=b", "password=[redacted:password];user=b"),
        ("/a;sig={};b=c", "/a;sig=[redacted:signature];b=c"),
        ("%3Fa%3Db%26sig%3D{}%26c", "%3Fa%3Db%26sig%3D[redacted:signature]%26c"),
        ("curl -b 'a={}'", "curl -b '[redacted:cookie]'"),
        ("pass={}", "pass=[redacted:password]"),
        ("connectionString='{}'", "connectionString='[redacted:connection_string]'"),
        ("amqp://bob:{}@queue:5672/", "amqp://REDACTED:REDACTED@queue:5672/"),
        ("--staff-number {}", "--staff-number [redacted:blocked_key]"),
        ("set token = N'{}'", "set token = N'[redacted:token]'"),
        ('password: Some("{}")', 'password: Some("[redacted:password]")'),
        ("secret=crypt('{}', x)", "secret=crypt('[redacted:secret]', x)"),
        ("token IN ('{}')", "token IN ('[redacted:token]')"),
        ("tokens=[{}]", "tokens=[[redacted:tokens]]"),
        ("<a:Password b='c'>{}</a:Password>", "<a:Password b='c'>[redacted:password]</a:Password>"),
        ("<secret><![CDATA[{}]]></secret>", "<secret><![CDATA[[redacted:secret]]]></secret>"),
        ('name="password"\r\n\r\n{}\r\n', 'name="password"\r\n\r\n[redacted:password]\r\n'),
        ("\\u0022token\\u0022:\\u0022{}\\u0022", "\\u0022token\\u0022:\\u0022[redacted:token]\\u0022"),
        ("ghp_{}", "ghp_{}"),
    ]
)
plain = st.text("abc é漢🙂.,-_/\n", max_size=20) | st.sampled_from(["POST /charge", "10.1.2.3", "200", "Mozilla/5.0"])


@st.composite
def texts(draw: st.DrawFn) -> Pair:
    """Draw a text, with one secret in it or none."""
    before, after = draw(plain), draw(plain)
    if draw(st.booleans()):
        return Pair(before + after, before + after, ())
    template, redacted = draw(assigned)
    if template.startswith("ghp_"):
        secret = "ghp_" + draw(hexadecimal)
        return Pair(f"{before} {secret} {after}", f"{before} [redacted:github_token] {after}", (secret,))
    secret = draw(word)
    return Pair(f"{before} {template.format(secret)} {after}", f"{before} {redacted.format()} {after}", (secret,))


leaves = st.one_of(
    texts().map(
        lambda pair: Values(AnyValue(string_value=pair.planted), AnyValue(string_value=pair.redacted), pair.secrets)
    ),
    st.sampled_from(
        [AnyValue(int_value=4111111111111111), AnyValue(double_value=0.5), AnyValue(bool_value=True), AnyValue()]
    ).map(lambda value: Values(value, value, ())),
    st.just(
        Values(
            AnyValue(string_value="card 4111-1111-1111-1111, EMP-1234"),
            AnyValue(string_value="card [redacted:card], [redacted:blocked_value]"),
            ("1111-1111", "EMP-1234"),
        )
    ),
)


def in_array(items: list[Values]) -> Values:
    return Values(
        AnyValue(array_value=ArrayValue(values=[item.planted for item in items])),
        AnyValue(array_value=ArrayValue(values=[item.redacted for item in items])),
        sum((item.secrets for item in items), ()),
    )


def in_list(items: list[Attribute]) -> Values:
    planted, redacted = (KeyValueList(values=[item.both[index] for item in items]) for index in range(2))
    secrets = sum((item.secrets for item in items), ())
    return Values(AnyValue(kvlist_value=planted), AnyValue(kvlist_value=redacted), secrets)


@st.composite
def attributes(draw: st.DrawFn, values: st.SearchStrategy[Values] = leaves) -> Attribute:
    """Draw an attribute: its name says that it is a secret, or not."""
    if draw(st.booleans()):
        value = draw(values)
        key = draw(st.sampled_from(["app.note", "user_agent.original", "client.address", "url.path", "tokens.used"]))
        both = (KeyValue(key=key, value=value.planted), KeyValue(key=key, value=value.redacted))
        return Attribute(both, value.secrets)
    secret = draw(word)
    key, label = draw(
        st.sampled_from(
            [
                ("db.password", "password"),
                ("http.request.header.authorization", "authorization"),
                ("accessToken", "token"),
                ("Staff-Number", "blocked_key"),
                ("auth", "authorization"),
                ("db.pass", "password"),
                ("userPin", "code"),
                ("connectionString", "connection_string"),
                ("session.id", ""),
            ]
        )
    )
    if not label:
        kept = KeyValue(key=key, value=AnyValue(string_value="ghp_" + "0a1b2c3d4e5f" * 3))
        return Attribute((kept, kept), ())
    planted = KeyValue(key=key, value=AnyValue(string_value=secret))
    redacted = KeyValue(key=key, value=AnyValue(string_value=f"[redacted:{label}]"))
    return Attribute((planted, redacted), (secret,))


values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(in_array) | st.lists(attributes(inner), max_size=3).map(in_list),
    max_leaves=4,
)


some_attributes = st.lists(attributes(values), max_size=3)


@st.composite
def trace_requests(draw: st.DrawFn) -> Records:
    """Draw a request of spans."""
    both = (ExportTraceServiceRequest(), ExportTraceServiceRequest())
    secrets: set[str] = set()
    for _ in range(draw(st.integers(1, 2))):
        around = draw(some_attributes)
        spans = draw(st.lists(span_pairs(), max_size=3))
        for index, request in enumerate(both):
            outer = request.resource_spans.add()
            outer.resource.attributes.extend(one.both[index] for one in around)
            inner = outer.scope_spans.add(spans=[pair[index] for pair, _ in spans])
            inner.scope.attributes.extend(one.both[index] for one in around)
        secrets.update(*(one.secrets for one in around), *(found for _, found in spans))
    return Records(Signal.TRACES, both[0].SerializeToString(), both[1].SerializeToString(), secrets)


@st.composite
def span_pairs(draw: st.DrawFn) -> tuple[tuple[Span, Span], tuple[str, ...]]:
    name, message = draw(texts()), draw(texts())
    own, of_event, of_link = draw(some_attributes), draw(some_attributes), draw(some_attributes)
    planted, redacted = (
        Span(
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            trace_state="gasoline=ghp_0123456789012345678901234567890123456789",
            name=(name.planted, name.redacted)[index],
            start_time_unix_nano=4111111111111111,
            attributes=[one.both[index] for one in own],
            events=[Span.Event(name="exception", attributes=[one.both[index] for one in of_event])],
            links=[Span.Link(attributes=[one.both[index] for one in of_link])],
            status=Status(message=(message.planted, message.redacted)[index]),
        )
        for index in range(2)
    )
    secrets = sum((one.secrets for one in (*own, *of_event, *of_link)), name.secrets + message.secrets)
    return (planted, redacted), secrets


@st.composite
def log_requests(draw: st.DrawFn) -> Records:
    """Draw a request of log records."""
    both = (ExportLogsServiceRequest(), ExportLogsServiceRequest())
    logs = draw(st.lists(st.tuples(values, some_attributes), max_size=3))
    for index, request in enumerate(both):
        inner = request.resource_logs.add().scope_logs.add()
        for body, own in logs:
            inner.log_records.add(
                time_unix_nano=1795000000000000000,
                body=(body.planted, body.redacted)[index],
                attributes=[one.both[index] for one in own],
            )
    secrets = {secret for body, own in logs for found in (body, *own) for secret in found.secrets}
    return Records(Signal.LOGS, both[0].SerializeToString(), both[1].SerializeToString(), secrets)


# --- What holds


@given(case=trace_requests() | log_requests())
@settings(max_examples=EXAMPLES, deadline=None)
def test_no_secret_is_left_and_nothing_else_changes(case: Records) -> None:
    signal, planted, expected, secrets = case
    redacted, counts = redact_request(signal, planted, rules())
    assert redacted == expected
    assert (redacted is planted) is (not counts)
    assert [secret for secret in secrets if secret.encode() in redacted] == []
    assert redact_request(signal, redacted, rules()) == (redacted, Counter())


fragments = st.sampled_from(
    """password Token db.secret apiKey api_key session.id cookie Set-Cookie authorization jwt otp pwd sig pin auth
    page_token credentials Bearer basic Basic Ym9iOnBhc3M= eyJhbGciOiJIUzI1NiJ9 . :// @ = : => %3D , ; & ? / # [ ] { }
    ( ) " ' \\" \\' \\\\ \\ < > - -- _ é 漢 % 4111111111111111 4111 1111 null *** value staff-number EMP-1234
    -----BEGIN PRIVATE-KEY----- x abcdefgh12345678ABCDEFGH sk- AKIA0123456789ABCDEF REDACTED [redacted:token]
    \\u0026 \\u003d &amp; \\/ %20 identified by curl -u --user ?code=0123456789abcdef pass bearer connectionString dsn
    := == %26 %3F %253D %22 &quot; value= \"\"\" ;sig= curl -b --cookie a=b [0] [] |
    \\n \\u00a0 &nbsp; order /orders/ N' f( crypt(' in IN ( not ` `pwd` Some(" $1 @p1 :pwd b.token (string)
    IDENTIFIED BY jdbc:oracle:thin:a/b
    requirepass LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0t @tcp( bob:ab AUTH
    ["curl","-u","a:b" amqp://bob:a/b@c set password for .0 .value otp_code auth_code string(9)
    :8080 http://auth ", " ["password ("token on a.token b.id is too short secret: auth:
    <pwd> </pwd> <![CDATA[ ]]> name=" tokens security_code \\u0022 \\x22 &#34;""".split()
) | st.sampled_from(
    [
        " ",
        "\x1b[0m",
        "\n",
        "\n  ",
        "\n- ",
        "\n  value: ",
        "identified with a by '",
        "set password for bob = '",
        "config set requirepass ",
        "AUTH bob ab1cdefgh",
        "insert into a (b, pwd) values (1, '",
        "INSERT INTO a (pin) values (12)",
        "\t",
        "\u00a0",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "0",
        "a",
    ]
)
mixed = st.lists(fragments, max_size=12).map("".join)
surroundings = st.binary(max_size=6)


@given(text=mixed | st.text(), before=surroundings, after=surroundings)
@settings(max_examples=4 * EXAMPLES, deadline=None)
def test_a_text_that_changes_is_found_wherever_it_stands(text: str, before: bytes, after: bytes) -> None:
    encoded = text.encode()
    redacted = rules().redact(encoded, Counter())
    redacted.decode()
    if redacted != encoded:
        start, end = len(before), len(before) + len(encoded)
        assert any(first < end and last > start for first, last in rules().spans(before + encoded + after))
