"""One way through a part for an examination: each document, and the pixels of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from realtime.errors import RunFileError
from realtime.run_file import layout
from realtime.run_file.codec import RAW, unpack
from realtime.run_file.frame_table import FRAME_ROW, frame_row
from realtime.run_file.journal import decode_document
from realtime.wire import FrameMessage, Result, Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from realtime.run_file.part import Part
    from realtime.wire import Document

WINDOW = 256  # documents that are read at once


@dataclass(frozen=True, slots=True)
class Piece:
    """One document of a run, in order, and the pixels of a frame.

    Attributes
    ----------
    number
        Place of the document in its part.
    packet, document
        None where the document is lost.
    pixels
        Of a frame, (Y, X) uint16; None where they are damaged.
    restored
        Of a result, the image that was kept, (Y, X) float32; None where there is none.
    """

    part: int
    number: int
    packet: bytes | None = None
    document: Document | None = None
    pixels: NDArray[np.uint16] | None = None
    restored: NDArray[np.float32] | None = None


class Walk:
    """Goes through a part that may be damaged anywhere.

    Parameters
    ----------
    start
        The session's first document; None if it is damaged in every part.
    complain
        Told everything that is wrong.
    """

    def __init__(self, part: Part, start: Start | None, complain: Callable[[str], None]) -> None:
        self._part = part
        self._start = start
        self._complain = complain
        self._rows: dict[int, np.void] = {}
        self._n_frames = 0
        self._counted: dict[int, int] = {}
        self._n_restored = 0

    def pieces(self) -> Iterator[Piece]:
        """Yield every document that the part counts, whole or not."""
        self._read_rows()
        for number, packet in self._packets():
            document = None if packet is None else self._decode(packet, number)
            if document is None:
                yield Piece(self._part.number, number)
                continue
            pixels = restored = None
            if isinstance(document, Start):
                self._check_entry(document)
            elif isinstance(document, FrameMessage):
                pixels = self._pixels(document)
            elif isinstance(document, Result) and document.restored is not None:
                restored = self._restored(document)
            yield Piece(self._part.number, number, packet, document, pixels, restored)

    def _packets(self) -> Iterator[tuple[int, bytes | None]]:
        for first in range(0, self._part.n_documents, WINDOW):
            end = min(first + WINDOW, self._part.n_documents)
            try:
                yield from enumerate(self._part.block(first, end), first)
            except RunFileError:
                for number in range(first, end):
                    yield number, self._one(number)

    def _one(self, number: int) -> bytes | None:
        try:
            return self._part.packet(number)
        except RunFileError as error:
            self._complain(f"document {number} of the journal is damaged ({_why(error)})")
            return None

    def _decode(self, packet: bytes, number: int) -> Document | None:
        try:
            return decode_document(packet, self._part.path.name)
        except RunFileError as error:
            self._complain(f"document {number} of the journal cannot be understood: {error}")
            return None

    def _read_rows(self) -> None:
        try:
            rows = self._part.rows()
        except RunFileError as error:
            self._complain(f"the table of frames cannot be read ({_why(error)})")
            return
        self._rows = {int(row["seq"]): row for row in rows}

    def _pixels(self, message: FrameMessage) -> NDArray[np.uint16] | None:
        """Return a frame's pixels, and compare its row of the table with its document."""
        seq, camera = message.info.seq, self._camera(message)
        row = self._rows.get(seq)
        counted = self._counted.get(camera, -1) + 1
        place = int(row["row"]) if row is not None else counted
        self._counted[camera] = place
        if camera < 0:
            self._complain(f"frame {seq} comes from a camera {message.info.camera!r} of no start")
            return None
        try:
            pixels, mask = self._read(message, camera, place)
        except RunFileError as error:
            self._complain(f"frame {seq} is damaged: {_why(error)}{self._where(camera, place)}")
            return None
        expected = frame_row(message, camera, place, is_raw=bool(mask & RAW))
        if row is None:
            self._complain(f"frame {seq} is missing in the table of frames")
        elif np.array([expected], FRAME_ROW).tobytes() != row.tobytes():
            self._complain(f"frame {seq}: its row in the table of frames is not what was written")
        return pixels

    def _read(
        self, message: FrameMessage, camera: int, place: int
    ) -> tuple[NDArray[np.uint16], int]:
        mask, packed, chip = self._part.chunk(camera, place)
        whole = unpack(packed, mask, chip)
        info = message.info
        pixels = np.ascontiguousarray(whole[: info.height, : info.width])
        if xxhash.xxh3_64_intdigest(pixels.data) != message.xxh3:
            raise RunFileError("its checksum is wrong")
        return pixels, mask

    def _restored(self, result: Result) -> NDArray[np.float32] | None:
        """Return the image that a result names, and compare its row with the result."""
        if not self._part.keeps_restored:
            return None
        number = self._n_restored
        self._n_restored += 1
        what = f"the restored image of shot {result.shot}"
        try:
            entry = self._part.restored_entry(number)
            if (entry.shot, entry.position) != (result.shot, result.position):
                self._complain(f"{what}: row {number} is that of shot {entry.shot}")
                return None
            return self._part.restored(entry) if entry.is_kept else None
        except RunFileError as error:
            self._complain(f"{what} is damaged: {_why(error)}")
            return None

    def _where(self, camera: int, place: int) -> str:
        try:
            return f" ({self._part.place_of(camera, place)})"
        except RunFileError:
            return ""

    def _camera(self, message: FrameMessage) -> int:
        cameras = self._start.cameras if self._start is not None else ()
        labels = [camera.label for camera in cameras]
        label = message.info.camera
        return labels.index(label) if label in labels else -1

    def _check_entry(self, start: Start) -> None:
        """Compare what is said for people with the start that it was taken from."""
        part = self._part
        said: list[tuple[str, object]] = [
            ("session_id", start.session_id),
            ("start_time", layout.start_time(start)),
        ]
        for number, camera in enumerate(start.cameras):
            said += [
                (f"instrument/cam{number}/{name}", value)
                for name, value, _ in layout.camera_numbers(camera)
            ]
        for name, expected in said:
            try:
                found = part.value(name)
            except RunFileError as error:
                self._complain(f"{name} cannot be read ({_why(error)})")
                continue
            if found != expected:
                self._complain(f"{name} is {found}, but the journal says {expected}")
        self._check_end_time()

    def _check_end_time(self) -> None:
        try:
            text = self._part.value("end_time")
            if text:
                datetime.fromisoformat(text)
        except (RunFileError, ValueError):
            self._complain("its end_time is no time")


def _why(error: RunFileError) -> str:
    return str(error).rpartition(": ")[2] or str(error)
