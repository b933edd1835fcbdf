"""Images that are for the eye alone: finer pixels, planes between planes. None ever decides.

They lie in the result of the shot they were drawn for, and not every shot has them: where there is
no time for them, the last ones stay, and say how old they are. No Qt here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gui.levels import Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gui.source import Source
    from realtime.wire import Picture, Result

WARNING = "for looking, not for deciding"
NOTHING = "no image for looking yet"
_NAMES = {"superres": "super-resolved", "axial": "between planes", "esrrf": "eSRRF"}


class Mode(StrEnum):
    """What is side by side with what."""

    SIDE = "Side by side"
    SWIPE = "Swipe"
    RAW = "Raw"
    DENOISED = "Denoised"
    THREE = "All three"
    LOOK = "For looking"


RAW_MODES = (Mode.SIDE, Mode.SWIPE, Mode.RAW, Mode.THREE)
DENOISED_MODES = (Mode.SIDE, Mode.DENOISED, Mode.THREE)
LOOK_MODES = (Mode.THREE, Mode.LOOK)
"""Which modes have a pane for the raw frame, the denoised image, and images for looking."""


class Look(NamedTuple):
    """One of them, fetched.

    Attributes
    ----------
    name
        What it is, and what made it.
    photons
        Photo-electrons of its own pixels, (Y, X) float32.
    seq, t_s
        The newest frame in it, and that one's experiment time.
    """

    name: str
    photons: NDArray[np.float32]
    seq: int
    t_s: float

    def finer(self, camera_width: int) -> float:
        """Return how many of its pixels lie on one of the camera's, along an axis."""
        return float(self.photons.shape[1] / camera_width)

    def unit(self, camera_width: int) -> Unit:
        """Return the unit in which it is as bright as the camera's: light per camera pixel."""
        return Unit(0.0, 1.0 / self.finer(camera_width) ** 2)

    def title(self, camera_width: int, pixel_um: float) -> str:
        """Say what it is, how large its pixels are, and what it is not for."""
        size = f"{pixel_um / self.finer(camera_width):.3g} µm pixels  ·  " if pixel_um > 0 else ""
        return f"{WARNING}  ·  {size}{self.name}"


class Looking:
    """Which images for looking there are, and which one a person looks at."""

    def __init__(self) -> None:
        self._result: Result | None = None  # the newest that has any
        self._chosen = 0
        self._has_new = False

    @property
    def has_any(self) -> bool:
        """Whether this run has such images."""
        return self._result is not None

    @property
    def choice(self) -> str:
        """What is chosen, in a few words; empty where there is nothing."""
        picture = self._picture()
        return "" if picture is None else _name(picture)

    def take(self, result: Result) -> None:
        """Take note of a result."""
        if result.pictures:
            self._result, self._has_new = result, True

    def next(self) -> None:
        """Choose the next one of the shot."""
        if self._result is not None:
            self._chosen = (self._chosen + 1) % len(self._result.pictures)
            self._has_new = True

    def look_again(self) -> None:
        """Fetch it again at the next chance: the pane has only now come into sight."""
        self._has_new = self.has_any

    def fetch(self, source: Source) -> Look | None:
        """Copy the chosen one if it is new; None if it is not, or was overwritten meanwhile."""
        picture = self._picture()
        if self._result is None or picture is None or not self._has_new:
            return None
        self._has_new = False
        photons = source.restored(picture.slot)
        if photons is None:
            return None
        seen = self._result
        name = f"{_name(picture)}{error_of(picture)}  ·  {picture.model_id}"
        return Look(name, photons, max(seen.seqs, default=-1), seen.observation.t_s)

    def _picture(self) -> Picture | None:
        pictures = self._result.pictures if self._result is not None else ()
        return pictures[min(self._chosen, len(pictures) - 1)] if pictures else None


def _name(picture: Picture) -> str:
    name = _NAMES.get(picture.kind, picture.kind)
    return f"{name}, plane {picture.z + 1:.3g}" if picture.kind == "axial" else name


def error_of(picture: Picture) -> str:
    """Say what error is to be expected in its cells; empty if nobody knows."""
    if picture.rmse_high_e <= 0:
        return ""
    low, high = picture.rmse_low_e, picture.rmse_high_e
    return f"  ·  error {picture.rmse_e:.2g} e- ({low:.2g} to {high:.2g})"


def age_badge(raw_seq: int, raw_t_s: float, seq: int, t_s: float) -> str:
    """Return the badge of an image that is older than the raw one; empty if it is not."""
    behind = raw_seq - seq
    if behind <= 0:
        return ""
    frames = "1 frame" if behind == 1 else f"{behind} frames"
    seconds = raw_t_s - t_s
    return f"{frames} older" + (f", {seconds:.1f} s" if seconds >= 0.05 else "")
