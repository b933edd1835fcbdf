"""The digest of all frames of a run, also where a recorder goes on with the parts of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.errors import RunFileError
from realtime.run_file.journal import decode_document
from realtime.run_file.part import Part
from realtime.stream.digest import StreamDigest, pair
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
        self._waiting = bytearray()  # 16 bytes a frame, for all the days that a run still lasts

    def add(self, seq: int, xxh3: int) -> None:
        """Take the next frame's number and checksum."""
        if self._earlier:
            self._waiting += pair(seq, xxh3)
        else:
            self._digest.add(seq, xxh3)

    def doubt(self, sent: str) -> str:
        """Return what is to be said if these are not the frames whose digest the hub has sent.

        Nothing is to be said where it sent none, or the same one.
        """
        if not sent:
            return ""
        try:
            ours = str(self)
        except RunFileError as error:
            return f"the digest of the frames in this file cannot be told: {error}"
        if ours == sent:
            return ""
        return (
            f"the digest of the frames in this file is {ours}, but the hub sent {sent}: "
            "frames are missing, or are not those that were sent"
        )

    def __str__(self) -> str:
        while self._earlier:
            self._add_part(self._earlier[0])
            del self._earlier[0]
        self._digest.add_all(self._waiting)
        self._waiting.clear()
        return str(self._digest)

    def _add_part(self, path: Path) -> None:
        pairs = bytearray()
        with Part(path) as part:
            for packet in part.packets():
                document = decode_document(packet, path.name)
                if isinstance(document, FrameMessage):
                    pairs += pair(document.info.seq, document.xxh3)
        self._digest.add_all(pairs)
