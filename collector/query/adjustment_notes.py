"""What the reader of a timeline is told of its adjustments, one line each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from collector.query.adjusters import AdjustedTrace, Offsets
from collector.query.times import NANOS_PER_SECOND

SERVICES_NAMED_MAX = 3


@dataclass(slots=True)
class _Moved:
    """The records of one host that stand elsewhere than by their times, and by how much at most."""

    records: int = 0
    offset: int = 0
    services: set[str] = field(default_factory=set[str])


def parentage_notes(traces: Iterable[tuple[AdjustedTrace, AdjustedTrace]]) -> list[str]:
    """Say which parents never arrived, and which are another session's: of traces as they are shown, and whole."""
    orphans = rootless = elsewhere = 0
    for shown, whole in traces:
        others = set[bytes]() if shown is whole else _stored_parents(shown, whole)
        elsewhere += len(others)
        if others:
            orphans += sum(span.parent_span_id not in others for span in shown.tree.orphans)
        elif shown.tops and shown.orphans == shown.tops:
            rootless += 1
            orphans += shown.missing_parents - 1
        else:
            orphans += shown.orphans
    notes: list[str] = []
    if elsewhere:
        belong = "belongs" if elsewhere == 1 else "belong"
        notes.append(
            f"shared: {_of(elsewhere, 'parent span')} {belong} to another session; what they called stands at the top"
        )
    if rootless:
        notes.append(f"missing root: in {_of(rootless, 'request')} the topmost span's parent never arrived")
    if orphans:
        notes.append(f"orphans: {_of(orphans, 'parent span')} never arrived; what they called stands at the top")
    return notes


def _stored_parents(shown: AdjustedTrace, whole: AdjustedTrace) -> set[bytes]:
    return {span.parent_span_id for span in shown.tree.orphans if span.parent_span_id in whole.tree.spans}


def skew_notes(traces: Iterable[tuple[AdjustedTrace, Offsets]]) -> list[str]:
    """Say which host's clock was corrected, and by how much."""
    moved: dict[str, _Moved] = {}
    for trace, offsets in traces:
        if offsets.by_host or offsets.by_span:
            _count(moved, trace, offsets)
    return [
        f"clock skew: the clock of {_named(host, sorted(its.services))} is about"
        f" {abs(its.offset) / NANOS_PER_SECOND:.3f} s {'behind' if its.offset > 0 else 'ahead'}; the order of its"
        f" {_of(its.records, 'record')} corrects it, times are as recorded"
        for host, its in sorted(moved.items())
    ]


def _count(moved: dict[str, _Moved], trace: AdjustedTrace, offsets: Offsets) -> None:
    for row in trace.rows:
        offset = offsets.of(row, trace.tree)
        if offset:
            its = moved.setdefault(row.host, _Moved())
            its.records += 1
            its.offset = max(its.offset, offset, key=abs)
            its.services.add(row.service)


def _named(host: str, services: Sequence[str]) -> str:
    if list(services) == [host]:
        return host
    more = " …" if len(services) > SERVICES_NAMED_MAX else ""
    return f"{host} ({' '.join(services[:SERVICES_NAMED_MAX])}{more})"


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
