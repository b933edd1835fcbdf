"""Does what an estimate leaves behind look like camera noise? Pure statistics, a few ms a frame.

A right estimate leaves residuals with mean 0 and no structure that it did not announce. A wrong
offset or inverse shifts blocks, a structure that the estimate *added* leaves a hole that a matched
filter finds, and copied noise makes the residuals small and anti-correlated.

How small is right? The best estimate f of x from y = x + n, the mean of what x may be, keeps some
noise by design: for normal n of variance 1 its own variance is ``v = df/dy`` (Stein 1981; Efron, J.
Am. Stat. Assoc. 106 (2011) 1602), so that ``E[n (f - x)] = v = E[(f - x)^2]`` and

    E[(y - f)^2] = 1 - 2 v + v = 1 - v,

and neighbours, whose errors go together, have ``E[z_i z_j] = -cov_ij``, about -0.9 v for errors
that are smooth over a pixel. A network that states its variance is held to both; in bright scenes,
where texture outweighs noise, v is 5 to 10 %, and its residuals are rightly anti-correlated.

No network is the best one. Of the variance v that it states, it kept a part ``S = E[n (f - x)]``
as noise and doubts the rest: rims that it draws a little too soft. Then ``E[(y - f)^2]`` is
``1 + v - 2 S``, anything from 1 - v to 1 + v, and what is announced is no fault. So all of v is
given back where residuals are too weak, and half of it is allowed where they are too strong.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite, log, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from models.residual_numbers import REFERENCE_PIXELS, Residuals
from models.residual_test import ResidualTest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Limits", "Reason", "Residuals", "allowed", "judge", "reasons", "verdict"]

NEIGHBOURS = 0.9
"""Correlation of the errors of neighbours (measured: 400 simulated scenes, 1 to 500 e-)."""
UNSURE = 0.5
"""Share of the stated variance that may be lost structure, net of kept noise, before more power or
likeness than the camera's is a sign of anything (measured: between -1 and 0.05 in good scenes)."""

_VOUCHING_PIXELS, _LIT = 1024.0, 0.5
"""Pixels of the background's calm part from which it tells how strong noise is, to 5 %, and the
light's share of the noise there (proposed)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of residuals that may be trusted; a model package states its own.

    `var_z` and `corr1` are compared after the share of the noise that the estimate says it kept is
    given back. `invented_max` is meant for 512 x 512 px: the maximum over more pixels is higher by
    chance, and `reasons` allows for it.
    """

    mean_z_max: float = 0.1
    var_z_min: float = 0.7
    var_z_max: float = 1.3
    corr1_min: float = -0.05
    corr1_max: float = 0.05
    frac_bad_max: float = 0.02
    invented_max: float = 5.5
    missed_share_max: float = 1.5e-3
    clipped_share_max: float = 0.05


class Reason(NamedTuple):
    """Why an image is not believed: a short code for programs, a sentence for people."""

    code: str
    why: str


def judge(
    adu: NDArray[Any],
    photons: NDArray[np.float32],
    gain_adu_per_e: float,
    offset_adu: float,
    read_noise_e: float,
    saturation_adu: float = 65535.0,
    psf_sigma_px: float = 1.5,
    sd_e: NDArray[np.float32] | None = None,
) -> Residuals:
    """Compare a raw frame with an estimate of its photo-electrons.

    For frame after frame, `models.residual_test.ResidualTest` does it without new arrays.

    Parameters
    ----------
    adu
        Raw counts, (Y, X), at least 32 x 32 px.
    photons, sd_e
        The estimate and, where it states one, its standard error, (Y, X) float32, photo-electrons.
    gain_adu_per_e, offset_adu, read_noise_e, saturation_adu
        The camera's calibration.
    psf_sigma_px
        Size of the smallest structure that the microscope can show, px.
    """
    height, width = adu.shape
    test = ResidualTest(
        (height, width), gain_adu_per_e, offset_adu, read_noise_e, saturation_adu, psf_sigma_px
    )
    return test(adu, photons, sd_e)


def verdict(residuals: Residuals, limits: Limits | None = None) -> tuple[bool, str]:
    """Say whether an estimate may be trusted, and if not, why in one sentence."""
    against = reasons(residuals, limits)
    return (False, against[0].why) if against else (True, "residuals look like camera noise")


def reasons(r: Residuals, limits: Limits | None = None) -> tuple[Reason, ...]:
    """Return everything that speaks against an estimate, the gravest first; empty if it is good."""
    bounds = limits or Limits()
    broken = [f.name for f in fields(r) if not isfinite(getattr(r, f.name))]
    if broken:
        return (Reason("not-numbers", f"residuals are not numbers: {', '.join(broken)}"),)
    return tuple(_against(r, bounds))


def _against(r: Residuals, bounds: Limits) -> list[Reason]:
    found = []
    if r.clipped_share > bounds.clipped_share_max:
        why = f"{r.clipped_share:.0%} of the pixels are clipped: lower the light"
        found.append(Reason("saturated", why))
    if r.frac_bad > bounds.frac_bad_max or abs(r.mean_z) > bounds.mean_z_max:
        why = (
            f"the estimate is biased (mean {r.mean_z:+.2f} sigma, {r.frac_bad:.1%} of blocks off): "
            "check offset and gain"
        )
        found.append(Reason("biased", why))
    most = allowed(bounds.invented_max, r.pixels)
    if r.invented > most:
        why = (
            "the estimate shows a structure that the camera did not see "
            f"({r.invented:.1f} > {most:.1f} sigma)"
        )
        found.append(Reason("invented", why))
    variance, neighbours = r.var_z + r.kept, r.corr1 + NEIGHBOURS * r.kept
    numbers = f"(variance {r.var_z:.2f}, neighbours {r.corr1:+.3f})"
    if neighbours < bounds.corr1_min or variance < bounds.var_z_min:
        why = f"the estimate copies noise, or the gain is set too low {numbers}"
        found.append(Reason("copied-noise", why))
    alike = r.corr1 - UNSURE * NEIGHBOURS * r.kept
    if r.missed_share > bounds.missed_share_max or alike > bounds.corr1_max:
        why = f"the estimate loses structure ({r.missed_share:.2%} of the pixels)"
        found.append(Reason("erased", why))
    if is_powerful(r, bounds) and not is_structure(r, bounds):
        why = f"more noise than calibrated (variance {r.var_z:.2f}): check the gain"
        found.append(Reason("noise", why))
    return found


def is_powerful(r: Residuals, bounds: Limits) -> bool:
    """Say whether residuals are stronger than noise, and than what the estimate states."""
    return r.var_z - UNSURE * r.kept > bounds.var_z_max


def is_structure(r: Residuals, bounds: Limits) -> bool:
    """Say whether what makes residuals strong is lost structure, and not the noise.

    Noise that is stronger than calibrated is so wherever there is light: half of it at least shows
    where half of the noise is the light's own. Where the background's calm part has none of it, the
    estimate drew something softer than it said: lines as thin as a pixel, above all.
    """
    if r.calm_pixels < _VOUCHING_PIXELS or r.calm_lit < _LIT:
        return False
    return r.calm_var - 1.0 - (1.0 + UNSURE) * r.calm_kept < 0.5 * (bounds.var_z_max - 1.0)


def allowed(maximum: float, pixels: float) -> float:
    """Raise a bound for frames above 512 x 512: a normal maximum grows by ln(n) / t."""
    extra = max(log(max(pixels, 1.0) / REFERENCE_PIXELS), 0.0)
    return sqrt(maximum**2 + 2.0 * extra)
