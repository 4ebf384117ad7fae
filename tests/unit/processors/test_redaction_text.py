"""What counts as a secret in a text, what is written in its place, and what is left alone."""

import random
from collections import Counter
from functools import cache

import pytest

from collector.processors.redaction.names import LABEL_HELD_BYTES_MAX, LABELS_HELD_MAX, SecretNames
from collector.processors.redaction.shapes import is_card
from collector.processors.redaction.text import Secrets

FILLER = "0a1B2c3D4e5F6g7H8i9J" * 4
HEX = "0123456789abcdef" * 4
# Of numbers of 16 digits a fifth begin as those of an issuer; of these a tenth have the right check digit.
LIKE_CARDS_SHARE_MAX = 0.03


@cache
def rules() -> Secrets:
    return Secrets(SecretNames(kept=["session.id"]))


def redacted(text: str, secrets: Secrets | None = None) -> str:
    return (secrets or rules()).redact(text.encode(), Counter()).decode()


GAPS = [
    " ",
    "-",
    ".",
    "/",
    "_",
    "+",
    "%20",
    "&nbsp;",
    "\\u00a0",
    "\\\\u2011",
    *"\u00a0\u2007\u2009\u202f\u2010\u2011\u2013\u2014\u2212\u3000",
]


@pytest.mark.parametrize("gap", [*GAPS, "  ", "\u00a0\u2013"])
def test_cards_are_known_whatever_stands_between_their_digits(gap: str) -> None:
    assert redacted(f"paid with {gap.join(['4111', '1111', '1111', '1111'])}.") == "paid with [redacted:card]."
    assert redacted(f"paid with {gap.join(['3782', '822463', '10005'])}.") == "paid with [redacted:card]."


def test_ids_that_look_like_cards_stay() -> None:
    rng, secrets = random.Random(16), Secrets(SecretNames())
    digits = [str(rng.randrange(10**15, 10**16)) for _ in range(1_000)]
    templates = ("order_id={}", "order {}", "/orders/{}/lines", '{{"id": {}}}', "trackingNumber: {}", "offset={}")
    texts = [template.format(one) for one in digits for template in templates]
    assert [text for text in texts if redacted(text, secrets) != text] == []
    changed = sum(redacted(f"batch of {one} is done", secrets) != f"batch of {one} is done" for one in digits)
    assert changed <= len(digits) * LIKE_CARDS_SHARE_MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password:\n  ab", "password:\n  [redacted:password]"),
        ("Password:\r\nab\r\nLast login", "Password:\r\n[redacted:password]\r\nLast login"),
        ("password: |-\n\n  ab\nuser: bob", "password: |-\n\n  [redacted:password]\nuser: bob"),
        ('{"password":\n  "ab"}', '{"password":\n  "[redacted:password]"}'),
        (r'"password:\n\tab\nuser: bob"', r'"password:\n\t[redacted:password]\nuser: bob"'),
        (
            'passwords:\n  - ab\n  - "cd"\n  - ef\nuser: bob',
            'passwords:\n  - [redacted:password]\n  - "[redacted:password]"\n  - [redacted:password]\nuser: bob',
        ),
        ("passwords: [ab, cd]", "passwords: [[redacted:password]]"),
        ("<password>\n  ab\n</password>", "<password>\n  [redacted:password]\n</password>"),
        ("Authorization:\n  Basic ab", "Authorization:\n  [redacted:authorization]"),
        ('credentials:\n  {"a": "b"}', 'credentials:\n  {"a": "[redacted:credential]"}'),
        ('password := "ab"', 'password := "[redacted:password]"'),
        ("if password == 'ab'", "if password == '[redacted:password]'"),
        ('@password ||= "ab"', '@password ||= "[redacted:password]"'),
        ("password[0]=ab", "password[0]=[redacted:password]"),
        ("/a?passwords[]=ab&x=1", "/a?passwords[]=[redacted:password]&x=1"),
        ("password%5B0%5D=ab", "password%5B0%5D=[redacted:password]"),
        ("password=a;b", "password=[redacted:password]"),
        ("password=a;b;c&d;Server=e", "password=[redacted:password];Server=e"),
        ("password=a&amp;user=bob", "password=[redacted:password]&amp;user=bob"),
        ("/a;sig=ab;x=1?y=2", "/a;sig=[redacted:signature];x=1?y=2"),
        ("u=%2Fc%3Fx%3D1%26sig%3Dab%26y%3D1", "u=%2Fc%3Fx%3D1%26sig%3D[redacted:signature]%26y%3D1"),
        ("u=c%253Fsig%253Dab", "u=c%253Fsig%253D[redacted:signature]"),
        ("curl -b 'a=b; c=d' http://x", "curl -b '[redacted:cookie]' http://x"),
        ("curl -sb a=b http://x", "curl -sb [redacted:cookie] http://x"),
        ("curl --cookie a=b http://x", "curl --cookie [redacted:cookie] http://x"),
        ('{"cmd": "curl --cookie \\"a=b\\" x"}', '{"cmd": "curl --cookie \\"[redacted:cookie]\\" x"}'),
        ("curl --oauth2-bearer ab x", "curl --oauth2-bearer [redacted:token] x"),
        ("pass=ab auth=cd pin=1234", "pass=[redacted:password] auth=[redacted:authorization] pin=[redacted:code]"),
        ("pass: ab", "pass: [redacted:password]"),
        ("auth: ab1cd2ef of bob", "auth: [redacted:authorization] of bob"),
        ("dbPass='ab' x-auth: cd", "dbPass='[redacted:password]' x-auth: [redacted:authorization]"),
        ("run --auth bob:ab --pass cd", "run --auth [redacted:authorization] --pass [redacted:password]"),
        ("connectionString=ab", "connectionString=[redacted:connection_string]"),
        ("dsn=bob:ab@tcp(db)/shop", "dsn=REDACTED:REDACTED@tcp(db)/shop"),
        ("DB_DSN: mysql://bob:ab@db/shop", "DB_DSN: mysql://REDACTED:REDACTED@db/shop"),
        ("creds: ab", "creds: [redacted:credential]"),
        ('password = """a\nb""" c', 'password = """[redacted:password]""" c'),
        ("%7B%22password%22%3A%22ab%22%7D", "%7B%22password%22%3A[redacted:password]"),
        ("&quot;pass&quot;:&quot;ab&quot;", "&quot;pass&quot;:&quot;[redacted:password]&quot;"),
        ('<password value="ab"/>', '<password value="[redacted:password]"/>'),
        ('<input name="pass" value="ab">', '<input name="pass" value="[redacted:password]">'),
        (
            "setPassword('ab') and auth(\"cd\")",
            "setPassword('[redacted:password]') and auth(\"[redacted:authorization]\")",
        ),
        ("password=hunter2", "password=[redacted:password]"),
        ("Passwd: hunter2, user: bob", "Passwd: [redacted:password], user: bob"),
        ("DB_PASSWORD='hunter 2' ok", "DB_PASSWORD='[redacted:password]' ok"),
        ("Pwd=ab;Server=db", "Pwd=[redacted:password];Server=db"),
        ("userPwd=ab", "userPwd=[redacted:password]"),
        ("password=pä\\ss%20wörd&x=1", "password=[redacted:password]&x=1"),
        ('{"password": "hun\\"ter2", "x": 1}', '{"password": "[redacted:password]", "x": 1}'),
        (
            '{\\"password\\": \\"hu\\\\\\"nter2\\", \\"x\\": 1}',
            '{\\"password\\": \\"[redacted:password]\\", \\"x\\": 1}',
        ),
        ('{"password": "cut off', '{"password": "[redacted:password]'),
        ('{"pin": 1, "otp": 123456}', '{"pin": 1, "otp": [redacted:code]}'),
        ("{'api_key': ['k1', 'k2'], 'x': 1}", "{'api_key': ['[redacted:key]', '[redacted:key]'], 'x': 1}"),
        ("token=[abc]", "token=[[redacted:token]]"),
        (
            '{"password": {"value": "ab", "old": ["cd", {"x": "e f"}], "min": 8, "no": {}}}',
            '{"password": {"value": "[redacted:password]", "old": ["[redacted:password]", {"x": "[redacted:password]"}]'
            ', "min": "[redacted:password]", "no": {}}}',
        ),
        (
            '{"cookies":[{"name":"sid","value":"ab"}],"x":"y"}',
            '{"cookies":[{"name":"[redacted:cookie]","value":"[redacted:cookie]"}],"x":"y"}',
        ),
        (
            '{"credentials":{"session.id":"s-1","tries":3,"otp":123456},"x":{"y":"z"}}',
            '{"credentials":{"session.id":"s-1","tries":3,"otp":"[redacted:code]"},"x":{"y":"z"}}',
        ),
        (
            '"{\\"authorization\\":{\\n  \\"scheme\\": \\"a\\", \\"param\\": \\"b\\\\\\"c\\", \\"cut": "d"',
            '"{\\"authorization\\":{\\n  \\"scheme\\": \\"[redacted:authorization]\\", '
            '\\"param\\": \\"[redacted:authorization]\\", \\"[redacted:authorization]',
        ),
        ("{'password': {'v': 'ab'}, 'x': 'y'}", "{'password': {'v': '[redacted:password]'}, 'x': 'y'}"),
        (
            "{password={value=ab:c==, x=[d]}, y=z}",
            "{password={value=[redacted:password], x=[[redacted:password]]}, y=z}",
        ),
        ('{"secret": {"cut": "off', '{"secret": {"cut": "[redacted:secret]'),
        ("(b'authorization', b'Basic abc')", "(b'authorization', b'[redacted:authorization]')"),
        ('{"name": "X-Api-Key", "value": "k"}', '{"name": "X-Api-Key", "value": "[redacted:key]"}'),
        (":secret=>'s'", ":secret=>'[redacted:secret]'"),
        ("<password>ab</password>", "<password>[redacted:password]</password>"),
        ("run --api-key ab -v", "run --api-key [redacted:key] -v"),
        ("ALTER USER bob PASSWORD 'ab'", "ALTER USER bob PASSWORD '[redacted:password]'"),
        ("CREATE USER bob IDENTIFIED BY 'ab'", "CREATE USER bob IDENTIFIED BY '[redacted:password]'"),
        ('ALTER USER bob IDENTIFIED BY "ab"', 'ALTER USER bob IDENTIFIED BY "[redacted:password]"'),
        (r"IDENTIFIED BY 'a\b' x", "IDENTIFIED BY '[redacted:password]' x"),
        (r'"IDENTIFIED BY \"ab\""', r'"IDENTIFIED BY \"[redacted:password]\""'),
        ("jdbc:oracle:thin:bob/ab@//db:1521/x", "jdbc:oracle:thin:bob/[redacted:password]@//db:1521/x"),
        ("got gsk_" + FILLER[:30], "got [redacted:ai_key]"),
        ("/bot123456789%3AAA" + FILLER[:33], "/bot[redacted:telegram_token]"),
        ("user[password]=ab&x=1", "user[password]=[redacted:password]&x=1"),
        ("Authorization: Bearer ab refused", "Authorization: [redacted:authorization] refused"),
        ('Authorization: Digest username="bob", response="ab"', "Authorization: [redacted:authorization]"),
        ("Authorization: Custom abcdefg8 refused", "Authorization: [redacted:authorization] refused"),
        ('{"Authorization: Key opensesame"}', '{"Authorization: [redacted:authorization]"}'),
        ("authorization=Key%20ab", "authorization=[redacted:authorization]"),
        ("authorization=ab user=bob2345678 x", "authorization=[redacted:authorization] user=bob2345678 x"),
        ('Set-Cookie: sid="ab"; Path=/\nHost: shop', "Set-Cookie: [redacted:cookie]\nHost: shop"),
        ('cookie: a=1; b="x"; c=d', "cookie: [redacted:cookie]"),
        ('"cookie: b=\\"x\\"; c=d", "y"', '"cookie: [redacted:cookie]", "y"'),
        ('{"x": "cookie: a=","y":"z"}', '{"x": "cookie: [redacted:cookie]","y":"z"}'),
        ("Cookie: a=b; c=d\nHost: shop", "Cookie: [redacted:cookie]\nHost: shop"),
        ("/cart;jsessionid=ab?x=1", "/cart;jsessionid=[redacted:cookie]"),
        ("AWS_SECRET_ACCESS_KEY=ab", "AWS_SECRET_ACCESS_KEY=[redacted:secret]"),
        ("/a?token=ab&page_token=cd#e", "/a?token=[redacted:token]&page_token=cd#e"),
        ("/a?x=1&access_token=ab", "/a?x=1&access_token=[redacted:token]"),
        ("/a?tokenizer=ab&my_password=cd", "/a?tokenizer=ab&my_password=[redacted:password]"),
        ("/a?sig=ab%2Fcd&se=1&pin=12", "/a?sig=[redacted:signature]&se=1&pin=[redacted:code]"),
        (
            r'{"url":"/a?x=1\u0026sig=ab\u002Bcd\u003d\u0026token\u003dcd\ne\u0026page_token=x\"}',
            r'{"url":"/a?x=1\u0026sig=[redacted:signature]\u0026token\u003d[redacted:token]\u0026page_token=x\"}',
        ),
        ('"/a?x=1&amp;sig=ab&amp;y=2"', '"/a?x=1&amp;sig=[redacted:signature]&amp;y=2"'),
        (
            rf'"\\u0026code\\u003d{FILLER[:16]}\\u0026y=2"',
            r'"\\u0026code\\u003d[redacted:authorization_code]\\u0026y=2"',
        ),
        (r"password\u003dab", r"password\u003d[redacted:password]"),
        (r'"postgres:\/\/u:ab@h\/db"', r'"postgres:\/\/REDACTED:REDACTED@h\/db"'),
        ("/a?h=Bearer%20abcdefg8&x=1", "/a?h=Bearer%20[redacted:token]&x=1"),
        ("/a?X-Amz-Signature=ab&X-Amz-Date=1", "/a?X-Amz-Signature=[redacted:signature]&X-Amz-Date=1"),
        (f"/callback?code={FILLER[:16]}&state=x", "/callback?code=[redacted:authorization_code]&state=x"),
        (f"/a?x=1&auth_code=4%2F0{FILLER} done", "/a?x=1&auth_code=[redacted:authorization_code] done"),
        ("curl -u bob:p@ss:w http://shop.test", "curl -u bob:[redacted:password] http://shop.test"),
        ("curl -fsSLu'bob:pass word' x", "curl -fsSLu'bob:[redacted:password]' x"),
        (
            'curl.exe -v --user "bob:a b" -d 1 --proxy-user=p:q',
            'curl.exe -v --user "bob:[redacted:password]" -d 1 --proxy-user=p:[redacted:password]',
        ),
        ('{"cmd": "curl -u \\"bob:ab\\" x"}', '{"cmd": "curl -u \\"bob:[redacted:password]\\" x"}'),
        ("curl \\\n  -U p:q \\\n  -u a:b x", "curl \\\n  -U p:[redacted:password] \\\n  -u a:[redacted:password] x"),
        ("to=https%3A%2F%2Fx%3Ftoken%3Dab%26y%3D1", "to=https%3A%2F%2Fx%3Ftoken%3D[redacted:token]%26y%3D1"),
        ("postgres://bob:p@ss@db:5432/shop?x=1", "postgres://REDACTED:REDACTED@db:5432/shop?x=1"),
        (f"https://{FILLER}@git.example/a", "https://REDACTED@git.example/a"),
        ("got Bearer abcdefg8 back", "got Bearer [redacted:token] back"),
        ("got Basic Ym9iOnBhc3M= back", "got Basic [redacted:credential] back"),
        (
            "key:\n-----BEGIN RSA PRIVATE KEY-----\nab\n-----END RSA PRIVATE KEY-----\nend",
            "key:\n[redacted:private_key]\nend",
        ),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[redacted:private_key]"),
        ("paid with 4111 1111 1111 1111.", "paid with [redacted:card]."),
        ("/pay/4111111111111111", "/pay/[redacted:card]"),
        ('{"card": {"number": 4111111111111111}}', '{"card": {"number": [redacted:card]}}'),
        ("trace_id=1 4111111111111111", "trace_id=1 [redacted:card]"),
        ("2027 4111-1111-1111-1111, 378282246310005", "2027 [redacted:card], [redacted:card]"),
    ],
)
def test_secrets_are_replaced_and_say_what_they_were(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


ISSUED = {
    "jwt": f"eyJ{FILLER}.{FILLER}.{FILLER}",
    "aws_key": "AKIA" + "A1B2C3D4E5F6G7H8",
    "github_token": "ghp_" + FILLER[:36],
    "gitlab_token": "glpat-" + FILLER[:20],
    "slack_token": "xoxb-" + "123456789012-" + FILLER[:24],
    "stripe_key": "sk_live_" + FILLER[:24],
    "google_key": "AIza" + FILLER[:35],
    "ai_key": "sk-ant-" + FILLER,
    "npm_token": "npm_" + FILLER[:36],
    "pypi_token": "py" + "pi-AgE" + FILLER,
    "sendgrid_key": f"SG.{FILLER[:22]}.{FILLER[:43]}",
    "huggingface_token": "hf_" + FILLER[:34],
    "digitalocean_token": "dop_v1_" + HEX,
    "shopify_token": "shpat_" + HEX[:32],
    "databricks_token": "dapi" + HEX[:32],
    "vault_token": "hvs." + FILLER,
    "square_token": "sq0atp-" + FILLER[:22],
    "telegram_token": "123456789:AA" + FILLER[:33],
    "mailgun_key": "key-" + HEX[:32],
    "newrelic_key": "NRAK-" + "A1B2C3D4E5F6G7H8I9J0K1L2M3N",
    "linear_key": "lin_api_" + FILLER[:40],
    "docker_token": "dckr_pat_" + FILLER[:27],
    "atlassian_token": f"ATATT3{FILLER}=A1B2C3D4",
    "discord_webhook": f"discord.com/api/webhooks/1234567890123456789/{FILLER[:68]}",
    "age_key": "AGE-SECRET-KEY-1" + "Q" * 58,
}
PLACES = [
    "{}",
    "got {} back",
    "/a/{}/b",
    '{{"x": "{}"}}',
    "a={},b",
    "[{}]",
    "x:{}\n",
    "?v={}&w=1",
    "é{}é",
    "?v%3D{}",
    "%2Fbot{}%2Fa",
    "/bot{}/b",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("label", ISSUED)
def test_what_issuers_write_is_known_by_its_look(label: str, place: str) -> None:
    assert redacted(place.format(ISSUED[label])) == place.format(f"[redacted:{label}]")


@pytest.mark.parametrize(
    "text",
    [
        "token is expired",
        "password: ****",
        "token: null",
        "Unexpected token: '<'",
        "WHERE password = $1 AND secret = ?",
        "input_tokens=812 page_token=ab next_token: cd",
        "session_id=ab session.id=ab x-session-id: session-0a",
        "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
        "bearer authentication failed",
        "basic authentication failed, basically",
        "http://shop.test:8080/a@b?c=d",
        "ssh://git@host/repo",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0",
        "at 1795000000000000000 or 1795000000000 ns, 0.4111111111111111, 4111111111111111.5",
        "order 4111111111111112 of 41111111111111111111, id-4111111111111111a",
        "6f9619ff-8b86-4111-b42d-00c04fc964ff 2026-11-22 10:00:42.113",
        "task-runner-in-the-background risk-assessment",
        "credentials: 'include'",
        "dd.trace_id=4539578763621486 dd.span_id=4539578763621486 trace_id 4539578763621486",
        '{"span_id":"4539578763621486", \\"spanId\\": \\"4539578763621486\\", "parentId": 4539578763621486}',
        "00-4bf92f3577b34da6a3ce929d0e0e4736-4539578763621486-01",
        "X-Session-ID: 4539578763621486, rum.sessionId=4539578763621486 x-datadog-parent-id: 4539578763621486",
        "baggage: a=b,session.id=4539578763621486,session.previous_id=4539578763621486",
        '{"session.id":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk"}',
        f"/a?code={FILLER[:15]}&error_code={FILLER} code={FILLER}",
        "exit_code=1 status_code=500",
        "order_id=4111111111111111 orderId: 4111111111111111 /orders/4111111111111111 order no. 4111111111111111",
        "password:\nuser: bob",
        "password:\nuser=bob",
        "Password:\nLast login: today",
        "token: |",
        "pass: 12, fail: 0, pass=3/15",
        "auth: user bob logged in",
        "auth: failed, auth=oauth2, dsn=mysql://db/shop, old.db.connection_string=jdbc:h2:mem:shop",
        "checkPassword(user) token()",
        "bypass=x spin=y author: bob compass: z",
        "curl -b cookies.txt http://shop.test",
        "/a;signal=ab",
        "curl -u bob http://shop.test:8080/a",
        "curl --url http://shop.test:8080 -H a:b",
        "jdbc:oracle:thin:@//db:1521/x jdbc:oracle:thin:@db:1521:x",
        "/robot123456789:AA bottles: 12345678:AA",
        "docker run -u 1000:1000 shop",
        "curl/8.5.0 -u a:b",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_secrets_are_counted_by_label() -> None:
    counts: Counter[str] = Counter()
    Secrets(SecretNames()).redact(b"password=a token=b password=c 4111111111111111 x://a:b@c", counts)
    assert counts == {"password": 2, "token": 1, "card": 1, "userinfo": 1}


def test_blocked_and_kept_names() -> None:
    secrets = Secrets(SecretNames(["Licence-Plate"], ["app.token"]))
    text = "licence-plate=ab app.token=cd my.token=ef LICENCE-PLATE: 'gh' old-licence-plate=ij /?licence-plate=kl"
    assert redacted(text, secrets) == (
        "licence-plate=[redacted:blocked_key] app.token=cd my.token=[redacted:token] "
        "LICENCE-PLATE: '[redacted:blocked_key]' old-licence-plate=ij /?licence-plate=[redacted:blocked_key]"
    )


def test_labels_are_the_same_however_many_and_long_the_names_are() -> None:
    names = SecretNames()
    sizes = (8, LABEL_HELD_BYTES_MAX, LABEL_HELD_BYTES_MAX + 1)
    asked = [f"{number}token".rjust(size, "k").encode() for size in sizes for number in range(LABELS_HELD_MAX + 1)]
    for _ in range(2):
        assert {names.label_of(name) for name in asked} == {"token"}
        assert {names.label_in_query(name) for name in asked} == {""}


def test_blocked_values_are_patterns() -> None:
    secrets = Secrets(SecretNames(), ["é.[0-9]{2}", "EMP-[0-9]+"])
    counts: Counter[str] = Counter()
    assert secrets.redact("for EMP-12: éß42.".encode(), counts).decode() == (
        "for [redacted:blocked_value]: [redacted:blocked_value]."
    )
    assert counts == {"blocked_value": 2}


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        (b"4111111111111111", True),
        (b"4222222222222", True),
        (b"5555555555554444", True),
        (b"2223003122003222", True),
        (b"6011111111111117", True),
        (b"3530111333300000", True),
        (b"3782 822463 10005", True),
        (b"30569309025904", True),
        (b"6304000000000000", True),
        (b"4111111111111112", False),
        (b"411111111111111", False),
        (b"2026112210004211", False),
    ],
)
def test_card_numbers_have_a_prefix_a_length_and_a_check_digit(number: bytes, valid: bool) -> None:
    assert is_card(number) is valid
