"""Lines above the timeline that more than one answer has: cause, spread, notes."""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.query.event import Cause, Spread
from mcp_server.render.escape import clean

REASON_CHARACTERS_MAX = 200
SPREAD_SHOWN_MAX = 10
NOTES_SHOWN_MAX = 8
NOTE_CHARACTERS_MAX = 200


def cause_words(cause: Cause, reason_characters_max: int = REASON_CHARACTERS_MAX) -> str:
    """Return `payments POST /charge: PaymentDeclined "card declined"`."""
    operation = clean(cause.get("operation", ""))
    where = f"{clean(cause['service'])} {operation}".rstrip()
    return f"{where}: {clean(cause['reason'], reason_characters_max)}"


def spread_words(spread: Sequence[Spread]) -> str:
    """Return `payments 402 → orders 402 → frontend 502`; the middle of a long way is left out."""
    hops = [f"{clean(hop['service'])} {hop['status']}" if "status" in hop else clean(hop["service"]) for hop in spread]
    if len(hops) > SPREAD_SHOWN_MAX:
        half = SPREAD_SHOWN_MAX // 2
        hops = [*hops[:half], f"… {len(hops) - SPREAD_SHOWN_MAX} hops …", *hops[-half:]]
    return " → ".join(hops)


def note_lines(answer: Mapping[str, Any]) -> list[str]:
    """Return what the reader must know about the answer itself, one line each."""
    notes: Sequence[str] = answer.get("notes", ())
    lines = [f"note: {clean(note, NOTE_CHARACTERS_MAX)}" for note in notes[:NOTES_SHOWN_MAX]]
    if len(notes) > NOTES_SHOWN_MAX:
        lines.append(f"note: {len(notes) - NOTES_SHOWN_MAX} more notes in the JSON answer")
    return lines
