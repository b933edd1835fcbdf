"""The camera of a foreign recording: as it was calibrated, or as its own images let guess."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibration import Calibration
from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from models.noise import NoiseEstimate
    from realtime.importing.image_source import ImageSource

ESTIMATE_PLANES = 16  # planes that the blind noise estimate looks at, spread over the recording


@dataclass(frozen=True, slots=True)
class Camera:
    """The calibration of a recording, and what a person should know of it."""

    calibration: Calibration
    doubt: str = ""


def camera_of(
    source: ImageSource,
    calibration: Calibration | None,
    estimate: Callable[[NDArray[Any]], NoiseEstimate] | None,
) -> Camera:
    """Return the camera of a recording: the given one, for its shifted pixels, or a guess.

    Raises
    ------
    RunFileError
        If none is given and it cannot be guessed.
    """
    if calibration is None:
        return estimated_camera(source, estimate)
    return Camera(
        msgspec.structs.replace(
            calibration,
            offset_adu=calibration.offset_adu + source.shift_adu,
            saturation_adu=min(calibration.saturation_adu + source.shift_adu, 65535.0),
        )
    )


def estimated_camera(
    source: ImageSource, estimate: Callable[[NDArray[Any]], NoiseEstimate] | None
) -> Camera:
    """Guess the camera of a recording from its images.

    Raises
    ------
    RunFileError
        If nobody is there to guess, or the images do not tell.
    """
    if estimate is None:
        raise RunFileError(
            "the camera's calibration is not given and there is no way to estimate it; "
            "give gain, offset and read noise"
        )
    n_times, _, n_planes = source.counts
    total = n_times * n_planes
    picks = np.unique(np.linspace(0, total - 1, min(total, ESTIMATE_PLANES)).astype(int))
    stack = np.stack([source.plane(int(k) // n_planes, 0, int(k) % n_planes) for k in picks])
    if source.full_scale_adu <= 255:
        stack = stack.astype(np.uint8)  # the estimate takes full scale from the type
    try:
        guess = estimate(stack)
    except ValueError as error:
        raise RunFileError(
            f"the camera's noise cannot be estimated from {source.name}: {error}; "
            "give gain, offset and read noise"
        ) from error
    numbers = (float(guess.gain_adu_per_e), float(guess.offset_adu), float(guess.read_noise_e))
    if not all(map(math.isfinite, numbers)) or numbers[0] <= 0:
        raise RunFileError(
            f"the camera's noise cannot be estimated from {source.name} (gain, offset and read "
            f"noise came out as {numbers}); give them"
        )
    calibration = Calibration(*numbers, saturation_adu=source.full_scale_adu, source="estimated")
    if guess.is_reliable:
        return Camera(calibration)
    return Camera(calibration, "the images hold too little contrast: this is only a guess")
