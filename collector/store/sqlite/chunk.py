"""One chunk: the records that one commit added to one trace, as a header of columns and a body of raw bytes.

The header answers order, total, filters and lists; the body is opened for the records that are shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.correlation.join import Findings, findings_of
from collector.correlation.record import Context, Record
from collector.store.sqlite.abridged import abridge, known_of_log, known_of_span
from collector.store.sqlite.stored_pb2 import ChunkBody, ChunkHeader

UINT64 = (1 << 64) - 1
ID_BYTES = 8
NO_ID = bytes(ID_BYTES)

# flags: bits 0-2 type (never 0), 3-5 kind, 6 error, 7-8 evidence, 9-11 severity, 12 log, 13 root
KIND_SHIFT = 3
ERROR_SHIFT = 6
EVIDENCE_SHIFT = 7
SEVERITY_SHIFT = 9
LOG_SHIFT = 12
ROOT = 1 << 13
_PAGES_TAG = bytes((14 << 3 | 2,))


class Encoded(NamedTuple):
    """Header, facts and body (the latter two not yet compressed) of a chunk, and the sessions that its records name.

    `facts` are the pages and roots of the header; behind its columns they make it whole.
    """

    header: bytes
    facts: bytes
    body: bytes
    named: set[str]


def encode(records: Sequence[Record], contexts: Mapping[Context, int], sessions: Mapping[str, int]) -> Encoded:
    """Encode the records of one trace; `contexts` and `sessions` give the numbers, that of "" is 0."""
    named = {record.session_id for record in records} - {""}
    findings = findings_of(records)
    header = _encode_header(records, findings.roots, contexts, sessions)
    return Encoded(header, _encode_facts(findings), _encode_body(records), named)


def _encode_body(records: Sequence[Record]) -> bytes:
    body = ChunkBody()
    for position, record in enumerate(records):
        span_id = record.span_id or NO_ID
        if record.content_hash:
            known = known_of_log(record.trace_id, span_id, record.time_unix_nano)
        else:
            known = known_of_span(
                record.trace_id,
                span_id,
                record.parent_span_id or NO_ID,
                record.time_unix_nano,
                record.end_time_unix_nano,
            )
        abridged = abridge(record.raw, known)
        if abridged is None:
            body.whole.append(position)
        body.abridged.append(record.raw if abridged is None else abridged)
    return body.SerializeToString()


def _encode_facts(findings: Findings) -> bytes:
    pages, roots = ChunkHeader(), ChunkHeader()
    for position, url in findings.pages.items():
        pages.pages.add(position=position, url=url)
    for position, (name, method, url, status) in findings.facts.items():
        roots.roots.add(position=position, name=name, method=method, url=url, status=status)
    return pages.SerializeToString() + roots.SerializeToString()


def has_pages(facts: bytes) -> bool:
    """Tell whether there are pages among the facts: they come first."""
    return facts[:1] == _PAGES_TAG


def _encode_header(
    records: Sequence[Record], roots: Iterable[int], contexts: Mapping[Context, int], sessions: Mapping[str, int]
) -> bytes:
    # Turned into columns once: this runs for every record that is stored.
    (
        raws, record_contexts, types, kinds, _, span_ids, parents, starts, ends,
        errors, severities, session_ids, evidences, span_events, hashes, _,
    ) = zip(*[record.plain() for record in records], strict=True)  # fmt: skip
    base = min(starts)
    flags = [
        type_ | kind << KIND_SHIFT | error << ERROR_SHIFT | evidence << EVIDENCE_SHIFT
        for type_, kind, error, evidence in zip(types, kinds, errors, evidences, strict=True)
    ]
    if any(hashes):
        span_ids = [span_id or NO_ID for span_id in span_ids]
        flags = [
            flag | severity << SEVERITY_SHIFT | bool(content_hash) << LOG_SHIFT
            for flag, severity, content_hash in zip(flags, severities, hashes, strict=True)
        ]
        parents = [content_hash or parent for content_hash, parent in zip(hashes, parents, strict=True)]
    for position in roots:
        flags[position] |= ROOT
    header = ChunkHeader(
        base_time_unix_nano=base,
        span_ids=b"".join(span_ids),
        parents_or_hashes=b"".join([parent or NO_ID for parent in parents]),
        start_offsets=[start - base for start in starts],
        durations=[(end - start) & UINT64 for start, end in zip(starts, ends, strict=True)],
        flags=flags,
        contexts=[contexts[context] for context in record_contexts],
        sessions=[sessions[session_id] for session_id in session_ids],
        sizes=map(len, raws),
    )
    if any(span_events):
        for position, events in enumerate(span_events):
            for event in events:
                header.event_records.append(position)
                header.event_offsets.append((event.time_unix_nano - base) & UINT64)
                header.event_errors.append(event.error)
    return header.SerializeToString()


class Share(NamedTuple):
    """Records, and their bytes, of one context and one signal in a chunk."""

    context: int
    is_log: bool


def shares_of(header_bytes: bytes, sessions: set[int] | None = None) -> tuple[dict[Share, int], dict[Share, int]]:
    """Count records and bytes of a chunk by context and signal; those of these sessions, or all."""
    header = ChunkHeader.FromString(header_bytes)
    counts: dict[Share, int] = {}
    sizes: dict[Share, int] = {}
    for flags, context, session, size in zip(header.flags, header.contexts, header.sessions, header.sizes, strict=True):
        if flags and (sessions is None or session in sessions):
            share = Share(context, bool(flags >> LOG_SHIFT & 1))
            counts[share] = counts.get(share, 0) + 1
            sizes[share] = sizes.get(share, 0) + size
    return counts, sizes


def sessions_of(header_bytes: bytes) -> set[int]:
    """Return the numbers of the sessions that records of a chunk name."""
    header = ChunkHeader.FromString(header_bytes)
    return {session for flags, session in zip(header.flags, header.sessions, strict=True) if flags} - {0}


def delete_records(header_bytes: bytes, body_bytes: bytes, sessions: set[int]) -> tuple[bytes, bytes]:
    """Blank the records that these session numbers own, and all that was read from them; return header and body.

    The positions of the others stay. The header is empty when nothing is left.
    """
    header = ChunkHeader.FromString(header_bytes)
    body = ChunkBody.FromString(body_bytes)
    records = body.records or body.abridged
    for position, session in enumerate(header.sessions):
        if session in sessions:
            header.flags[position] = 0
            records[position] = b""
    if not any(header.flags):
        return b"", b""
    roots = [root for root in header.roots if header.flags[root.position]]
    pages = [page for page in header.pages if header.flags[page.position]]
    del header.roots[:], header.pages[:]
    header.roots.extend(roots)
    header.pages.extend(pages)
    return header.SerializeToString(), body.SerializeToString()
