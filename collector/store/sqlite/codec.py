"""How bodies and facts of chunks are compressed: zstd with dictionaries that are trained on the store's own chunks.

A chunk names the dictionaries it needs; 0 is none. A dictionary is trained on what is stored, so it holds
nothing that the store does not hold. https://github.com/facebook/zstd#the-case-for-small-data-compression
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, cast

import zstandard

from collector.store.sqlite.stored_pb2 import ChunkHeader

TRAINING_BYTES_MAX = 8 * 1024 * 1024
BODIES_DICTIONARY_BYTES = 64 * 1024
FACTS_DICTIONARY_BYTES = 8 * 1024
# With a dictionary, higher ones gain hardly anything below 5, and 2 takes half as long again.
COMPRESSION_LEVEL = 1
BODY_BYTES_MAX = 1024 * 1024 * 1024
# Of ChunkHeader.packed_facts, whose length mostly takes one byte.
_PACKED_FACTS_TAG = 15 << 3 | 2
_ONE_BYTE_MAX = 0x7F
_NUMBER_BYTES = 3
_MAGIC = b"\x28\xb5\x2f\xfd"


class Training(NamedTuple):
    """A dictionary is trained on so many chunks, of which every `every`th that is written is one."""

    chunks: int
    every: int


# The first soon, since chunks without a dictionary are up to five times as large; the second on what has come by then.
# Both over several commits, each of which may hold one service alone. To take more of them takes longer, for 1 %.
TRAININGS = (Training(500, 4), Training(500, 100))

Train: TypeAlias = Callable[[Sequence[bytes]], bytes]


def train_for_bodies(samples: Sequence[bytes]) -> bytes:
    """Return a dictionary for bodies like these; b"" if they are too few or too alike to train on."""
    return _train(BODIES_DICTIONARY_BYTES, samples)


def train_for_facts(samples: Sequence[bytes]) -> bytes:
    """The same for facts, which are smaller."""
    return _train(FACTS_DICTIONARY_BYTES, samples)


def _train(size: int, samples: Sequence[bytes]) -> bytes:
    try:
        return zstandard.train_dictionary(size, list(samples)).as_bytes()
    except zstandard.ZstdError:
        return b""


class Compressor:
    """Compresses bodies, or facts; belongs to the writer thread, which stores the dictionaries.

    `number` is that of the dictionary in use, 0 if there is none yet; `trained` counts the trainings so far.
    """

    def __init__(
        self,
        train: Train,
        number: int = 0,
        dictionary: bytes = b"",
        trained: int = 0,
        trainings: Sequence[Training] = TRAININGS,
    ) -> None:
        self.number = 0
        self.trained = trained
        self._train = train
        self._trainings = trainings
        self._samples: list[bytes] | None = [] if trained < len(trainings) else None
        self._sample_bytes = 0
        self._skipped = 0
        self._results: list[bytes] = []
        self._thread: threading.Thread | None = None
        self._zstd = _compressor()
        if number:
            self._load(number, dictionary)

    def use(self, number: int, dictionary: bytes) -> None:
        """Compress with this dictionary from now on: it is stored, so whatever needs it can be read."""
        self._load(number, dictionary)
        self._next_training()

    def _load(self, number: int, dictionary: bytes) -> None:
        self.number = number
        data = zstandard.ZstdCompressionDict(dictionary)
        # Without this each call would digest the dictionary anew. The stub leaves its return type out.
        cast(Callable[[int], None], data.precompute_compress)(COMPRESSION_LEVEL)  # pyright: ignore[reportUnknownMemberType]
        self._zstd = _compressor(data)

    def _next_training(self) -> None:
        self.trained += 1
        self._results.clear()
        self._samples = [] if self.trained < len(self._trainings) else None
        self._sample_bytes = self._skipped = 0

    def compress(self, body: bytes) -> bytes:
        """Return the compressed body, and keep it as a sample while samples are wanted."""
        if self._samples is not None:
            self._keep(self._samples, body)
        return self._zstd.compress(body)

    def compress_again(self, body: bytes) -> bytes:
        """Return the compressed body, which was a sample when it came."""
        return self._zstd.compress(body)

    def _keep(self, samples: list[bytes], body: bytes) -> None:
        training = self._trainings[self.trained]
        self._skipped = (self._skipped + 1) % training.every
        if self._skipped:
            return
        samples.append(body)
        self._sample_bytes += len(body)
        if len(samples) >= training.chunks or self._sample_bytes >= TRAINING_BYTES_MAX:
            self._samples = None
            # It takes too long to hold up acknowledgements for it.
            self._thread = threading.Thread(target=self._train_in_background, args=(samples,), daemon=True)
            self._thread.start()

    def _train_in_background(self, samples: Sequence[bytes]) -> None:
        self._results.append(self._train(samples))

    def trained_dictionary(self, wait: bool = False) -> bytes:
        """Return the dictionary that was trained and is not used yet, b"" if there is none."""
        if wait and self._thread:
            self._thread.join()
        if self._results and not self._results[-1]:
            self._next_training()
        return self._results[-1] if self._results else b""


def _compressor(dictionary: zstandard.ZstdCompressionDict | None = None) -> zstandard.ZstdCompressor:
    """Make one whose frames have neither the magic number nor the dictionary's, which would be 8 bytes a chunk."""
    # The stub leaves the type of its options out.
    from_level = cast(
        Callable[..., zstandard.ZstdCompressionParameters],
        zstandard.ZstdCompressionParameters.from_level,  # pyright: ignore[reportUnknownMemberType]
    )
    parameters = from_level(COMPRESSION_LEVEL, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_dict_id=False)
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters)


def pack_facts(columns: bytes, dictionary: int, compressed: bytes) -> bytes:
    """Return a header with its compressed facts before its columns; see stored.proto."""
    packed = dictionary.to_bytes(_NUMBER_BYTES) + compressed
    if len(packed) > _ONE_BYTE_MAX:
        return ChunkHeader(packed_facts=packed).SerializeToString() + columns
    return bytes((_PACKED_FACTS_TAG, len(packed))) + packed + columns


def compress_plain(body: bytes) -> bytes:
    """Return the body compressed without a dictionary."""
    return _compressor().compress(body)


def is_packed(stored: bytes) -> bool:
    """Tell whether a stored header has packed facts; there are no pages among them."""
    return stored[0] == _PACKED_FACTS_TAG


class Decompressor:
    """Decompresses bodies and facts of any dictionary of one store; each thread has its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._by_number: dict[tuple[int, bool], zstandard.ZstdDecompressor] = {}

    def decompress(self, number: int, compressed: bytes) -> bytes:
        """Return the body that `compressed` holds; those of version 1 of the file begin with zstd's magic number.

        No frame without it begins so: the fourth bit of its first byte is reserved and zero.
        """
        zstd = self._zstd(number, compressed.startswith(_MAGIC))
        return zstd.decompress(compressed, max_output_size=BODY_BYTES_MAX)

    def load(self) -> None:
        """Load every dictionary that there is, so that facts of now are unpacked later without the store."""
        for (number,) in self._connection.execute("SELECT n FROM dictionary").fetchall():
            self._zstd(number, False)

    def whole_header(self, stored: bytes) -> bytes:
        """Return a chunk's header with its facts behind its columns, as it was encoded."""
        if not is_packed(stored):
            return stored
        size, at = stored[1], 2
        if size > _ONE_BYTE_MAX:
            packed = ChunkHeader.FromString(stored).packed_facts
            size, at = len(packed), stored.index(packed, 2)
        number, start, end = stored[at : at + _NUMBER_BYTES], at + _NUMBER_BYTES, at + size
        return stored[end:] + self.decompress(int.from_bytes(number), stored[start:end])

    def _zstd(self, number: int, has_magic: bool) -> zstandard.ZstdDecompressor:
        zstd = self._by_number.get((number, has_magic))
        if zstd is None:
            zstd = self._by_number[number, has_magic] = self._decompressor(number, has_magic)
        return zstd

    def _decompressor(self, number: int, has_magic: bool) -> zstandard.ZstdDecompressor:
        form = zstandard.FORMAT_ZSTD1 if has_magic else zstandard.FORMAT_ZSTD1_MAGICLESS
        if not number:
            return zstandard.ZstdDecompressor(format=form)
        row = self._connection.execute("SELECT bytes FROM dictionary WHERE n = ?", (number,)).fetchone()
        return zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(row[0]), format=form)
