"""Which documents of a recording are played: those that were judged, or a part of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.errors import RunFileError
from realtime.wire import AppliedMessage, FrameMessage, Gap, Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realtime.run_file import RunReader
    from realtime.wire import Document

NOT_JUDGED = "not judged in the recording"
NOT_PLAYED = "not played"


def only_judged(reader: RunReader) -> Iterator[Document]:
    """Yield a run's documents with a gap in place of every frame that no result speaks of."""
    judged = {seq for result in reader.results for seq in result.seqs}
    hole: Gap | None = None
    for document in reader.documents():
        if isinstance(document, FrameMessage) and judged and document.info.seq not in judged:
            seq = document.info.seq
            if hole is not None and hole.seq_to == seq - 1:
                hole = Gap(hole.seq_from, seq, NOT_JUDGED)
            else:
                if hole is not None:
                    yield hole
                hole = Gap(seq, seq, NOT_JUDGED)
            continue
        if hole is not None and isinstance(document, FrameMessage | Gap):
            yield hole
            hole = None
        if not isinstance(document, Notice):
            yield document
    if hole is not None:
        yield hole


def between(reader: RunReader, first: int, last: int) -> Iterator[Document]:
    """Yield a run's documents from one frame to another, widened to whole shots.

    What comes before is a gap, so that sequence numbers stay those of the recording.

    Parameters
    ----------
    first, last
        Sequence numbers, both included; a `last` of -1 is the last frame.

    Raises
    ------
    RunFileError
        If the run has no frame there.
    """
    shots = {i.shot.number for i in reader.infos if first <= i.seq and (last < 0 or i.seq <= last)}
    seqs = [i.seq for i in reader.infos if i.shot.number in shots]
    if not seqs:
        upto = "the end" if last < 0 else last
        raise RunFileError(f"{reader.name} has no frame from {first} to {upto}")
    if seqs[0] > 0:
        yield Gap(0, seqs[0] - 1, NOT_PLAYED)
    for document in reader.documents():
        match document:
            case FrameMessage():
                is_in = document.info.shot.number in shots
            case Gap():
                is_in = seqs[0] < document.seq_from < seqs[-1]
            case AppliedMessage():
                is_in = document.shot in shots
            case _:
                is_in = True
        if is_in:
            yield document
