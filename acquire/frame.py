"""A frame carries its truth: pixels, and all that was done to get them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from acquire.settings import Applied

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Index(msgspec.Struct, frozen=True):
    """Where a frame stands in the plan: time point, channel, plane, position (each from 0)."""

    t: int = 0
    c: int = 0
    z: int = 0
    p: int = 0


class Shot(msgspec.Struct, frozen=True):
    """The frames that light was decided for together.

    Attributes
    ----------
    number
        Counts the shots of a run from 0; also the id of the decision that follows it.
    position
        Field of view, the p of the index.
    n_frames
        Frames that belong to the shot.
    is_audit
        Two back-to-back exposures at low light, for judging the networks.
    """

    number: int
    position: int
    n_frames: int
    is_audit: bool = False


class FrameInfo(msgspec.Struct, frozen=True):
    """Everything about a frame but its pixels.

    Attributes
    ----------
    seq
        Contiguous number in the session's stream.
    camera, camera_seq
        The camera's label, and its own count of images (-1 where it keeps none).
    t_ns
        When the host had the frame, `perf_counter_ns` of the scope's host.
    t_s
        Experiment time at the start of the exposure, s.
    shot, shot_frame
        The shot that the frame belongs to, and the frame's place in it, from 0.
    height, width
        Shape of the pixels, which are uint16.
    position_um
        Stage x, y and focus z, um.
    focus
        How the focus stood before the exposure: "locked" or "lost" (a focus lock), "free" (let go
        for a stack), "found" or "not found" (an autofocus for this shot); "" where nobody looks.
    """

    seq: int
    camera: str
    camera_seq: int
    t_ns: int
    t_s: float
    shot: Shot
    shot_frame: int
    index: Index
    height: int
    width: int
    position_um: tuple[float, float, float]
    applied: Applied
    focus: str = ""

    @property
    def ends_shot(self) -> bool:
        """Whether this is the last frame of its shot."""
        return self.shot_frame == self.shot.n_frames - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of a camera.

    Attributes
    ----------
    pixels
        Camera counts (ADU), (Y, X) uint16, read-only.
    info
        All that was done to get them.
    """

    pixels: NDArray[np.uint16]
    info: FrameInfo
