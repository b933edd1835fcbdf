"""One number for a whole stream: who has every frame gets the same one.

SHA-256 over 16 bytes for each frame, in order: its `seq` and the `xxh3` of its pixels, both as
little-endian uint64. Any language has SHA-256, and the checksums are in the messages, so that a
listener need not read a pixel to know that it missed nothing. Gaps add nothing: a missing number
shows.
"""

from __future__ import annotations

import hashlib
import struct

_PAIR = struct.Struct("<QQ")


class StreamDigest:
    """The digest of the frames so far."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, seq: int, xxh3: int) -> None:
        """Take the next frame's number and checksum."""
        self._sum.update(pair(seq, xxh3))

    def add_all(self, pairs: bytes | bytearray) -> None:
        """Take the next frames, as `pair` makes them, one after the other."""
        self._sum.update(pairs)

    def __str__(self) -> str:
        return self._sum.hexdigest()


def pair(seq: int, xxh3: int) -> bytes:
    """Return what a frame adds, for whoever has to keep it for a while."""
    return _PAIR.pack(seq, xxh3)
