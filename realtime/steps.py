"""What the worker's pipeline is made of: its steps, and what is asked of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.denoise import Restorer
    from realtime.cell_dose import CellDose
    from realtime.detections import Detections
    from realtime.judging.focus import FocusGate
    from realtime.memory import Past
    from realtime.planes.watch import PlaneWatch
    from realtime.policy.decision import Policy
    from realtime.policy.observation import Trust
    from realtime.trust import TrustWatch
    from realtime.wire import Picture, RestoredSlot, TrackEvent, Tracks


class CellTracker(Protocol):
    """Follows the cells of one field (`realtime.tracker`)."""

    def update(self, detections: Detections, /) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Take one shot's cells; return everybody who is followed, and what happened."""
        ...

    def carry(self, y_px: float, x_px: float, /) -> None:
        """Take note that the stage moved all that is seen so far, px."""
        ...

    def skip(self, shots: int, /) -> None:
        """Take note that shots are missing before the next one."""
        ...


class Drawing(Protocol):
    """Makes images that only viewers get (`lightloop.pictures.pictures`)."""

    def see(self, info: FrameInfo, adu: NDArray[np.uint16], /) -> None:
        """Take note of a raw frame of the followed channel; the pixels are copied."""
        ...

    def draw(self) -> tuple[Picture, ...]:
        """Return the pictures of the shot."""
        ...

    def forget(self) -> None:
        """Make ready for the next shot."""
        ...


class Steps(NamedTuple):
    """What the pipeline is made of.

    Attributes
    ----------
    judge
        Raw counts and restored photo-electrons to a verdict.
    new_tracker
        A tracker for a field that was not seen before.
    keep
        Puts a restored image where viewers find it; None if nobody looks.
    saturation_adu
        Level from which a pixel is clipped.
    cell_dose
        Adds up the light of each cell; None where cells are not followed.
    focus
        Withdraws the trust in what is less sharp than its field has been; None where no cells are
        followed.
    watch
        Judges a network's frames with all that is known of their field, instead of `judge`; None
        without a network.
    introduce
        Tells the restorer what the next frame is of; None where it remembers nothing.
    doubt
        Withdraws the trust where the network had to be given up; None without one.
    drawing
        Makes pictures for viewers, once the decision is made; None where nobody looks.
    pixel_um
        Size of a pixel at the sample, by which a move of the stage inside a field is told to its
        tracker; camera and stage are taken to be parallel. 0: it is not told.
    planes
        Compares planes that may be skipped with what is drawn; None where none are.
    follows_heights
        Whether cells are followed in three dimensions where a shot is a stack; it needs `pixel_um`.
    kinds
        Names of the kinds that `detect` tells apart (`realtime.classify.Classified`).
    past
        Gives back what a worker before this one knew; None where nothing is kept.
    """

    restore: Restorer
    detect: Callable[[NDArray[np.float32]], Detections]
    new_tracker: Callable[[], CellTracker]
    judge: Callable[[NDArray[np.uint16], NDArray[np.float32]], Trust]
    policy: Policy
    keep: Callable[[NDArray[np.float32]], RestoredSlot] | None
    saturation_adu: float
    cell_dose: CellDose | None = None
    focus: FocusGate | None = None
    watch: TrustWatch | None = None
    introduce: Callable[[FrameInfo], None] | None = None
    doubt: Callable[[Trust], Trust] | None = None
    drawing: Drawing | None = None
    pixel_um: float = 0.0
    planes: PlaneWatch | None = None
    follows_heights: bool = False
    kinds: tuple[str, ...] = ()
    past: Past | None = None
