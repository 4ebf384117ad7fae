"""Nobody can write a text, or configure a pattern, that redaction takes long to read."""

import time
from collections import Counter

import pytest

from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.text import Secrets

TEXT_BYTES = 100_000
# A search that starts anew within each repetition takes minutes.
CPU_S_MAX = 8.0

REPEATED = [
    "token=",
    "?a_token=",
    'token="',
    "token='x",
    'token=["a",',
    "token={",
    'token={"a":null,',
    'token={"a":["',
    "token={'a\\\\': {",
    'token=\\"a\\\\',
    'token="null" ',
    'unexpected token: "',
    "--token ",
    "token-",
    "tokenx",
    "token\\\\",
    "pwd   ",
    "password '",
    "cookie: ",
    'cookie: a="',
    "authorization: a ",
    "authorization: a b",
    "://a:b@pwd",
    "://pwd",
    ":\\\\/",
    "\\\\u0026sig=a",
    "?sig=a\\\\",
    "&amp;token=",
    "4111 ",
    "4111\u00a0",
    "order ",
    "password:\n",
    "password:\n- ",
    "password:\\n",
    "password:\n  bearer ",
    "- a\n",
    "password:\n- 'a'\n- ",
    "pwd;a",
    'token="""',
    "token(",
    "token value=",
    "token=f(",
    "token=f('",
    "token=f('a'",
    "token=f('a', ",
    "token=f()",
    "token=f(()",
    "token('a', ",
    "token=(a) ",
    "token=(a)(a)'",
    "token in (",
    "token in ('a' ",
    "`token` not in (?, ",
    "token=a.b.",
    'token=\\"a\\".',
    "token=f(?, ",
    "token=\x1b[0m",
    "\x1b[36mtoken\x1b[0m",
    "token&quot;:&quot;",
    "password=a;",
    "password=a;b",
    "password=a&amp;",
    "password[",
    "password[a]",
    "token=[a, ",
    "%26sig%3D",
    ";sig=a",
    "curl -b ",
    "curl -b 'a=",
    'curl -b "',
    "auth: a ",
    "connectionString=a:",
    "4",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PWD pwd ",
    "bearer ",
    "basic abcdefgh ",
    "?old new pwd=1",
    "eyJabcdefghpwd",
    "_eyJabcdefgh_ghp_abcdefghijklmnopqrstuv",
    "jdbc:oracle:thin:a",
    "jdbc:oracle:thin:a/pwd",
    "%2Fbot12345678:AA",
    'identified by "',
    '<token a="b" ',
    "<token>a",
    "<token><![CDATA[",
    "<token>\n",
    'name="token"\r\n\r\n',
    "token\\u0022:\\u0022",
    "token:\\\\u0022a\\u0022",
    "tokens: a1",
    "SG.abcdefghijklmnopqpwd",
    "auth:8080",
    "auth:8080/",
    "auth: a: ",
    "auth: digest a",
    "/token:",
    '"password", "a1", ',
    "('password', 'a1",
    '"cookie", "a',
    "on a.token = b.",
    'token="a".',
    "password: is ",
    "EMP-1EMP-",
    "a",
]


@pytest.mark.parametrize("repeated", REPEATED)
def test_hostile_texts_take_linear_time(repeated: str) -> None:
    secrets = Secrets(SecretNames(["plate"]), ["(EMP-?)+[0-9]+X", "(a|aa)+b"])
    text = (repeated * (TEXT_BYTES // len(repeated))).encode()
    start_s = time.process_time()
    secrets.redact(text, Counter())
    secrets.spans(text)
    assert time.process_time() - start_s < CPU_S_MAX
