"""The journal of a part: every document of the stream, byte for byte, in order of arrival."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from realtime.errors import BadMessage, RunFileError
from realtime.run_file import layout
from realtime.wire import Document, decode_from_hub

if TYPE_CHECKING:
    import h5py

LEAST_BYTES = 8  # of a document: its offset


class Journal:
    """Reads documents by their number.

    Parameters
    ----------
    name
        Of the file, for messages.
    has_sums
        False for files of the first format, which had none.
    """

    def __init__(self, file: h5py.File, name: str, *, has_sums: bool) -> None:
        self._name = name
        self._offsets: Any = file[layout.JOURNAL_OFFSETS]
        self._bytes: Any = file[layout.JOURNAL_BYTES]
        self._sums: Any = file[layout.JOURNAL_SUMS] if has_sums else None

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def refresh(self) -> None:
        """See what a recorder has written since."""
        for dataset in (self._offsets, self._bytes, self._sums):
            if dataset is not None:
                dataset.refresh()

    def block(self, first: int, end: int) -> list[bytes]:
        """Return some documents, as they came over the wire.

        Raises
        ------
        RunFileError
            If one of them is not what was written.
        """
        offsets = self._offsets[first : end + 1].astype(np.int64)
        at, upto = int(offsets[0]), int(offsets[-1])
        if len(offsets) != end + 1 - first or np.any(np.diff(offsets) < 0) or at < 0:
            raise RunFileError(f"{self._name} is damaged: its journal has no order")
        whole = self._bytes[at:upto].tobytes()
        if len(whole) != upto - at:
            raise RunFileError(f"{self._name} is damaged: its journal is too short")
        cuts = (offsets - at).tolist()
        packets = [whole[a:b] for a, b in itertools.pairwise(cuts)]
        if self._sums is not None:
            self._check_sums(packets, self._sums[first:end].tolist(), first)
        return packets

    def _check_sums(self, packets: list[bytes], sums: list[int], first: int) -> None:
        for place, packet in enumerate(packets):
            if place >= len(sums) or xxhash.xxh3_64_intdigest(packet) != sums[place]:
                raise RunFileError(
                    f"{self._name} is damaged: document {first + place} of its journal is not "
                    "what was written; `lightloop repair` recovers the others"
                )


def decode_document(packet: bytes, name: str) -> Document:
    """Decode one document of a journal.

    Raises
    ------
    RunFileError
        If the bytes are no document.
    """
    try:
        message = decode_from_hub(packet)
    except BadMessage as error:
        raise RunFileError(f"{name} is damaged: {error}") from error
    if not isinstance(message, Document):
        raise RunFileError(f"{name} is damaged: {type(message).__name__} is no document of a run")
    return message
