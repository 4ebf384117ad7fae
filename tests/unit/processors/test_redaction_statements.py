"""Secrets in statements, source code and what programs print of their values; what only refers to one stays."""

from collections import Counter
from functools import cache

import pytest

from collector.processors.redaction.calls import CALLS_NESTED_MAX
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.text import Secrets

HELD = "Zq7Vw2Lk9"
COLOURED = "\x1b[36mtoken\x1b[0m=\x1b[1;32m"


@cache
def rules() -> Secrets:
    return Secrets(SecretNames(kept=["app.token"]))


def redacted(text: str) -> str:
    return rules().redact(text.encode(), Counter()).decode()


@pytest.mark.parametrize("prefix", ["N", "E", "e", "x", "U&", "$", "@", "$@", "f", "rb", "Rb", "b", "u", "L", "u8"])
@pytest.mark.parametrize("quote", ["'", '"', '\\"'])
def test_a_prefix_of_quotes_stays_and_what_they_hold_goes(prefix: str, quote: str) -> None:
    template = f"set password = {prefix}{quote}{{}}{quote}, x = {quote}y{quote}"
    assert redacted(template.format(HELD)) == template.format("[redacted:password]")


@pytest.mark.parametrize(
    ("template", "label"),
    [
        ("UPDATE a SET password = crypt('{}', password), x = 'y'", "password"),
        ("WHERE password = md5(concat('{}', salt)) AND x = 'y'", "password"),
        ("password = CAST('{}' AS varchar), x = 'y'", "password"),
        ("SHA2(password = SHA2 ('{}', 256))", "password"),
        ('Login {{ user: "bob", password: Some("{}"), x: "y" }}', "password"),
        ('token: Some(Secret("{}"))', "token"),
        ("api_key=SecretString('{}') x='y'", "key"),
        ("password: Buffer.from('{}')", "password"),
        ('{{ "token" : ObjectId("{}"), "x" : "y" }}', "token"),
        ('secret = new Secret<String>("{}");', "secret"),
        ('Password:(string) (len=9) "{}", x:(string) "y"', "password"),
        ('password: (*string)(0xc000)((len=9) "{}")', "password"),
        ('"{{\\"sql\\":\\"token = f(\\\'{}\\\')\\"}}"', "token"),
        ("setPassword(bob, '{}') and x('y')", "password"),
        ("setPassword({{'a': '{}'}}, x)", "password"),
        ("WHERE `token` = '{}' AND x = 'y'", "token"),
        ("WHERE `token` NOT IN ('{}') AND x IN ('y')", "token"),
        ('token in ("{}")', "token"),
        ("pin IN ('{}')", "code"),
        ("`pwd` = '{}'", "password"),
        (f'{COLOURED}"{{}}"\x1b[0m x="y"', "token"),
        (f"{COLOURED}{{}}\x1b[0m x=y", "token"),
        ("\x1b[36mpwd\x1b[0m={} x=y", "password"),
        ('\x1b[34;1m"password"\x1b[0m: \x1b[32m"{}"\x1b[0m', "password"),
        ('{{"line":"\\u001b[36mtoken=\\u001b[0m\\"{}\\""}}', "token"),
        ("Authorization: SharedKey {}", "authorization"),
        ("Authorization: AWS AKIA:{} x", "authorization"),
    ],
)
def test_what_stands_in_the_quotes_of_a_call_goes(template: str, label: str) -> None:
    held = f"bob:{HELD}" if template.endswith("SharedKey {}") else HELD
    expected = template.replace("SharedKey ", "").replace("AWS AKIA:", "").format(f"[redacted:{label}]")
    assert redacted(template.format(held)) == expected
    assert redacted(expected) == expected


def test_every_quoted_argument_of_a_call_goes() -> None:
    assert redacted("setPassword('bob', \"ab\", f('cd')) and say('hello')") == (
        "setPassword('[redacted:password]', \"[redacted:password]\", f('[redacted:password]')) and say('hello')"
    )
    assert redacted("token IN ('ab', 'cd') OR x IN ('ef')") == (
        "token IN ('[redacted:token]', '[redacted:token]') OR x IN ('ef')"
    )


def test_a_call_that_is_cut_off_ends_with_the_text_it_stands_in() -> None:
    assert redacted('{"sql": "password = crypt(salt", "x": "y"}').endswith('", "x": "y"}')


def test_calls_are_read_to_a_depth() -> None:
    def nested(depth: int, inner: str) -> str:
        return f"password={'f(' * depth}'{inner}'{')' * depth} x='y'"

    marked = nested(CALLS_NESTED_MAX, "[redacted:password]")
    assert redacted(nested(CALLS_NESTED_MAX, HELD)) == marked
    assert HELD in redacted(nested(CALLS_NESTED_MAX + 1, HELD))


def test_a_name_is_the_same_in_colours() -> None:
    assert redacted("\x1b[36mapp.token=\x1b[0mab") == "\x1b[36mapp.token=\x1b[0mab"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM a JOIN b ON a.token = b.token AND a.x = b.x",
        'ON "a"."token" = "b"."token"',
        r'{"sql": "ON \"a\".\"token\" = \"b\".\"token\""}',
        "ON `a`.`token` = `b`.`token`",
        "ON [a].[token] = [b].[token];",
        "SET password = EXCLUDED.password, token = VALUES(token)",
        "WHERE password = :password AND token = :token_1",
        "WHERE password = @p1 AND token = @__token_0",
        "WHERE password=%(password)s AND token=%(b)s",
        "WHERE password = $1 AND token = $2::text AND secret = ANY($3)",
        "WHERE (password = ?) AND token IN (?, ?) AND secret=%s;",
        "WHERE token = :1 AND password = crypt($1, password)",
        '{"sql": "WHERE password = @p1"}',
        "password (of 'bob')",
    ],
)
def test_what_only_refers_to_a_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "value",
    ["@Passw0rd!", ":S3cret", "$ecret", "%secret", "b.value", "?a", "@p1x", ":password!", "$Secret2024", "$Password1"],
)
def test_what_only_looks_like_a_reference_goes(value: str) -> None:
    assert redacted(f"password={value}") == "password=[redacted:password]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "INSERT INTO users (email, password) VALUES ('a@b.c', 'x y'), ('d@e.f', 'z')",
            "INSERT INTO users (email, password) VALUES ('a@b.c', '[redacted:password]'), "
            "('d@e.f', '[redacted:password]')",
        ),
        (
            'INSERT INTO "sessions" ("token","user_id") VALUES (\'ab\', 7)',
            'INSERT INTO "sessions" ("token","user_id") VALUES (\'[redacted:token]\', 7)',
        ),
        (
            "replace into `a`.`b`(`x`,`pin`,\n`y`)\nvalues(f('a', 'b'), 1234, 5678)",
            "replace into `a`.`b`(`x`,`pin`,\n`y`)\nvalues(f('a', 'b'), [redacted:code], 5678)",
        ),
        (
            "INSERT INTO a (x, pwd) VALUES (now(), crypt('ab', gen_salt('bf'))) RETURNING 'id'",
            "INSERT INTO a (x, pwd) VALUES (now(), crypt('[redacted:password]', gen_salt('[redacted:password]')))"
            " RETURNING 'id'",
        ),
        (
            r'{"sql": "INSERT INTO a (secret) VALUES (\"ab\")", "x": "y"}',
            r'{"sql": "INSERT INTO a (secret) VALUES (\"[redacted:secret]\")", "x": "y"}',
        ),
        ("INSERT INTO a (secret) VALUES ('cut off", "INSERT INTO a (secret) VALUES ('[redacted:secret]"),
        (
            "insert or ignore into a (otp, b) values ('1', 2); insert into a (b, otp) values ('c', '3')",
            "insert or ignore into a (otp, b) values ('[redacted:code]', 2); "
            "insert into a (b, otp) values ('c', '[redacted:code]')",
        ),
    ],
)
def test_what_is_inserted_into_a_column_of_secrets_goes(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO a (b, password, pin) VALUES ($1, $2, $3), (?, ?, ?)",
        "INSERT INTO a (password, b) VALUES (DEFAULT, 'x'), (NULL, 'y'), ('', 'z')",
        "INSERT INTO a (b, token) SELECT c, d FROM e",
        "INSERT INTO a (password, b) VALUES (:password, 12, 'more', 'than columns')",
    ],
)
def test_what_is_inserted_elsewhere_stays(text: str) -> None:
    assert redacted(text) == text
