"""From nuclei to the photo-electrons that the camera may expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from acquire.simulated.chromatin import REACH, SIDE, Wardrobe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.cells import Column, Nuclei, Spots
    from acquire.simulated.chromatin import Look, Patch
    from acquire.simulated.config import LineConfig, SimulatedScopeConfig

EMISSION_NM = 510.0  # EGFP, fpbase.org/protein/egfp
REFRACTIVE_INDEX = 1.33
MAX_BLUR_PX = 12.0  # beyond it the image is flat anyway


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the chip that is read out, pixels."""

    x: int
    y: int
    width: int
    height: int


class Optics:
    """A widefield microscope: uneven light, a Gaussian blur, and the medium's glow."""

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self._config = config
        self._wardrobe = Wardrobe()
        self._centre_px = (0.5 * (config.height - 1), 0.5 * (config.width - 1))
        y = (np.arange(config.height, dtype=float) - self._centre_px[0]) * config.pixel_um
        x = (np.arange(config.width, dtype=float) - self._centre_px[1]) * config.pixel_um
        self._profile = self.profile(x[None, :], y[:, None]).astype(np.float32)

    def profile(self, dx_um: Column, dy_um: Column) -> Column:
        """Return the irradiance relative to the field's centre: 1 there, less in the corners.

        Parameters
        ----------
        dx_um, dy_um
            Distance from the centre of the field, um.
        """
        corner_um = self._config.pixel_um * np.hypot(*self._centre_px)
        sharpness = -np.log1p(-self._config.vignette) / max(corner_um, 1e-9) ** 2
        profile: Column = np.exp(-sharpness * (dx_um**2 + dy_um**2))
        return profile

    def expected(
        self,
        nuclei: Nuclei,
        dye: Column,
        fluence_j_cm2: float,
        centre_um: tuple[float, float],
        defocus_um: float,
        window: Window,
        *,
        line: LineConfig | None = None,
        spots: Spots | None = None,
    ) -> NDArray[np.float32]:
        """Return the photo-electrons that an exposure yields on average, (Y, X) float32.

        Parameters
        ----------
        dye
            Fluorophores that shone in each nucleus, in the unit of `Nuclei.dye`, (n,).
        fluence_j_cm2
            Dose at the centre of the field, J/cm2.
        centre_um
            Stage coordinates x, y of the centre of the field, um.
        defocus_um
            Height of the focal plane, um: stage z less what the focus has drifted.
        line
            The line that was on, with what it stains; None: the first line of the config.
        spots
            Where the dye is if the line stains spots; else not looked at.
        """
        image = np.zeros((window.height, window.width), np.float32)
        if fluence_j_cm2 <= 0.0:
            return image
        config = self._config
        x_px = (nuclei.x_um - centre_um[0]) / config.pixel_um + self._centre_px[1] - window.x
        y_px = (nuclei.y_um - centre_um[1]) / config.pixel_um + self._centre_px[0] - window.y
        long_px, short_px = nuclei.long_um / config.pixel_um, nuclei.short_um / config.pixel_um
        # The dye is spread over the nucleus: a condensed one is smaller and brighter.
        height = dye * (config.nucleus_um / config.pixel_um) ** 2 / (long_px * short_px)
        reach = REACH * long_px + 1.0
        seen = (np.abs(x_px - 0.5 * window.width) < 0.5 * window.width + reach) & (
            np.abs(y_px - 0.5 * window.height) < 0.5 * window.height + reach
        )
        for i in np.flatnonzero(seen):
            patch = _blend(self._wardrobe.of(int(nuclei.keys[i])), float(nuclei.condensed[i]))
            _add_nucleus(
                image,
                patch,
                float(height[i]),
                (float(x_px[i]), float(y_px[i])),
                (float(long_px[i]), float(short_px[i])),
                float(nuclei.angle[i]),
            )
        cv2.GaussianBlur(image, (0, 0), self._blur_px(defocus_um), dst=image)
        image *= np.float32(config.signal_e_per_j_cm2 * fluence_j_cm2)
        image += np.float32(config.background_e_per_j_cm2 * fluence_j_cm2)
        image *= self._profile[
            window.y : window.y + window.height, window.x : window.x + window.width
        ]
        return image

    def transmitted(
        self,
        nuclei: Nuclei,
        exposed_s: float,
        centre_um: tuple[float, float],
        defocus_um: float,
        window: Window,
    ) -> NDArray[np.float32]:
        """Return the photo-electrons of the lamp from above, (Y, X) float32: no fluorescence light.

        Parameters
        ----------
        exposed_s
            Seconds at full lamp power.
        """
        del nuclei, centre_um, defocus_um
        level = self._config.lamp_e_s * self._config.quantum_efficiency * exposed_s
        return np.full((window.height, window.width), level, np.float32)

    def _blur_px(self, defocus_um: float) -> float:
        """Return the standard deviation of the blur, pixels.

        References
        ----------
        In focus: 0.21 lambda / NA, Zhang, Zerubia & Olivo-Marin, Appl. Opt. 46, 1819 (2007).
        Out of focus the light cone is a disc of radius z NA / n, standard deviation half of it.
        """
        config = self._config
        focused_um = 0.21 * EMISSION_NM * 1e-3 / config.numerical_aperture
        cone = min(config.numerical_aperture / REFRACTIVE_INDEX, 0.95)
        defocused_um = 0.5 * abs(defocus_um) * cone / np.sqrt(1.0 - cone**2)
        return float(min(np.hypot(focused_um, defocused_um) / config.pixel_um, MAX_BLUR_PX))


def _blend(look: Look, condensed: float) -> Patch:
    if condensed < 0.01:
        return look.loose
    if condensed > 0.99:
        return look.condensed
    blended: Patch = cv2.addWeighted(look.loose, 1.0 - condensed, look.condensed, condensed, 0.0)
    return blended


def _add_nucleus(
    image: NDArray[np.float32],
    patch: Patch,
    height: float,
    centre_px: tuple[float, float],
    axes_px: tuple[float, float],
    angle: float,
) -> None:
    """Stretch, turn and add one patch to the image in place; centre and axes in pixels (x, y)."""
    cos, sin = np.cos(angle), np.sin(angle)
    # Half width and height of the turned ellipse's bounding box.
    reach_x = REACH * np.hypot(axes_px[0] * cos, axes_px[1] * sin) + 1.0
    reach_y = REACH * np.hypot(axes_px[0] * sin, axes_px[1] * cos) + 1.0
    x0, x1 = max(int(centre_px[0] - reach_x), 0), int(centre_px[0] + reach_x) + 2
    y0, y1 = max(int(centre_px[1] - reach_y), 0), int(centre_px[1] + reach_y) + 2
    x1, y1 = min(x1, image.shape[1]), min(y1, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    per_unit = (SIDE - 1) / (2.0 * REACH)
    along, across = per_unit / axes_px[0], per_unit / axes_px[1]
    dx, dy = x0 - centre_px[0], y0 - centre_px[1]
    middle = 0.5 * (SIDE - 1)
    to_patch = np.array(
        [
            [along * cos, along * sin, middle + along * (cos * dx + sin * dy)],
            [-across * sin, across * cos, middle + across * (cos * dy - sin * dx)],
        ]
    )
    turned = cv2.warpAffine(
        patch, to_patch, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    area = image[y0:y1, x0:x1]
    cv2.scaleAdd(turned, height, area, dst=area)
