"""The processor `redaction`: replaces secrets before anything is stored or forwarded."""

from collections.abc import Collection

from collector.component import Telemetry
from collector.processors.redaction.names import SecretNames
from collector.processors.redaction.rewriting import redact_request
from collector.processors.redaction.settings import RedactionSettings
from collector.processors.redaction.text import Secrets


class RedactionProcessor:
    """Gives each request the body that all that follows sees; it has to come before the processor `session`.

    `session_keys` are attributes that name a session: their values are never touched.
    """

    def __init__(self, settings: RedactionSettings, session_keys: Collection[str]) -> None:
        names = SecretNames(settings.blocked_keys, (*session_keys, *settings.ignored_keys))
        self._secrets = Secrets(names, settings.blocked_values)

    def process(self, telemetry: Telemetry) -> None:
        """Replace `telemetry.body` and tell by label what was replaced. See Processor."""
        telemetry.body, counts = redact_request(telemetry.signal, telemetry.body, self._secrets)
        if counts:
            telemetry.redacted = counts
