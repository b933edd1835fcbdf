"""Finer images without learning: where the gradients of an image point to one place, light is.

An emitter is a hill of light, and every slope of a hill points at its top. The share of slopes that
do so, the radial gradient convergence, is narrower than the hill. This file holds that of one
frame; `models.esrrf_rolling` has the statistics of a window of frames.

For looking at, never for deciding: brightness is not measured by it.

References
----------
Gustafsson et al., Nat. Commun. 7, 2016, 12471 (SRRF). Laine et al., Nat. Methods 20, 2023, 1949
(eSRRF): radial gradient convergence, its weight, radius and sensitivity.
"""

from __future__ import annotations

from itertools import groupby
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.errors import FrameRefused, ModelError
from models.strips import aligned, strip_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

MAGNIFICATION, RADIUS_PX, SENSITIVITY = 2, 1.5, 1.0
"""As the authors' own plug-in begins, but for a magnification that a laptop can follow."""
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
"""Full width at half maximum of a Gaussian of standard deviation 1; the radius is one."""
_LEAST_WEIGHT = 1e-3
"""Share of the largest weight from which a place counts (proposed): all below it are less than
0.1 % together, and would take most of the time."""
_FLAT = 1e-5
"""Gradient as a share of the brightest pixel below which none is seen: float32 rounds there."""


class _Line(NamedTuple):
    """Places around a pixel that lie on one line through it: steps (y, x) and their weights."""

    y: float
    x: float
    places: tuple[tuple[int, int, float], ...]


class Convergence:
    """Radial gradient convergence of frames, weighted with their light.

    A frame is interpolated (Lanczos, centres aligned), its gradients are central differences: both
    are symmetric, so that nothing is shifted. At each fine pixel, all places around it are asked
    how well their gradient points at it: ``1 - |sin|`` of the angle if it points towards it, else
    0. Their mean with weights ``(d exp(-d^2 / 2 sigma^2))^4``, to the power of the sensitivity,
    times the interpolated light (below zero: 0), is the answer.

    Parameters
    ----------
    shape
        Height and width of the frames, px, at least 8 each.
    magnification
        Fine pixels along one of the camera's, 2 to 4.
    radius_px
        Full width at half maximum of the places that are asked, camera px, 0.5 to 5: about the
        radius of the microscope's spot.
    sensitivity
        Power of the convergence, 1 to 5: more is sharper, and less of dim structures is left.

    Raises
    ------
    ModelError
        If one of them is out of bounds.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        magnification: int = MAGNIFICATION,
        radius_px: float = RADIUS_PX,
        sensitivity: float = SENSITIVITY,
    ) -> None:
        _check("height and width", min(shape), 8, 1 << 15, "px")
        _check("magnification", magnification, 2, 4)
        _check("radius_px", radius_px, 0.5, 5.0, "px")
        _check("sensitivity", sensitivity, 1.0, 5.0)
        self.magnification, self._sensitivity = int(magnification), float(sensitivity)
        self._seen_shape = shape
        self.shape = (shape[0] * self.magnification, shape[1] * self.magnification)
        self._lines = lines_around(self.magnification, radius_px)
        self._halo = max(max(abs(y), abs(x)) for line in self._lines for y, x, _ in line.places)
        self._rim = -(-(self._halo + 1) // self.magnification)  # camera px outside of the frame
        rim = 2 * self._rim
        self._padded = aligned((shape[0] + rim, shape[1] + rim))
        m = self.magnification
        self._fine = aligned((m * self._padded.shape[0], m * self._padded.shape[1]))
        self._rows = max(strip_rows(self.shape[1]), 4 * self._halo)
        seen = self._rows + 2 * self._halo, self.shape[1] + 2 * self._halo
        self._gy, self._gx, self._along, self._across, self._norm = (aligned(seen) for _ in "12345")
        self._towards = aligned(seen)

    def __call__(self, photons: NDArray[np.float32], out: Image) -> None:
        """Write the convergence of one frame, times its light.

        Parameters
        ----------
        photons
            Photo-electrons without the camera's offset, (Y, X) float32.
        out
            Memory for it, (M Y, M X) float32.

        Raises
        ------
        FrameRefused
            If the frame is of another size, or holds no real numbers.
        """
        if photons.shape != self._seen_shape or photons.dtype != np.float32:
            raise FrameRefused(
                f"eSRRF was opened for float32 frames of {self._seen_shape} px, got "
                f"{photons.dtype} of {photons.shape}"
            )
        low, high, *_ = cv2.minMaxLoc(photons)
        if not (np.isfinite(low) and np.isfinite(high) and np.isfinite(cv2.sumElems(photons)[0])):
            raise FrameRefused("a frame holds NaN or infinite pixels: eSRRF leaves it out")
        rim, fine = self._rim, self._fine
        cv2.copyMakeBorder(photons, rim, rim, rim, rim, cv2.BORDER_REPLICATE, dst=self._padded)
        cv2.resize(self._padded, fine.shape[::-1], dst=fine, interpolation=cv2.INTER_LANCZOS4)
        floor = (_FLAT * max(abs(low), abs(high), 1e-30)) ** 2
        for top in range(0, self.shape[0], self._rows):
            self._converge(top, min(top + self._rows, self.shape[0]), floor, out)

    def _converge(self, top: int, bottom: int, floor: float, out: Image) -> None:
        """Fill rows of the answer; all work memory stays in the processor's cache."""
        answer, height = out[top:bottom], bottom - top
        halo, width = self._halo, self.shape[1]
        gy, gx = self._point(top, bottom + 2 * halo, floor)
        along, across, towards = (a[: len(gy)] for a in (self._along, self._across, self._towards))
        answer.fill(0.0)
        for line in self._lines:
            cv2.addWeighted(gy, line.y, gx, line.x, 0.0, dst=along)
            cv2.addWeighted(gy, line.x, gx, -line.y, 0.0, dst=across)
            np.abs(across, out=across)
            np.subtract(1.0, across, out=across)
            # 1 - |sin| is at most |cos|, so these minima are 0 just where a gradient points away.
            np.minimum(along, across, out=towards)
            np.maximum(towards, 0.0, out=towards)
            np.negative(along, out=along)
            np.minimum(along, across, out=along)
            np.maximum(along, 0.0, out=along)
            for y, x, weight in line.places:
                for seen, sign in ((along, 1), (towards, -1)):
                    first, left = halo + sign * y, halo + sign * x
                    place = seen[first : first + height, left : left + width]
                    cv2.scaleAdd(place, weight, answer, dst=answer)
        if self._sensitivity != 1.0:
            cv2.pow(answer, self._sensitivity, dst=answer)
        light = self._light(top, bottom)
        np.multiply(answer, np.maximum(light, 0.0, out=self._norm[:height, :width]), out=answer)

    def _light(self, top: int, bottom: int) -> Image:
        rim = self._rim * self.magnification
        return self._fine[rim + top : rim + bottom, rim : rim + self.shape[1]]

    def _point(self, top: int, bottom: int, floor: float) -> tuple[Image, Image]:
        """Return the directions of gradients, of length 1, with as many around as are asked."""
        first = self._rim * self.magnification - self._halo
        rows, width = bottom - top, self._gy.shape[1]
        at_y, at_x, fine = first + top, first, self._fine
        columns = slice(at_x, at_x + width)
        gy, gx, norm = self._gy[:rows], self._gx[:rows], self._norm[:rows]
        np.subtract(
            fine[at_y + 1 : at_y + 1 + rows, columns],
            fine[at_y - 1 : at_y - 1 + rows, columns],
            out=gy,
        )
        here = fine[at_y : at_y + rows]
        np.subtract(
            here[:, at_x + 1 : at_x + 1 + width], here[:, at_x - 1 : at_x - 1 + width], out=gx
        )
        np.multiply(gy, gy, out=norm)
        square = self._along[:rows]
        np.multiply(gx, gx, out=square)
        np.add(norm, square, out=norm)
        np.add(norm, np.float32(max(floor, 1e-37)), out=norm)
        np.sqrt(norm, out=norm)
        np.divide(gy, norm, out=gy)
        np.divide(gx, norm, out=gx)
        return gy, gx


def lines_around(magnification: int, radius_px: float) -> tuple[_Line, ...]:
    """Return the places around a fine pixel that count, line by line; all weights sum to 1.

    A place and its opposite share a line, which is named once: by the half with y > 0, or y = 0
    and x > 0.
    """
    sigma = radius_px / _FWHM
    reach = int(np.ceil((2.0 * sigma + 1.0) * magnification))  # as far as the authors look
    found = []
    for y in range(reach + 1):
        for x in range(-reach if y else 1, reach + 1):
            distance = float(np.hypot(y, x)) / magnification
            found.append((y, x, (distance * np.exp(-(distance**2) / (2.0 * sigma**2))) ** 4))
    largest = max(weight for *_, weight in found)
    kept = [one for one in found if one[2] >= _LEAST_WEIGHT * largest]
    total = 2.0 * sum(weight for *_, weight in kept)

    def line_of(place: tuple[int, int, float]) -> tuple[int, int]:
        step = gcd(place[0], place[1])
        return place[0] // step, place[1] // step

    lines = []
    for (y, x), places in groupby(sorted(kept, key=line_of), line_of):
        length = float(np.hypot(y, x))
        lines.append(_Line(y / length, x / length, tuple((a, b, w / total) for a, b, w in places)))
    return tuple(lines)


def _check(name: str, value: float, least: float, most: float, unit: str = "") -> None:
    if not least <= value <= most:
        raise ModelError(
            f"eSRRF: {name} must be {least:g} to {most:g} {unit}".rstrip() + f", got {value:g}"
        )
