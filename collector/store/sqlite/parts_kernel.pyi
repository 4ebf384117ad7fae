from collections.abc import Sequence

from collector.correlation.join import Part
from collector.store.sqlite.headers import Names, StoredChunk

def decode_parts(chunks: Sequence[StoredChunk], names: Names) -> list[Part]: ...
