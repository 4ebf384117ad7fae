"""Bodies from before there was a dictionary, compressed again with it: they are five times as large as the others."""

import sqlite3

from collector.store.sqlite.codec import Compressor, Decompressor

RECOMPRESSED_CHUNKS_MAX = 64


class Recompression:
    """Goes through the chunks up to the one at which the first dictionary came, a few at a time between commits.

    Belongs to the writer thread. What is left when the process ends stays as it is.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next = self._end = 0

    @property
    def is_due(self) -> bool:
        """Tell whether there is anything left to do."""
        return self._next < self._end

    def begin(self, last_chunk: int) -> None:
        """Compress again what stands up to this chunk."""
        self._next, self._end = 0, last_chunk

    def stop(self) -> None:
        """Leave what is left as it is."""
        self._end = 0

    def run(self, compressor: Compressor) -> None:
        """Do the next few chunks in one transaction. Raises sqlite3.Error; nothing is changed then."""
        connection = self._connection
        decompressor = Decompressor(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # A bounded look, however many of these chunks retention has removed.
            upto = min(self._next + RECOMPRESSED_CHUNKS_MAX, self._end)
            rows = connection.execute(
                "SELECT n, bytes FROM body WHERE n > ? AND n <= ? AND dictionary = 0", (self._next, upto)
            ).fetchall()
            again = [
                (compressor.number, compressor.compress_again(decompressor.decompress(0, compressed)), chunk)
                for chunk, compressed in rows
            ]
            connection.executemany("UPDATE body SET dictionary = ?, bytes = ? WHERE n = ?", again)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._next = upto
