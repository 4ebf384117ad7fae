"""Names of secrets as people and frameworks write them, and what markup, forms and escapes put around them."""

from collections import Counter
from functools import cache

import pytest

from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.text import Secrets

HELD = "Zq7Vw2Lk9Tn4"


@cache
def rules() -> Secrets:
    return Secrets(SecretNames())


def redacted(text: str) -> str:
    return rules().redact(text.encode(), Counter()).decode()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("apiKeys", "key"),
        ("app.api_keys", "key"),
        ("tokens", "tokens"),
        ("accessTokens", "tokens"),
        ("security_code", "code"),
        ("cardSecurityCode", "code"),
        ("secret_key_base", "secret"),
        ("hmac_key", "key"),
        ("aesKey", "key"),
        ("SSH_KEY", "key"),
        ("rsa-key", "key"),
        ("nodes_key", ""),
        ("security_codec", ""),
        ("backend_token", "token"),
        ("nextPageToken", ""),
        ("nextpagetoken", ""),
        ("gen_ai.pad_token", ""),
    ],
)
def test_names_and_what_they_hold(name: str, label: str) -> None:
    assert SecretNames().label_of(name.encode()) == label
    value = f"[redacted:{label}]" if label else HELD
    for template in (
        '{{"{}": "{}", "x": "y"}}',
        "{}={} x=y",
        '{{\\"{}\\":[\\"{}\\"],\\"x\\":\\"y\\"}}',
        "<{0}>{1}</{0}>",
    ):
        assert redacted(template.format(name, HELD)) == template.format(name, value)


@pytest.mark.parametrize(
    ("template", "label"),
    [
        ('<wsse:Password Type="a#PasswordText">{}</wsse:Password>', "password"),
        ("<password><![CDATA[{}]]></password>", "password"),
        ("<password><![CDATA[{}", "password"),
        ("<password>{} a b</password>", "password"),
        ("<token a='b' c=\"d\">\n  {}\n</token><x>y</x>", "token"),
        ('name="password"\r\n\r\n{}\r\n--b\r\n', "password"),
        ('"name=\\"pin\\"\\r\\n\\r\\n{}\\r\\n--b"', "code"),
        ("\\u0022password\\u0022:\\u0022{}\\u0022,\\u0022a\\u0022:1", "password"),
        ('"{{\\\\u0022token\\\\u0022: \\\\u0022{}\\\\u0022}}"', "token"),
        ("\\x22secret\\x22:\\x22{}\\x22", "secret"),
        ("&#34;pwd&#34;:&#34;{}&#34;,x", "password"),
        ("&quot;password&quot;:&quot;{}", "password"),
    ],
)
def test_values_in_markup_forms_and_escapes(template: str, label: str) -> None:
    expected = template.replace("{} a b", "{}").format(f"[redacted:{label}]")
    assert redacted(template.format(HELD)) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 812, input_tokens=1024 of 8192",
        '{"tokens": ["the", "cat"], "usage": {"tokens": "1,024"}}',
        "tokens=[1, 2, 3]",
        "<password></password> is missing",
        "<a:password></a:password> is missing",
        '<password type="a"/> is missing',
        '<password type="a"></password>',
        '"password"\r\n\r\nnext',
        "<pin>12</pin>",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


IN_QUERIES = {
    "token": "reset_password_token confirmation_token private_token feed_token job_token api_token hub.verify_token"
    " sessionToken uploadToken csrf_token",
    "password": "smtp_password txtPassword j_password Input.Password sslpassword trustCertificateKeyStorePassword",
    "secret": "consumer_secret webhookSecret",
    "key": "my_api_key",
}


@pytest.mark.parametrize(
    ("label", "name"), [(label, name) for label, names in IN_QUERIES.items() for name in names.split()]
)
def test_names_in_queries_may_have_words_before_them(label: str, name: str) -> None:
    for template in (
        "/a?{}={}&b=c",
        "user=bob&{}={}",
        "{}={}&user=bob",
        "jdbc:a://b/c?user=a&{}={}",
        "/a?u=%2Fb%3F{}%3D{}%26c",
    ):
        assert redacted(template.format(name, HELD)) == template.format(name, f"[redacted:{label}]")


@pytest.mark.parametrize(
    "name",
    "page_token next_token nextPageToken list_position_token continuation_token syncToken skiptoken tokenizer"
    " token_type keyword monkey_id season_pass password_reset secretary".split(),
)
def test_harmless_names_in_queries_stay(name: str) -> None:
    assert redacted(f"/a?b=c&{name}={HELD}&d=e") == f"/a?b=c&{name}={HELD}&d=e"
