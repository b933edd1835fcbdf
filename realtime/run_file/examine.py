"""Looks at every byte of a run that counts, and says what is wrong and where.

Nothing here trusts anything: each part is opened quietly (`realtime.run_file.quiet`), each document
and image is held against its sum, each number against the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from realtime.errors import RunFileError
from realtime.run_file.layout import CONTINUED
from realtime.run_file.part import Part
from realtime.run_file.parts import part_path, part_paths
from realtime.run_file.walk import Walk
from realtime.stream.digest import StreamDigest
from realtime.wire import End, FrameMessage, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from realtime.run_file.walk import Piece
    from realtime.wire import Start


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong, and in which file."""

    file: str
    what: str

    def __str__(self) -> str:
        said = self.what.removeprefix(self.file).lstrip()
        return f"{self.file}: {said}"


class Verdict(msgspec.Struct, frozen=True):
    """What an examination found.

    Attributes
    ----------
    n_bad_frames
        Frames whose pixels are damaged.
    n_lost
        Sequence numbers that gaps occupy.
    digest
        One number for all frames that are there (`realtime.stream.digest`); the end of a run says
        which it must be.
    faults
        Everything that is wrong; empty for a run that is whole.
    n_restored
        Restored images that are there and whole.
    """

    files: tuple[str, ...]
    status: str
    n_frames: int
    n_bad_frames: int
    n_gaps: int
    n_lost: int
    n_documents: int
    digest: str
    faults: tuple[Fault, ...]
    n_restored: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class Examination:
    """Walks through a run once, piece by piece, and notes every fault on the way.

    Parameters
    ----------
    path
        Any part of the run.
    on_progress
        Called with documents done and documents in all.

    Raises
    ------
    RunFileError
        If there is nothing that could be examined.
    """

    def __init__(
        self, path: Path, on_progress: Callable[[int, int], object] = lambda done, total: None
    ) -> None:
        self.faults: list[Fault] = []
        self.start: Start | None = None
        self.end: End | None = None
        self.last_seq = -1
        self._on_progress = on_progress
        self._counts = dict.fromkeys(("frames", "bad", "gaps", "lost", "documents", "restored"), 0)
        self._digest = StreamDigest()
        self._parts: list[Part] = []
        self.files = part_paths(path)
        if not self.files:
            raise RunFileError(f"there is no run file {path}")
        try:
            self._open_parts()
            self.start = next(filter(None, (part.start() for part in self._parts)), None)
        except RunFileError:
            self.close()
            raise

    def pieces(self) -> Iterator[Piece]:
        """Yield every document that the parts count, in order, whole or not."""
        total = sum(part.n_documents for part in self._parts)
        for part in self._parts:
            for piece in Walk(part, self.start, self._complainer(part.path)).pieces():
                self._note(piece, part)
                self._on_progress(self._counts["documents"], total)
                yield piece

    def verdict(self) -> Verdict:
        """Return what was found, once all pieces were seen."""
        last, counts = self._parts[-1], self._counts
        complain = self._complainer(last.path)
        if self.end is None:
            where = f"after frame {self.last_seq}" if self.last_seq >= 0 else "before any frame"
            complain(f"the run has no end: it breaks off {where}")
            if (missing := self.last_committed - self.last_seq) > 0:
                complain(
                    f"its commit says that frame {self.last_committed} was safe: {missing} more "
                    "frames were there, and are lost"
                )
        else:
            self._check_end(self.end, complain)
        if last.status == CONTINUED:
            following = part_path(self.files[0], len(self.files)).name
            complain(f"the run goes on in {following}, which is missing")
        return Verdict(
            tuple(path.name for path in self.files),
            last.status,
            counts["frames"],
            counts["bad"],
            counts["gaps"],
            counts["lost"],
            counts["documents"],
            str(self._digest),
            tuple(self.faults),
            counts["restored"],
        )

    @property
    def last_committed(self) -> int:
        """The last frame that was once safely in the parts that are there; -1 for none."""
        seqs = [int(part.commit["last_seq"]) for part in self._parts if part.is_commit_whole]
        return max(seqs, default=-1)

    @property
    def keeps_restored(self) -> bool:
        """Whether restored images were asked for."""
        return any(part.keeps_restored for part in self._parts)

    def close(self) -> None:
        """Close every part. May be called twice."""
        for part in self._parts:
            part.close()

    def _complainer(self, path: Path) -> Callable[[str], None]:
        return lambda what: self.faults.append(Fault(path.name, what))

    def _open_parts(self) -> None:
        problem: RunFileError | None = None
        for path in self.files:
            try:
                part = Part(path, complain=self._complainer(path))
            except RunFileError as error:
                problem = error
                self.faults.append(Fault(path.name, str(error)))
                continue
            if self._parts and part.session_id != self._parts[0].session_id:
                part.close()
                self.faults.append(Fault(path.name, "belongs to another run"))
                continue
            if part.number != (place := self.files.index(path)):
                was = f"is part {part.number} of its run, and lies where part {place} should be"
                self.faults.append(Fault(path.name, was))
            self._parts.append(part)
        if not self._parts:
            assert problem is not None
            raise problem

    def _note(self, piece: Piece, part: Part) -> None:
        counts, document = self._counts, piece.document
        counts["documents"] += 1
        if piece.packet is None or document is None:
            return
        if isinstance(document, FrameMessage):
            self._expect(document.info.seq, document.info.seq, part)
            self._digest.add(document.info.seq, document.xxh3)
            counts["frames"] += 1
            counts["bad"] += piece.pixels is None
        elif isinstance(document, Gap):
            self._expect(document.seq_from, document.seq_to, part)
            counts["gaps"] += 1
            counts["lost"] += document.seq_to - document.seq_from + 1
        elif piece.restored is not None:
            counts["restored"] += 1
        elif isinstance(document, End):
            self.end = document

    def _expect(self, first: int, last: int, part: Part) -> None:
        complain = self._complainer(part.path)
        if first > self.last_seq + 1:
            complain(
                f"frames {self.last_seq + 1} to {first - 1} are neither there nor declared lost"
            )
        elif first <= self.last_seq:
            complain(f"frame {first} comes after frame {self.last_seq}")
        self.last_seq = max(self.last_seq, last)

    def _check_end(self, end: End, complain: Callable[[str], None]) -> None:
        if end.last_seq != self.last_seq:
            complain(f"its end says that frame {end.last_seq} is the last, found {self.last_seq}")
        n_seen = self._counts["frames"]
        if self._counts["gaps"] > end.n_gaps:
            return  # what did not reach the recorder is declared, and its frames are not here
        if self._counts["lost"] == 0 and end.n_frames != n_seen:
            complain(f"its end counts {end.n_frames} frames, found {n_seen}")
        if end.digest and end.digest != str(self._digest):
            complain(f"its end says that the digest of all frames is {end.digest}")


def examine(
    path: Path, on_progress: Callable[[int, int], object] = lambda done, total: None
) -> Verdict:
    """Examine a run, and change nothing.

    Raises
    ------
    RunFileError
        If there is nothing that could be examined: no file, none of ours, or nothing left of it.
    """
    examination = Examination(path, on_progress)
    try:
        for _ in examination.pieces():
            pass
        return examination.verdict()
    finally:
        examination.close()
