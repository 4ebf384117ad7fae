"""What can be set of the processor `redaction`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from collector.config.model import Settings
from collector.processors.redaction.pattern import compile_configured

BLOCKED_KEYS_MAX = 100
BLOCKED_VALUES_MAX = 32
IGNORED_KEYS_MAX = 100
PATTERN_CHARS_MAX = 1_000

# ASCII, since the scan for names lowers no other letters.
_Key = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")]


def _checked(source: str) -> str:
    compile_configured(source)
    return source


_Pattern = Annotated[str, Field(min_length=1, max_length=PATTERN_CHARS_MAX), AfterValidator(_checked)]


class RedactionSettings(Settings):
    """`processors.redaction`, named as in the Collector's processor of this name.

    `blocked_keys`: attributes, and names in texts and URL queries, whose values are secrets besides those known;
    `blocked_values`: patterns of RE2 of what is a secret wherever it stands; `ignored_keys`: attributes whose values
    are never touched. Keys count as a whole, in any case of letters.

    https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/redactionprocessor
    """

    blocked_keys: Annotated[tuple[_Key, ...], Field(max_length=BLOCKED_KEYS_MAX)] = ()
    blocked_values: Annotated[tuple[_Pattern, ...], Field(max_length=BLOCKED_VALUES_MAX)] = ()
    ignored_keys: Annotated[tuple[_Key, ...], Field(max_length=IGNORED_KEYS_MAX)] = ()
