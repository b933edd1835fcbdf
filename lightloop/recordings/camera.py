"""The camera of a recording: what its owner says of it, and what is guessed from the images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from acquire.calibration import Calibration
from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.noise import NoiseEstimate

    Estimate = Callable[[NDArray[Any]], NoiseEstimate]


def given_or_estimated(
    gain_adu_per_e: float | None, offset_adu: float | None, read_noise_e: float | None
) -> tuple[Calibration | None, Estimate]:
    """Return the calibration if all of it is given, and a guess that keeps whatever is given.

    Raises
    ------
    ConfigError
        If a number is none, or out of its bounds.
    """
    for name, value, least in (
        ("gain-adu-per-e", gain_adu_per_e, 1e-6),
        ("offset", offset_adu, -65535.0),
        ("read-noise", read_noise_e, 0.0),
    ):
        if value is not None and not least <= value <= 65535.0:  # NaN too
            raise ConfigError(f"--{name} must be from {least:g} to 65535, got {value}")

    def guess(adu: NDArray[Any]) -> NoiseEstimate:
        from models.noise import estimate

        found = estimate(adu)
        return replace(
            found,
            gain_adu_per_e=found.gain_adu_per_e if gain_adu_per_e is None else gain_adu_per_e,
            offset_adu=found.offset_adu if offset_adu is None else offset_adu,
            read_noise_e=found.read_noise_e if read_noise_e is None else read_noise_e,
        )

    if gain_adu_per_e is None or offset_adu is None or read_noise_e is None:
        return None, guess
    return Calibration(gain_adu_per_e, offset_adu, read_noise_e), guess
