"""Delivery: every frame gets its number and its truth, and is handed on; what is lost is said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.frame import Frame, FrameInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.camera import Image
    from acquire.frame import Shot
    from acquire.plan.plan import PlannedExposure
    from acquire.settings import Applied

logger = logging.getLogger(__name__)


class Delivery:
    """Numbers the frames of a run without a hole, and hands them on.

    Parameters
    ----------
    camera
        The camera's label.
    hand_on
        Takes each frame. It may wait; but see `has_room`.
    lose
        Takes the first and last number of frames that were lost, and why.
    has_room
        Whether `hand_on` would take so many frames without waiting for anybody.

    Attributes
    ----------
    next_seq
        Number of the next frame; lost ones have numbers, too.
    n_frames
        Frames that were handed on.
    last_frame_ns
        When we had the newest frame, host clock; 0 before the first one.
    """

    def __init__(
        self,
        camera: str,
        hand_on: Callable[[Frame], None],
        lose: Callable[[int, int, str], None] | None = None,
        has_room: Callable[[int], bool] = lambda n_frames: False,
    ) -> None:
        self._camera, self._hand_on = camera, hand_on
        self._tell_lost, self.has_room = lose or _log_loss, has_room
        self.next_seq = self.n_frames = self.last_frame_ns = 0

    def publish(
        self,
        image: Image,
        one: PlannedExposure,
        shot: Shot,
        first_seq: int,
        t_s: float,
        applied: Applied,
    ) -> None:
        """Hand a frame on; `first_seq` is the number of its shot's first frame."""
        height, width = image.pixels.shape
        info = FrameInfo(
            seq=self.next_seq,
            camera=one.camera or self._camera,
            camera_seq=image.camera_seq,
            t_ns=image.t_ns,
            t_s=t_s,
            shot=shot,
            shot_frame=self.next_seq - first_seq,
            index=one.index,
            height=height,
            width=width,
            position_um=one.position_um,
            applied=applied,
            focus=one.focus,
        )
        self.next_seq += 1
        self.n_frames += 1
        self.last_frame_ns = image.t_ns
        self._hand_on(Frame(image.pixels, info))

    def lose(self, last_seq: int, reason: str) -> None:
        """Declare every frame up to a number lost that was not handed on."""
        first_seq = self.next_seq
        if first_seq <= last_seq:
            self.next_seq = last_seq + 1
            self._tell_lost(first_seq, last_seq, reason)


def _log_loss(first_seq: int, last_seq: int, reason: str) -> None:
    logger.warning("frames %d to %d are lost: %s", first_seq, last_seq, reason)
