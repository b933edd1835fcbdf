"""Recovers frames from a file whose beginning is gone, and with it HDF5's own bookkeeping.

Nothing says any more where things lie. But documents are MessagePack maps that begin with their
type, and packed images are Blosc2 frames that begin with their name, so both are found by looking
at every byte. An image counts only if the xxh3-64 of its pixels is that of a document that was
found, too: nothing is guessed.

Not found again: a document that lies across two blocks of the journal (one in about a hundred, for
they are 64 KiB), and a frame that was stored unpacked, unless it lies right behind one that was
found. Their frames become gaps.

References
----------
Blosc2 contiguous frame format, README_CFRAME_FORMAT.rst of C-Blosc2: magic "b2frame", header length
and frame length. MessagePack specification, section Formats.
"""

from __future__ import annotations

import mmap
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xxhash

from realtime.errors import RunFileError
from realtime.run_file.codec import RAW, unpack
from realtime.run_file.journal import decode_document
from realtime.run_file.walk import Piece
from realtime.wire import FrameMessage, Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from realtime.wire import CameraInfo, Document

_KINDS = (b"start", b"frame", b"gap", b"result", b"decision", b"applied", b"clock", b"notice",
          b"end")  # fmt: skip
_TYPE = re.compile(b"\xa4type(?:%s)" % b"|".join(bytes([0xA0 + len(k)]) + k for k in _KINDS))
_PACKED = re.compile(rb"\x9e\xa8b2frame\x00\xd2.{4}\xcf(.{8})", re.DOTALL)
_MAP_HEADS = ((1, range(0x80, 0x90)), (3, range(0xDE, 0xDF)))  # bytes before the first key


class _Image(NamedTuple):
    """Where the pixels of a frame lie, and whether they are packed."""

    at: int
    n_bytes: int
    mask: int


class Salvage:
    """Everything that can be found in a file that HDF5 cannot open.

    Attributes
    ----------
    start
        The session's first document.

    Raises
    ------
    RunFileError
        If there is no document of ours in it, or not the first, without which no image can be read.
    """

    def __init__(
        self, path: Path, on_progress: Callable[[int, int], object] = lambda done, total: None
    ) -> None:
        self._path, self._on_progress = path, on_progress
        self._file = path.open("rb")
        self._data: mmap.mmap | None = None
        try:
            self._data = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._documents = list(self._find_documents())
            starts = [one for _, one in self._documents if isinstance(one, Start)]
            if not starts:
                raise RunFileError(
                    f"{path.name}: its beginning is gone, and no first document is left elsewhere "
                    "in it; without one no image can be read, so nothing can be recovered"
                )
            self.start = starts[0]
            self._images = self._find_images(self.start.cameras)
        except (ValueError, RunFileError) as error:  # ValueError: an empty file has no map
            self.close()
            if isinstance(error, RunFileError):
                raise
            raise RunFileError(f"{path.name} is empty: nothing can be recovered") from error

    def pieces(self) -> Iterator[Piece]:
        """Yield every document that was found, in their order, and the pixels of frames."""
        for number, (packet, document) in enumerate(self._documents):
            pixels = None
            if isinstance(document, FrameMessage) and document.xxh3 in self._images:
                pixels = self._pixels(self._images[document.xxh3], document)
            yield Piece(0, number, packet, document, pixels)

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._data is not None:
            self._data.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_documents(self) -> Iterator[tuple[bytes, Document]]:
        assert self._data is not None
        data, upto, has_start = self._data, 0, False
        for match in _TYPE.finditer(data):
            if match.start() < upto:
                continue  # words within a document
            for n_bytes, heads in _MAP_HEADS:
                at = match.start() - n_bytes
                if at < upto or data[at] not in heads:
                    continue
                try:
                    end = end_of(data, at)
                    packet = data[at:end]
                    document = decode_document(packet, self._path.name)
                except (RunFileError, IndexError):
                    continue
                if not (has_start and isinstance(document, Start)):  # it is there twice
                    yield packet, document
                has_start = has_start or isinstance(document, Start)
                upto = end
                break

    def _find_images(self, cameras: tuple[CameraInfo, ...]) -> dict[int, _Image]:
        """Return where the pixels of each checksum lie."""
        assert self._data is not None
        wanted = {d.xxh3 for _, d in self._documents if isinstance(d, FrameMessage)}
        messages = [d for _, d in self._documents if isinstance(d, FrameMessage)]
        shapes = {(d.info.height, d.info.width) for d in messages}
        chips = {(camera.height, camera.width) for camera in cameras}
        found: dict[int, _Image] = {}
        for match in _PACKED.finditer(self._data):
            self._on_progress(match.start(), len(self._data))
            image = _Image(match.start(), int.from_bytes(match[1], "big"), 0)
            behind = self._note(image, chips, shapes, wanted, found)
            while behind:  # frames that were stored as they are have no mark of their own
                behind = any(
                    self._note(
                        image := _Image(image.at + image.n_bytes, 2 * chip[0] * chip[1], RAW),
                        {chip}, shapes, wanted, found,
                    )
                    for chip in chips
                )  # fmt: skip
        return found

    def _note(
        self,
        image: _Image,
        chips: set[tuple[int, int]],
        shapes: set[tuple[int, int]],
        wanted: set[int],
        found: dict[int, _Image],
    ) -> bool:
        """Note an image if its pixels are those of a frame that was found; return whether."""
        assert self._data is not None
        content = self._data[image.at : image.at + image.n_bytes]
        for chip in chips:
            try:
                whole = unpack(content, image.mask, chip)
            except RunFileError:
                continue
            for height, width in shapes:
                digest = xxhash.xxh3_64_intdigest(np.ascontiguousarray(whole[:height, :width]).data)
                if digest in wanted:
                    found.setdefault(digest, image)
                    return True
        return False

    def _pixels(self, image: _Image, message: FrameMessage) -> NDArray[np.uint16] | None:
        assert self._data is not None
        content = self._data[image.at : image.at + image.n_bytes]
        info = message.info
        camera = next((c for c in self.start.cameras if c.label == info.camera), None)
        if camera is None:
            return None
        whole = unpack(content, image.mask, (camera.height, camera.width))
        return np.ascontiguousarray(whole[: info.height, : info.width])


def end_of(data: mmap.mmap | bytes, at: int) -> int:
    """Return where the MessagePack value that begins at a place ends.

    Raises
    ------
    IndexError
        If the data end before it does, or it is no MessagePack.
    """
    left = 1
    while left:
        head, left = data[at], left - 1
        at += 1
        if head <= 0x7F or head >= 0xE0 or head in (0xC0, 0xC2, 0xC3):
            continue
        if head <= 0x9F:
            left += (head & 0x0F) * (2 if head <= 0x8F else 1)
        elif head <= 0xBF:
            at += head & 0x1F
        elif head in _FIXED:
            at += _FIXED[head]
        elif head in _SIZED:
            n_bytes, per, extra = _SIZED[head]
            count = int.from_bytes(data[at : at + n_bytes], "big")
            at += n_bytes + extra
            if per:
                left += count * per
            else:
                at += count
        else:
            raise IndexError("0xc1 is never used")
        if at > len(data) or left > len(data):
            raise IndexError("the value is cut short")
    return at


_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
          0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}  # fmt: skip
"""Bytes behind the head of numbers and of extensions of one size."""

_SIZED = {0xC4: (1, 0, 0), 0xC5: (2, 0, 0), 0xC6: (4, 0, 0), 0xC7: (1, 0, 1), 0xC8: (2, 0, 1),
          0xC9: (4, 0, 1), 0xD9: (1, 0, 0), 0xDA: (2, 0, 0), 0xDB: (4, 0, 0), 0xDC: (2, 1, 0),
          0xDD: (4, 1, 0), 0xDE: (2, 2, 0), 0xDF: (4, 2, 0)}  # fmt: skip
"""Bytes of the count behind the head, values for each of it (0: bytes), and bytes besides."""
