"""Camera noise: make it 1 everywhere (generalised Anscombe transform), and leave that domain again.

Everything is counted in photo-electrons, ``e = (adu - offset) / gain``. With read noise ``r`` the
stabilised value is ``d = 2 sqrt(max(e + 3/8 + r^2, 0))`` and its noise is 1 at any exposure above
about 2 e- (`models.noise_table` has it exactly). One network therefore stays valid while the light
moves. Without a calibration: `models.blind_noise`.

References
----------
Starck, Murtagh & Bijaoui, "Image Processing and Data Analysis", 1998 (generalised Anscombe).
Makitalo & Foi, IEEE Trans. Image Process. 20(1), 2011 and 22(1), 2013 (unbiased inverse).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.blind_noise import NoiseEstimate, estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NoiseEstimate",
    "estimate",
    "forward",
    "forward_into",
    "inverse_algebraic",
    "inverse_unbiased",
    "to_adu",
]

_D_FLOOR = 0.5
"""Below this the series of the unbiased inverse runs away (Makitalo & Foi)."""


def forward(
    adu: ArrayLike, gain_adu_per_e: ArrayLike, offset_adu: ArrayLike, read_noise_e: ArrayLike
) -> NDArray[np.float64]:
    """Stabilise counts: the answer has noise of standard deviation 1.

    Scalars or per-pixel maps (Y, X) describe the camera alike. This is the plain reference;
    `forward_into` gives the same numbers faster.

    Parameters
    ----------
    adu
        Raw counts, any shape, ADU.
    gain_adu_per_e, offset_adu, read_noise_e
        The camera: ADU per photo-electron, ADU, rms photo-electrons.
    """
    gain, read = np.asarray(gain_adu_per_e, float), np.asarray(read_noise_e, float)
    electrons = (np.asarray(adu, float) - np.asarray(offset_adu, float)) / gain
    stabilised: NDArray[np.float64] = 2.0 * np.sqrt(np.maximum(electrons + 0.375 + read**2, 0.0))
    return stabilised


def forward_into(
    adu: NDArray[Any],
    gain_adu_per_e: float,
    offset_adu: float,
    read_noise_e: float,
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Write `forward` of ``adu`` into ``out``, (Y, X) float32, without a new array."""
    # 2 sqrt(x) = sqrt(4 x): the factor rides on the scale.
    scale = 4.0 / gain_adu_per_e
    shift = 4.0 * (0.375 + read_noise_e**2 - offset_adu / gain_adu_per_e)
    np.multiply(adu, np.float32(scale), out=out, dtype=np.float32)
    np.add(out, np.float32(shift), out=out)
    np.maximum(out, np.float32(0.0), out=out)
    return np.sqrt(out, out=out)


def inverse_algebraic(stabilised: ArrayLike, read_noise_e: ArrayLike) -> NDArray[np.float64]:
    """Undo `forward` exactly, in photo-electrons.

    Right for an estimate of the *clean* stabilised image; 0.25 e- too low for a mean of noisy ones.
    """
    d, read = np.asarray(stabilised, float), np.asarray(read_noise_e, float)
    electrons: NDArray[np.float64] = d * d / 4.0 - 0.375 - read**2
    return electrons


def inverse_unbiased(stabilised: ArrayLike, read_noise_e: ArrayLike) -> NDArray[np.float64]:
    """Return the photo-electrons whose noisy stabilised values have this *mean*.

    Right for networks that learnt from noisy targets. Closed form of Makitalo & Foi, 2013.
    """
    d = np.maximum(np.asarray(stabilised, float), _D_FLOOR)
    root, read = np.sqrt(1.5), np.asarray(read_noise_e, float)
    series = root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3)
    electrons: NDArray[np.float64] = d * d / 4.0 + series - 0.125 - read**2
    return electrons


def to_adu(
    electrons: ArrayLike, gain_adu_per_e: ArrayLike, offset_adu: ArrayLike
) -> NDArray[np.float64]:
    """Return photo-electrons as mean counts, ADU."""
    gain, offset = np.asarray(gain_adu_per_e, float), np.asarray(offset_adu, float)
    adu: NDArray[np.float64] = offset + gain * np.asarray(electrons, float)
    return adu
