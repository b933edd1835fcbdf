"""What a single frame is too noisy to show, many do: a field's running means of the residual test.

A spot that the network adds, or takes away, stays where it is; noise does not. So the matched
filter's answers are averaged over some eight frames of a field, and the background's noise with
them. Memory is bounded: fields that were not seen for longest are forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from math import sqrt
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.regions import SHRINK, place_in_words
from models.residual_sums import pooled
from models.residuals import UNSURE, Reason, allowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.residual_test import ResidualTest
    from models.residuals import Residuals

    Image = NDArray[np.float32]

_WEIGHT = 1 / 8
"""Weight of a frame in the running means, once there are eight (proposed)."""
STRUCTURE_MAX = 7.2
"""Sigma of the averaged answer from which a structure is no chance (measured: an average of noise
alone reaches 5.5, a spot of 7 e- in 10 e- a pixel 14)."""
ADDED_E, LOST_E, STRUCTURE_SHARE = 5.0, 5.5, 0.53
"""Peak of what was added or lost, e- and as a share of the light that is drawn around it, from
which it is an object of its own. Less than that is what any network smooths, in every good image
(measured: the most of both together 5.5 e- and 0.46, over 700 scenes; spots of 7 e- in 10 e- a
pixel, lost or added, 0.56 and more; some that were added come out at 5 e-); the expected error
tells it."""
STRUCTURE_SDS = 5.0
"""And it must be as many times the error that the estimate states there: what is announced, rims of
bright cells above all, is no surprise (measured: up to 4.5 in 700 good scenes; spots of 7 e- that
were planted or erased 4.8 to 170, half of them above 45)."""
DOUBTS_NEAR = 3.0
"""And as many times what the estimate's doubt answers anywhere within the filter's reach: beside a
cell a hundred times brighter, a network rings in blocks where it states little, and its doubt
stands in the next one (at three, of 120 spots that were planted and 120 that were erased, one is
not told that was told before)."""
_NEAR = np.ones((3, 3), np.uint8)
_EARLY = 4
"""Frames from which lost signal is judged: Poisson noise is skew, means of it are less so."""
NOISE_MAX, NOISE_MAX_LASTING, NOISE_MIN_LASTING = 0.06, 0.045, 0.03
"""Deviation of the background's noise from the calibrated power, in one frame, and lasting above
and below it, beside `_SURE` standard errors (measured: up to 0.008, and down to 0.016 below them,
over 500 scenes; an offset of 2 e- takes 0.05 and more)."""
_IN_A_ROW = 2
_STRUCTURES = (
    ("invented", -1.0, 1, "the estimate keeps showing a structure that the camera does not see"),
    ("erased", 1.0, _EARLY, "the estimate keeps losing a structure that the camera sees"),
)
"""What is told of a structure, its sign, and the frame from which it is looked for."""
_SURE = 5.0
_MAP_BYTES = 64 * 2**20
"""For the running means of all fields together."""


@dataclass(slots=True)
class _Field:
    """One plane of one field: mean answer and its variance under noise, and mean excess noise.

    `calm` is the excess of the background's calm part, `kept` the mean of what the estimate states
    of the noise there; `told` counts frames in a row in which a structure was too much or too few.
    """

    t: Image
    frames: int = 0
    variance: float = 1.0
    noise: float = 0.0
    calm: float = 0.0
    kept: float = 0.0
    told: dict[str, int] = dataclass_field(default_factory=dict)


class Lasting:
    """Follows the residuals of each plane of each field."""

    def __init__(self) -> None:
        self._fields: OrderedDict[tuple[int, int], _Field] = OrderedDict()

    def see(
        self, key: tuple[int, int], test: ResidualTest, seen: Residuals, read_noise_e: float
    ) -> list[Reason]:
        """Add a frame, and return what its field's frames together speak against.

        Parameters
        ----------
        key
            Field of view and plane.
        test, seen
            The residual test just after it judged the frame, and its answer.
        """
        field = self._field(key, test.inner)
        field.frames += 1
        weight = max(1.0 / field.frames, _WEIGHT)
        cv2.accumulateWeighted(test.inner, field.t, weight)
        field.variance = (1 - weight) ** 2 * field.variance + weight**2
        if field.frames == 1:
            field.variance = 1.0
        return [*self._noise(field, seen, weight), *_structure(field, test, seen, read_noise_e)]

    def _field(self, key: tuple[int, int], like: Image) -> _Field:
        field = self._fields.get(key)
        if field is None:
            most = max(_MAP_BYTES // max(like.nbytes, 1), 1)
            while len(self._fields) >= most:
                self._fields.popitem(last=False)
            field = self._fields[key] = _Field(np.zeros(like.shape, np.float32))
        self._fields.move_to_end(key)
        return field

    @staticmethod
    def _noise(field: _Field, seen: Residuals, weight: float) -> list[Reason]:
        """Judge the background's noise: a wrong gain raises it, a wrong offset changes it.

        The variance of ``z^2`` is ``2 + 1/x`` for Poisson light x. How much of the stated variance
        is kept noise nobody says: residuals may be stronger by what it leaves open
        (`models.residuals`). What raises them everywhere raises them where the estimate has no
        doubt: only there is too much noise looked for, for rims that a network lost are stronger
        than it said in one good scene of five hundred.
        """
        if min(seen.dark_pixels, seen.calm_pixels) < SHRINK**2 * 64:
            return []
        excess, calm = seen.dark_var - 1.0, seen.calm_var - 1.0
        field.noise += weight * (excess - field.noise)
        field.calm += weight * (calm - field.calm)
        field.kept += weight * (seen.calm_kept - field.kept)
        chance, of_calm = (
            _SURE * sqrt(2.5 / pixels) for pixels in (seen.dark_pixels, seen.calm_pixels)
        )
        lasting = sqrt(field.variance)
        off = _below(excess, NOISE_MAX + chance) or _above(
            calm, seen.calm_kept, NOISE_MAX + of_calm
        )
        off = (
            off
            or _below(field.noise, NOISE_MIN_LASTING + lasting * chance)
            or _above(field.calm, field.kept, NOISE_MAX_LASTING + lasting * of_calm)
        )
        if not off:
            return []
        side = "more" if off > 0 else "less"
        why = f"the background has {abs(off):.0%} {side} noise than calibrated"
        return [Reason("noise", f"{why}: check gain and offset")]


def _below(excess: float, most: float) -> float:
    """Return by how much the noise is too weak, negative; 0 if it is not."""
    return excess if excess < -most else 0.0


def _above(excess: float, kept: float, most: float) -> float:
    """Return by how much the noise is above what may be; 0 if it is not."""
    beyond = excess - (1.0 + UNSURE) * kept
    return beyond if beyond > most else 0.0


def _structure(
    seen_at: _Field, test: ResidualTest, seen: Residuals, read_noise_e: float
) -> list[Reason]:
    """Look for what stays: signal that the estimate adds, or takes away, in the same place.

    It is told with the second frame in a row that shows it: what is barely enough once is chance.
    """
    most, found = allowed(STRUCTURE_MAX, seen.pixels) * sqrt(seen_at.variance), []
    for code, sign, early, why in _STRUCTURES:
        place = ""
        if seen_at.frames >= early:
            place = _object(seen_at.t, sign, most, test, read_noise_e)
        seen_at.told[code] = seen_at.told.get(code, 0) + 1 if place else 0
        if seen_at.told[code] >= _IN_A_ROW:
            found.append(Reason(code, f"{why}, {place}"))
    return found


def _object(t: Image, sign: float, most: float, test: ResidualTest, read_noise_e: float) -> str:
    """Say where something lost (sign 1) or added (-1) is an object of its own; else "".

    The matched filter of a spot of peak A over noise s answers ``A / s * sigma * sqrt(pi)``. The
    strongest answer of each 4 x 4 px is asked, for light and doubt are known by such blocks.
    """
    strongest = sign * pooled(t, highest=sign > 0)
    if not float(strongest.max()) > most:
        return ""
    small, doubt_e2 = test.regions.photons, test.variance_e2
    first = (test.rim + SHRINK // 2) // SHRINK  # block of the image in which the first one lies
    part = tuple(slice(first, first + n) for n in strongest.shape)
    light = np.maximum(small[part], 0.0)
    strongest = strongest[: light.shape[0], : light.shape[1]]
    peak = strongest * np.sqrt(light + read_noise_e**2) / test.answer
    around = light if sign > 0 else np.maximum(light - peak, 0.0)
    alone = (
        (strongest > most)
        & (peak > (LOST_E if sign > 0 else ADDED_E))
        & (peak > STRUCTURE_SHARE * around)
    )
    if doubt_e2.shape == small.shape:
        alone &= peak > STRUCTURE_SDS * np.sqrt(doubt_e2[part])
        near = cv2.dilate(test.kept, _NEAR)[part]
        alone &= strongest > DOUBTS_NEAR * test.answer * np.sqrt(near)
    if not alone.any():
        return ""
    row, column = np.unravel_index(int(np.argmax(np.where(alone, peak, 0.0))), peak.shape)
    return place_in_words(float(row) / peak.shape[0], float(column) / peak.shape[1])
