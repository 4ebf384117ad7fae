"""The processor `session`: binds each record to the session that it names."""

from typing import Annotated

from pydantic import Field

from collector.component import Telemetry
from collector.config.model import Settings
from collector.correlation.correlator import Correlator
from collector.correlation.keys import DEFAULT_SESSION_KEYS, SessionKeys
from collector.pdata.envelope import Signal

SESSION_KEYS_MAX = 32

# ASCII, since the scan for keys lowers no other letters.
_Key = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")]


class SessionSettings(Settings):
    """`processors.session`. `keys`: attributes that name a session, the first that is there wins, in any case."""

    keys: Annotated[tuple[_Key, ...], Field(min_length=1, max_length=SESSION_KEYS_MAX)] = DEFAULT_SESSION_KEYS


class SessionProcessor:
    """Correlates traces and logs; metrics pass."""

    def __init__(self, settings: SessionSettings) -> None:
        self._correlator = Correlator(SessionKeys(tuple(key.lower() for key in settings.keys)))

    def process(self, telemetry: Telemetry) -> None:
        """Fill `telemetry.correlated` from its body. See Processor."""
        if telemetry.signal is not Signal.METRICS:
            telemetry.correlated = self._correlator.correlate(telemetry.signal, telemetry.body)
