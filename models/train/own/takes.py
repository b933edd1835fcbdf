"""What a recording looks like from here: arrays, a camera, and when each image was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera's numbers: ADU per photo-electron, dark level, rms read noise, clipping level."""

    gain_adu_per_e: float
    offset_adu: float
    read_noise_e: float
    saturation_adu: float = 65535.0
    source: str = "measured"

    def electrons(self, adu: NDArray[Any]) -> Image:
        """Return counts as photo-electrons, (..., Y, X) float32, negatives and all."""
        scale = np.float32(1.0 / self.gain_adu_per_e)
        return (np.asarray(adu, np.float32) - np.float32(self.offset_adu)) * scale

    def is_clipped(self, adu: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which pixels hold no measurement: at zero (below a dark level) or at full scale."""
        low = 0.0 if self.offset_adu > 0 else -1.0
        return np.asarray((adu <= low) | (adu >= self.saturation_adu))


@dataclass(frozen=True, slots=True)
class Take:
    """One field, channel and plane, image after image.

    Attributes
    ----------
    run, field
        Which recording, and which place of the specimen: examples are split by field.
    channel, plane
        Name of the channel, and number of the plane from 0.
    z_um
        Height of the plane, um.
    frames
        Counts, each (Y, X) uint16.
    times, t_s
        Number of the time point and experiment time of each frame, s.
    light
        Light of each frame, in any unit that does not change within the take (dose).
    camera
        What turns the counts into photo-electrons.
    line
        Which light source it was: exposures of different ones are never a pair.
    """

    run: str
    field: str
    channel: str
    plane: int
    z_um: float
    frames: Sequence[NDArray[np.uint16]]
    times: NDArray[np.int64]
    t_s: NDArray[np.float64]
    light: NDArray[np.float64]
    camera: Camera
    line: str = ""

    @property
    def name(self) -> str:
        """What a person would call it."""
        return f"{self.run}, {self.field}, {self.channel}, plane {self.plane}"
