"""A frame's pixels as the chunk that lies on disk: compressed, or in a hurry as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError
from realtime.run_file.codec import RAW, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from realtime.wire import CameraInfo, FrameMessage


class Chunks:
    """Makes chunks of a session's frames.

    Parameters
    ----------
    cameras
        Of the session, in the order of their data on disk.
    compress
        False stores every frame as it is.
    threads
        Threads that compress a large frame; 0 means half of the machine's cores, at most 4.
    """

    def __init__(self, cameras: Sequence[CameraInfo], *, compress: bool, threads: int) -> None:
        self._cameras = {camera.label: number for number, camera in enumerate(cameras)}
        self._compress = compress
        self._threads = threads
        if compress:
            pack(np.zeros((1, 1), np.uint16))  # the codec takes half a second to wake up

    def camera(self, message: FrameMessage) -> int:
        """Return the number of a frame's camera.

        Raises
        ------
        RunFileError
            If the session has no such camera.
        """
        info = message.info
        number = self._cameras.get(info.camera)
        if number is None:
            raise RunFileError(f"frame {info.seq} comes from a camera {info.camera!r} of no start")
        return number

    def of(self, whole: NDArray[np.uint16], *, is_hurried: bool) -> tuple[int, bytes | memoryview]:
        """Return the filter mask and the bytes of a frame that fills the chip, (Y, X)."""
        if self._compress and not is_hurried:
            return 0, pack(whole, self._threads)
        return RAW, np.ascontiguousarray(whole).data
