"""Sheets to draw on: one for each height above the focus, blurred and added up at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.optics.blur import Blur

    Image = NDArray[np.float32]
    Values = NDArray[np.float64]

FEW_PX = 5.0  # semi-axis below which a stamped patch is held to its light


@dataclass(frozen=True, slots=True)
class Sheet:
    """One height: pixels of 2^level, and a rim from which light still reaches the image.

    Attributes
    ----------
    pixels
        What shines, per pixel of the camera, (Y, X); it is drawn on in place.
    """

    blur: Blur
    pixels: Image

    @classmethod
    def blank(cls, blur: Blur, shape: tuple[int, int]) -> Sheet:
        """Return an empty sheet for an image of a shape."""
        rows, columns = (-(-side // 2**blur.level) + 2 * blur.reach for side in shape)
        return cls(blur, np.zeros((rows, columns), np.float32))

    def to_sheet(self, x_px: Values, y_px: Values) -> tuple[Values, Values]:
        """Return where image coordinates lie on this sheet, in its pixels."""
        size, rim = 2.0**self.blur.level, self.blur.reach
        return (x_px + 0.5) / size - 0.5 + rim, (y_px + 0.5) / size - 0.5 + rim


def develop(sheets: list[Sheet], shape: tuple[int, int]) -> Image:
    """Return what all sheets together look like through the objective, (Y, X) float32."""
    totals: dict[int, Image] = {}
    for sheet in sheets:
        level, rim = sheet.blur.level, sheet.blur.reach
        rows, columns = (side - 2 * rim for side in sheet.pixels.shape)
        part = sheet.blur.of(sheet.pixels)[rim : rim + rows, rim : rim + columns]
        if level in totals:
            cv2.add(totals[level], part, dst=totals[level])
        else:
            totals[level] = np.ascontiguousarray(part)
    image = totals.pop(0, None)
    image = np.zeros(shape, np.float32) if image is None else image
    for level, total in totals.items():
        size = (total.shape[1] << level, total.shape[0] << level)
        whole = cv2.resize(total, size, interpolation=cv2.INTER_LINEAR)
        cv2.add(image, whole[: shape[0], : shape[1]], dst=image)
    return image


def stamp(
    pixels: Image,
    patch: Image,
    height: float,
    centre: tuple[float, float],
    axes: tuple[float, float],
    angle: float,
    reach: float,
) -> None:
    """Stretch, turn and add one patch in place.

    Parameters
    ----------
    patch
        Shows -reach..reach semi-axes, (side, side).
    height
        Factor on it.
    centre, axes
        In pixels, x and y, and long and short.
    angle
        Of the long axis against x, radians.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    # Half width and height of the turned ellipse's bounding box.
    half_x = reach * np.hypot(axes[0] * cos, axes[1] * sin)
    half_y = reach * np.hypot(axes[0] * sin, axes[1] * cos)
    x0, x1 = _within(centre[0], half_x, pixels.shape[1])
    y0, y1 = _within(centre[1], half_y, pixels.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    pitch = (patch.shape[0] - 1) / (2.0 * reach * patch.shape[0])  # the rim is on pixel centres
    patch = _fitting(patch, 2.0 * reach * min(axes))
    per_unit = pitch * patch.shape[0]
    along, across = per_unit / axes[0], per_unit / axes[1]
    dx, dy = x0 - centre[0], y0 - centre[1]
    middle = 0.5 * (patch.shape[0] - 1)
    to_patch = np.array(
        [
            [along * cos, along * sin, middle + along * (cos * dx + sin * dy)],
            [-across * sin, across * cos, middle + across * (cos * dy - sin * dx)],
        ]
    )
    turned = cv2.warpAffine(
        patch, to_patch, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    if min(axes) < FEW_PX and x0 > 0 and y0 > 0 and x1 < pixels.shape[1] and y1 < pixels.shape[0]:
        # So few pixels sample the patch unevenly; its light is known.
        height *= cv2.sumElems(patch)[0] / (along * across * max(cv2.sumElems(turned)[0], 1e-9))
    area = pixels[y0:y1, x0:x1]
    cv2.scaleAdd(turned, height, area, dst=area)


def splat(pixels: Image, x: Values, y: Values, weight: Values) -> None:
    """Add points between pixels in place: mean and variance of each point's light stay right.

    Parameters
    ----------
    x, y
        In pixels, (n,).
    weight
        Light of each, (n,).

    References
    ----------
    Keys, IEEE Trans. Acoust. 29, 1153 (1981): cubic convolution, exact up to second moments.
    """
    height, width = pixels.shape
    inside = (x >= 1) & (x < width - 2) & (y >= 1) & (y < height - 2)
    x, y, weight = x[inside], y[inside], weight[inside]
    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    shares_x, shares_y = _keys(x - x0), _keys(y - y0)
    for row in range(4):
        for column in range(4):
            share = (weight * shares_x[column] * shares_y[row]).astype(np.float32)
            np.add.at(pixels, (y0 + row - 1, x0 + column - 1), share)


def _within(centre: float, half: float, size: int) -> tuple[int, int]:
    """Return the pixels that a patch touches along one axis, from and to, cut at the sheet."""
    return max(int(centre - (half + 1.0)), 0), min(int(centre + (half + 1.0)) + 2, size)


def _fitting(patch: Image, across_px: float) -> Image:
    """Return the patch, coarser if it would be drawn much smaller than it is: no pixel skipped."""
    side = patch.shape[0]
    while side >= 2.0 * across_px and side % 2 == 0 and side > 8:
        side //= 2
    if side == patch.shape[0]:
        return patch
    coarse: Image = cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA)
    return coarse


def _keys(t: Values) -> tuple[Values, Values, Values, Values]:
    """Return the weights of the four pixels around a place t (0 to 1) between the middle two."""
    return (
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )
