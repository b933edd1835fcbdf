"""Recovers what is whole of a damaged or broken-off run, into a new file.

The new file holds every document that is whole, byte for byte, and every frame whose checksum is
right. What is lost is declared, as everywhere: a gap takes the numbers of lost frames, a notice
says what else is gone, and a run that broke off gets an end that says so. The damaged file stays as
it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from realtime.errors import RunFileError
from realtime.run_file.examine import Examination, Fault, Verdict, examine
from realtime.run_file.layout import PARTIAL
from realtime.run_file.opening import UnreadableRun
from realtime.run_file.parts import first_part
from realtime.run_file.salvage import Salvage
from realtime.run_file.writer import RunWriter
from realtime.stream.digest import StreamDigest
from realtime.wire import End, FrameMessage, Gap, Notice, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from realtime.run_file.walk import Piece

FLUSH_FRAMES = 64  # there is no camera that waits
DAMAGED = "damaged in the file that this was recovered from"


class Repaired(msgspec.Struct, frozen=True):
    """What was recovered: the new file (empty if none was needed), and what was wrong before.

    Attributes
    ----------
    n_frames, n_lost
        Frames in the new file, and frames that were there but are lost.
    """

    path: str
    n_frames: int
    n_lost: int
    verdict: Verdict


def repaired_path(path: Path) -> Path:
    """Return where a repaired run lies if nobody says: run.repaired.h5."""
    first = first_part(path)
    return first.with_name(f"{first.stem}.repaired{first.suffix}")


def repair(
    path: Path,
    out: Path,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Repaired:
    """Write what is whole of a run into a new file.

    Parameters
    ----------
    path
        Any part of the run.
    out
        The new run file.
    on_progress
        Called with documents done and documents in all, twice from the beginning.

    Raises
    ------
    RunFileError
        If nothing can be recovered, or the new file is there already or cannot be written.
    """
    if out.exists():
        raise RunFileError(f"{out} exists already; please choose another name")
    try:
        verdict = examine(path, on_progress)
    except UnreadableRun as error:
        return _salvaged(path, out, error, on_progress)
    if verdict.is_whole:
        return Repaired("", verdict.n_frames, 0, verdict)
    examination = Examination(path, on_progress)
    try:
        start = examination.start
        if start is None:
            raise RunFileError(
                f"{examination.files[0].name}: its first document is damaged, without which no "
                "image can be read; nothing can be recovered"
            )
        with RunWriter(out, start, keeps_restored=examination.keeps_restored) as writer:
            copy = _Copy(writer, examination.files[0].name)
            for piece in examination.pieces():
                copy.take(piece)
            copy.finish(examination.end, examination.last_committed)
            writer.close(PARTIAL)
        return Repaired(str(out), writer.n_frames, copy.n_lost, verdict)
    finally:
        examination.close()


def _salvaged(
    path: Path, out: Path, error: UnreadableRun, on_progress: Callable[[int, int], object]
) -> Repaired:
    """Write what can be found of a file that cannot be opened, part by part as it lies there.

    Raises
    ------
    RunFileError
        If there is nothing of a run in it, or the new file cannot be written.
    """
    with Salvage(path, on_progress) as found, RunWriter(out, found.start) as writer:
        copy, end = _Copy(writer, path.name), None
        for piece in found.pieces():
            copy.take(piece)
            end = piece.document if isinstance(piece.document, End) else end
        copy.finish(end, -1)
        writer.close(PARTIAL)
        n_frames = writer.n_frames
    verdict = examine(out)
    fault = Fault(path.name, f"{error}; what could be found without HDF5 is in {out.name}")
    verdict = msgspec.structs.replace(verdict, files=(path.name,), faults=(fault,))
    return Repaired(str(out), n_frames, copy.n_lost, verdict)


class _Copy:
    """Hands on what is whole, and declares what is not."""

    def __init__(self, writer: RunWriter, name: str) -> None:
        self.n_lost = 0
        self._writer = writer
        self._name = name
        self._n_documents_lost = 0
        self._dose: dict[str, float] = {}
        self._digest = StreamDigest()

    def take(self, piece: Piece) -> None:
        """Hand on a piece."""
        document, writer = piece.document, self._writer
        if piece.packet is None or document is None:
            self._n_documents_lost += 1
        elif isinstance(document, End):
            pass  # it counts frames that may be lost: a new one is written
        elif not isinstance(document, FrameMessage):
            writer.document(piece.packet, document, piece.restored)
        elif document.info.seq > writer.last_seq:
            self._declare(writer.last_seq + 1, document.info.seq - 1)
            if piece.pixels is None:
                self._declare(document.info.seq, document.info.seq)
            else:
                writer.frame(document, piece.pixels, piece.packet)
                self._digest.add(document.info.seq, document.xxh3)
                used = document.info.applied
                self._dose[used.light] = self._dose.get(used.light, 0.0) + used.dose_j_cm2
        if writer.pending >= FLUSH_FRAMES:
            writer.flush()

    def finish(self, end: End | None, last_committed: int) -> None:
        """Write the last words; frames that were safe once, and are gone, are lost."""
        writer = self._writer
        last_seq = max(last_committed, end.last_seq if end is not None else -1)
        self._declare(writer.last_seq + 1, last_seq)
        lost = f"{self.n_lost} frames and {self._n_documents_lost} documents were lost"
        notice = Notice("warn", f"recovered by `lightloop repair` from {self._name}; {lost}")
        writer.document(encode(notice))
        reason = end.reason if end is not None else "the recording broke off"
        last = End(
            writer.last_seq,
            writer.n_frames,
            writer.n_gaps,
            PARTIAL,
            f"{reason}; recovered from {self._name}",
            is_dark=end is not None and end.is_dark,
            dose_j_cm2=end.dose_j_cm2 if end is not None else self._dose,
            digest=str(self._digest),
        )
        writer.document(encode(last))

    def _declare(self, first: int, last: int) -> None:
        if first > last:
            return
        self.n_lost += last - first + 1
        self._writer.document(encode(Gap(first, last, DAMAGED)))
