"""The camera: exposures are short sequences, so that nothing stands between us and the switch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.core_refusals import commanding, require_device
from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from acquire.core import Core

_FOR_EVER = 2**31 - 1  # frames, as a C long holds them everywhere


@dataclass(frozen=True, slots=True)
class Image:
    """What the camera gave: counts (Y, X) uint16, its own number (-1: none), and when we had it.

    `elapsed_ns` is when Micro-Manager had it, since the sequence began; -1 where it does not say.
    """

    pixels: NDArray[np.uint16]
    camera_seq: int
    t_ns: int
    elapsed_ns: int = -1


class Camera:
    """The camera in use of a Micro-Manager core.

    Never `snapImage`: Micro-Manager locks the adapter during a snap, and closing a shutter of the
    same adapter then waits until the exposure is over.

    Parameters
    ----------
    shape
        Rows and columns that every frame must have: whoever changes region or binning during a run
        is found out before light, or by the first such frame. None takes any.
    """

    def __init__(self, core: Core, shape: tuple[int, int] | None = None) -> None:
        self._core, self._shape = core, shape
        self._stepping = ""  # label of a camera that steps through exposures
        self.label = core.getCameraDevice()
        require_device(core, self.label, "camera")
        self._room_for = (0, 0, 0)

    def set_exposure(self, exposure_ms: float) -> float:
        """Set the exposure, ms, and return what the camera then says, ms."""
        with commanding(f"setting the camera's exposure to {exposure_ms:g} ms"):
            self._check_shape(self.shape())
            self._end_steps()
            self._make_room()
            self._core.setExposure(exposure_ms)
            return float(self._core.getExposure())

    def can_step(self, n_frames: int) -> bool:
        """Whether the exposure can step from frame to frame by itself, for so many frames."""
        with commanding("asking for exposure sequences"):
            label = self._core.getCameraDevice()
            return bool(self._core.isExposureSequenceable(label)) and (
                int(self._core.getExposureSequenceMaxLength(label)) >= n_frames
            )

    def step_exposures(self, exposures_ms: Sequence[float]) -> None:
        """Let the exposures of the next sequence step through these, ms."""
        with commanding(f"loading a sequence of {len(exposures_ms)} exposures"):
            label = self._core.getCameraDevice()
            self._core.loadExposureSequence(label, list(exposures_ms))
            self._stepping = label  # first: one that fails midway is ended, too
            self._core.startExposureSequence(label)

    def _end_steps(self) -> None:
        if self._stepping:
            self._core.stopExposureSequence(self._stepping)
            self._stepping = ""

    def _make_room(self) -> None:
        """Make the core's buffer now: it takes 0.2 s, and the next call comes with light on."""
        frame = (*self.shape(), int(self._core.getBytesPerPixel()))
        if frame != self._room_for:
            self._core.initializeCircularBuffer()
            self._room_for = frame

    def start(self, n_frames: int) -> None:
        """Let the camera take frames by itself; 0: until it is stopped."""
        with commanding("starting the camera"):  # one that runs over is to stop, and not to go on
            self._core.startSequenceAcquisition(n_frames or _FOR_EVER, 0.0, True)

    def n_waiting(self) -> int:
        """Return how many frames are waiting to be fetched."""
        return int(self._core.getRemainingImageCount())

    def is_overrun(self) -> bool:
        """Whether frames were lost because they were not fetched in time."""
        return bool(self._core.isBufferOverflowed())

    def try_pop(self) -> Image | None:
        """Return the oldest frame that is waiting, or None.

        Raises
        ------
        SettingRefused
            If the camera gives colour, or more than 16 bits, or frames of another shape.
        """
        if not self._core.getRemainingImageCount():
            return None
        with commanding("reading a frame"):
            pixels, tags = self._core.popNextImageAndMD()
        self._check_shape(pixels.shape)
        t_ns = time.perf_counter_ns()
        elapsed_ns = int(_tag(tags, "ElapsedTime-ms") * 1e6)
        return Image(_as_uint16(pixels), int(_tag(tags, "ImageNumber")), t_ns, max(-1, elapsed_ns))

    def is_running(self) -> bool:
        """Whether the camera still takes frames."""
        return bool(self._core.isSequenceRunning())

    def stop(self) -> None:
        """End the sequence; harmless if it is over already."""
        with commanding("stopping the camera"):
            if self._core.isSequenceRunning():
                self._core.stopSequenceAcquisition()
            self._end_steps()

    def _check_shape(self, found: tuple[int, ...]) -> None:
        if self._shape is not None and found[:2] != self._shape:
            raise SettingRefused(
                f"the camera gives frames of {found[0]} x {found[1]} pixels, and the run began "
                f"with {self._shape[0]} x {self._shape[1]}: region and binning stay as they are "
                "during a run; start a new one"
            )

    def shape(self) -> tuple[int, int]:
        """Return the shape of the next frames, (Y, X)."""
        return int(self._core.getImageHeight()), int(self._core.getImageWidth())


def _as_uint16(pixels: NDArray[np.generic]) -> NDArray[np.uint16]:
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16):
        raise SettingRefused(
            f"the camera gives {pixels.dtype} frames of shape {pixels.shape}; "
            "set its PixelType to 8 or 16 bit grey"
        )
    wide = pixels.astype(np.uint16, copy=False)
    wide.flags.writeable = False
    return wide


def _tag(tags: object, name: str) -> float:
    """Return a number that comes with a frame; -1 where there is none."""
    try:
        return float(tags[name])  # type: ignore[index]  # Micro-Manager's own mapping
    except (KeyError, ValueError):
        return -1.0
