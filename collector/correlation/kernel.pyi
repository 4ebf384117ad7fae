from collector.correlation.native_record import Record
from collector.correlation.native_rules import Rules

def correlate(body: bytes, is_logs: bool, rules: Rules) -> tuple[list[Record], int, int] | None: ...
