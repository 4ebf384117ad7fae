"""Trace and span ids: 16 and 8 bytes on the wire, lower-case hex for people.

https://www.w3.org/TR/trace-context/#traceparent-header-field-values
"""

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_ZERO_TRACE_ID = bytes(TRACE_ID_BYTES)
_ZERO_SPAN_ID = bytes(SPAN_ID_BYTES)
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def is_trace_id(value: bytes) -> bool:
    """Tell whether `value` is a valid trace id: 16 bytes, not all zero."""
    return len(value) == TRACE_ID_BYTES and value != _ZERO_TRACE_ID


def is_span_id(value: bytes) -> bool:
    """Tell whether `value` is a valid span id: 8 bytes, not all zero."""
    return len(value) == SPAN_ID_BYTES and value != _ZERO_SPAN_ID


def trace_id_from_text(text: str) -> bytes:
    """Return the trace id in a bare 32-hex text or in a `traceparent`; `b""` if it holds no valid one."""
    text = text.strip()
    parts = text.split("-")
    if len(parts) >= 4 and len(parts[0]) == 2 and parts[0].lower() != "ff":
        text = parts[1]
    if len(text) != 2 * TRACE_ID_BYTES or not _HEX_DIGITS.issuperset(text):
        return b""
    trace_id = bytes.fromhex(text)
    return trace_id if is_trace_id(trace_id) else b""
