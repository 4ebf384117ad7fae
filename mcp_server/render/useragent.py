"""A user agent in one word or two."""

import re

from mcp_server.render.escape import clean

_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Headless)?(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/")),
)
PRODUCT_CHARACTERS_MAX = 40


def browser_name(user_agent: str) -> str:
    """Return `Chrome 156`, or the first product of a user agent that is no known browser."""
    for name, pattern in _BROWSERS:
        found = pattern.search(user_agent[:1_000])
        if found:
            return f"{name} {found[1]}"
    return clean(user_agent.split(" ", 1)[0], PRODUCT_CHARACTERS_MAX)
