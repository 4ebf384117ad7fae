"""How chunk bodies are compressed: zstd with a dictionary that is trained on the store's own first chunks.

A chunk names the dictionary it needs; 0 is none. The dictionary is trained on what is stored, so it holds
nothing that the store does not hold. https://github.com/facebook/zstd#the-case-for-small-data-compression
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import cast

import zstandard

TRAINING_CHUNKS = 1_000
TRAINING_BYTES_MAX = 8 * 1024 * 1024
DICTIONARY_BYTES = 64 * 1024
COMPRESSION_LEVEL = 3
BODY_BYTES_MAX = 1024 * 1024 * 1024


def train_dictionary(samples: Sequence[bytes]) -> bytes:
    """Return a dictionary for bodies like these; b"" if they are too few or too alike to train on."""
    try:
        return zstandard.train_dictionary(DICTIONARY_BYTES, list(samples)).as_bytes()
    except zstandard.ZstdError:
        return b""


class Compressor:
    """Compresses bodies; belongs to the writer thread, which also hands it the samples and stores the dictionary."""

    def __init__(
        self,
        number: int = 0,
        dictionary: bytes = b"",
        train: Callable[[Sequence[bytes]], bytes] = train_dictionary,
        training_chunks: int = TRAINING_CHUNKS,
    ) -> None:
        self.number = 0
        self._train = train
        self._training_chunks = training_chunks
        self._samples: list[bytes] | None = None if number else []
        self._sample_bytes = 0
        self._trained: list[bytes] = []
        self._thread: threading.Thread | None = None
        self._zstd = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
        if number:
            self.use(number, dictionary)

    def use(self, number: int, dictionary: bytes) -> None:
        """Compress with this dictionary from now on: it is stored, so whatever needs it can be read."""
        self.number = number
        self._trained.clear()
        data = zstandard.ZstdCompressionDict(dictionary)
        # Without this each call would digest the dictionary anew. The stub leaves its return type out.
        cast(Callable[[int], None], data.precompute_compress)(COMPRESSION_LEVEL)  # pyright: ignore[reportUnknownMemberType]
        self._zstd = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, dict_data=data)

    def compress(self, body: bytes) -> bytes:
        """Return the compressed body, and keep it as a sample while samples are wanted."""
        if self._samples is not None:
            self._samples.append(body)
            self._sample_bytes += len(body)
            if len(self._samples) >= self._training_chunks or self._sample_bytes >= TRAINING_BYTES_MAX:
                samples, self._samples = self._samples, None
                # A second of work that must not hold up acknowledgements.
                self._thread = threading.Thread(target=self._train_in_background, args=(samples,), daemon=True)
                self._thread.start()
        return self._zstd.compress(body)

    def _train_in_background(self, samples: Sequence[bytes]) -> None:
        self._trained.append(self._train(samples))

    def trained_dictionary(self, wait: bool = False) -> bytes:
        """Return the dictionary that was trained and is not used yet, b"" if there is none."""
        if wait and self._thread:
            self._thread.join()
        return self._trained[-1] if self._trained else b""


def compress_plain(body: bytes) -> bytes:
    """Return the body compressed without a dictionary."""
    return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(body)


class Decompressor:
    """Decompresses bodies of any dictionary of one store; each thread has its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._by_number = {0: zstandard.ZstdDecompressor()}

    def decompress(self, number: int, compressed: bytes) -> bytes:
        """Return the body that `compressed` holds."""
        zstd = self._by_number.get(number)
        if zstd is None:
            row = self._connection.execute("SELECT bytes FROM dictionary WHERE n = ?", (number,)).fetchone()
            zstd = zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(row[0]))
            self._by_number[number] = zstd
        return zstd.decompress(compressed, max_output_size=BODY_BYTES_MAX)
