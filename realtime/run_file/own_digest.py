"""The digest of all frames of a run, also where a recorder goes on with the parts of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.digest import StreamDigest
from realtime.run_file.journal import decode_document
from realtime.run_file.part import Part
from realtime.wire import FrameMessage

if TYPE_CHECKING:
    from pathlib import Path


class OwnDigest:
    """Adds up what was written; what others wrote before is read when somebody asks.

    Parameters
    ----------
    earlier
        Parts of the run that exist already, the first one first. A recorder that starts again has
        no time to read them: frames are waiting.
    """

    def __init__(self, earlier: list[Path]) -> None:
        self._earlier = earlier
        self._digest = StreamDigest()
        self._waiting: list[tuple[int, int]] = []

    def add(self, seq: int, xxh3: int) -> None:
        """Take the next frame's number and checksum."""
        if self._earlier:
            self._waiting.append((seq, xxh3))
        else:
            self._digest.add(seq, xxh3)

    def __str__(self) -> str:
        for path in self._earlier:
            with Part(path) as part:
                for packet in part.packets():
                    document = decode_document(packet, path.name)
                    if isinstance(document, FrameMessage):
                        self._digest.add(document.info.seq, document.xxh3)
        for seq, xxh3 in self._waiting:
            self._digest.add(seq, xxh3)
        self._earlier, self._waiting = [], []
        return str(self._digest)
