"""A run file as if it had been closed: for looking at one whose writer died, or that is damaged.

HDF5 marks a file that is being written in its superblock, and then only opens it in SWMR mode. In
that mode it takes damage for a page that is just being written, and tries again, each time after
twice the wait: for ever. Through this view the mark is gone and the end of the file is where the
superblock says, with zeros for what was cut off, so damage is an error at once.

References
----------
HDF5 File Format Specification 3.0, II.A (superblock versions 2 and 3: flags at byte 11, end of file
at 28, checksum at 44) and Appendix A (checksum: lookup3 of Bob Jenkins, 2006, public domain).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUPERBLOCK = 48  # bytes, checksum included
WORD = 0xFFFFFFFF
FLAGS, END, SUM = 11, slice(28, 36), slice(44, 48)


class QuietFile(io.RawIOBase):
    """A read-only file for `h5py.File`, with a superblock that calls it closed and whole."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        size = path.stat().st_size
        self._head = bytearray(self._file.read(SUPERBLOCK))
        self._size = size
        if is_whole(self._head):  # else HDF5 itself will say what is wrong
            self._size = max(size, int.from_bytes(self._head[END], "little"))
            self._head[FLAGS] = 0
            self._head[END] = self._size.to_bytes(8, "little")
            self._head[SUM] = lookup3(bytes(self._head[: SUM.start])).to_bytes(4, "little")
        self._at = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer; what was cut off reads as zeros."""
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._at))
        self._file.seek(self._at)
        done = 0
        while done < count and (got := self._file.readinto(view[done:count])):
            done += got
        view[done:count] = bytes(count - done)
        if self._at < len(self._head):
            ours = self._head[self._at : self._at + count]
            view[: len(ours)] = ours
        self._at += count
        return count

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()
        super().close()


def is_whole(head: bytes | bytearray) -> bool:
    """Whether a file begins with an undamaged superblock of version 2 or 3."""
    if len(head) < SUPERBLOCK or not head.startswith(SIGNATURE) or head[8] not in (2, 3):
        return False
    return lookup3(bytes(head[: SUM.start])) == int.from_bytes(head[SUM], "little")


def lookup3(data: bytes) -> int:
    """Return Bob Jenkins' `hashlittle` of some bytes (not none), with initial value 0."""
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    words += [0] * (-len(words) % 3)
    a = b = c = (0xDEADBEEF + len(data)) & WORD
    for at in range(0, len(words), 3):
        a, b, c = a + words[at] & WORD, b + words[at + 1] & WORD, c + words[at + 2] & WORD
        if at + 3 == len(words):
            break
        for left in (4, 6, 8, 16, 19, 4):
            a, c = (a - c & WORD) ^ _turn(c, left), c + b & WORD
            a, b, c = b, c, a
    for left in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - _turn(b, left) & WORD
        a, b, c = b, c, a
    return b


def _turn(value: int, left: int) -> int:
    return (value << left | value >> 32 - left) & WORD
