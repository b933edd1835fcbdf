"""The same cells by the lamp from above: they absorb nothing, they bend the light.

A cell is a drop that slows the light. Phase contrast turns the delay into brightness, with the halo
of the phase ring; brightfield shows nothing in focus and a lens-like bright or dark disc out of it.
Proposed shapes: they look right and they move right; they are no measurement of anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from acquire.simulated.optics.canvas import stamp
from acquire.simulated.optics.sections import REACH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.optics.sections import Atlas
    from acquire.simulated.optics.staining import Gaze
    from acquire.simulated.specimen.cells import Nuclei

    Image = NDArray[np.float32]

LAMP_NM = 660.0  # red: least harm; the LED of most stands
CELL_STEP, NUCLEUS_STEP = 0.03, 0.01  # refractive index above what is around it; proposed, after
# Barer & Joseph, Q. J. Microsc. Sci. 95, 399 (1954): cells 1.36, medium 1.335
BODY_FLATNESS = 0.35  # height of a cell body relative to its width; proposed
PHASE_GAIN = 0.35  # contrast for each radian of delay; proposed
HALO_UM = 6.0  # width of the halo that the phase ring leaves
CONTRAST_MOST = 0.8
HALO_SHRINK = 4  # the halo is wide: it is blurred on coarse pixels


def delay_map(nuclei: Nuclei, gaze: Gaze, atlas: Atlas, shape: tuple[int, int]) -> Image:
    """Return by how much the cells delay the lamp's light, radians, (Y, X) float32."""
    pixel_um = gaze.pixel_um
    x_px, y_px = gaze.to_pixels(nuclei.x_um, nuclei.y_um)
    delay = np.zeros(shape, np.float32)
    per_um = 2e3 * np.pi / LAMP_NM
    body_px = nuclei.cyto_um / pixel_um
    near = (np.abs(x_px - 0.5 * shape[1]) < 0.5 * shape[1] + REACH * body_px) & (
        np.abs(y_px - 0.5 * shape[0]) < 0.5 * shape[0] + REACH * body_px
    )
    long_px, short_px = nuclei.long_um / pixel_um, nuclei.short_um / pixel_um
    # Mean thickness of an ellipsoid is 4/3 of its semi-axis.
    body = per_um * CELL_STEP * 4.0 / 3.0 * BODY_FLATNESS * nuclei.cyto_um
    kernel = per_um * NUCLEUS_STEP * 4.0 / 3.0 * nuclei.depth_um * (1.0 + 2.0 * nuclei.condensed)
    for i in np.flatnonzero(near).tolist():
        anatomy = atlas.of(int(nuclei.keys[i]))
        centre, angle = (float(x_px[i]), float(y_px[i])), float(nuclei.angle[i])
        axes = (float(body_px[i]), float(body_px[i]))
        stamp(delay, anatomy.body, float(body[i]), centre, axes, angle, REACH)
        axes = (float(long_px[i]), float(short_px[i]))
        section = anatomy.at(0.0, float(nuclei.condensed[i]), 1.0)
        stamp(delay, section, float(kernel[i]), centre, axes, angle, REACH)
    return delay


def contrast(delay: Image, gaze: Gaze, config: SimulatedScopeConfig) -> Image:
    """Return the relative change of the lamp's light, (Y, X) float32.

    References
    ----------
    Brightfield: the transport of intensity, Teague, J. Opt. Soc. Am. 73, 1434 (1983):
    dI/I = -z / k laplace(delay). Phase contrast: Zernike, Physica 9, 686 (1942); the halo as a wide
    blur that is taken off, after Yin, Kanade & Chen, Med. Image Anal. 16, 1047 (2012).
    """
    pixel_um, defocus_um = gaze.pixel_um, gaze.focus_um
    sharp_um = 0.21e-3 * LAMP_NM / config.numerical_aperture
    cone = min(config.numerical_aperture / config.specimen_index, 0.95)
    blurred_um = float(np.hypot(sharp_um, 0.25 * min(abs(defocus_um), 50.0) * cone))
    smooth = cv2.GaussianBlur(delay, (0, 0), blurred_um / pixel_um)
    if config.transmitted == "brightfield":
        wave_um = 1e-3 * LAMP_NM / (2.0 * np.pi)
        curve = cv2.Laplacian(smooth, cv2.CV_32F, ksize=1)
        change = curve * np.float32(-defocus_um * wave_um / pixel_um**2)
    else:
        rows, columns = delay.shape
        size = (max(columns // HALO_SHRINK, 1), max(rows // HALO_SHRINK, 1))
        coarse = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA)
        coarse = cv2.GaussianBlur(coarse, (0, 0), HALO_UM / pixel_um / HALO_SHRINK)
        halo = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
        change = (smooth - halo) * np.float32(-PHASE_GAIN)  # positive phase contrast: cells dark
    clipped: Image = np.clip(change, -CONTRAST_MOST, CONTRAST_MOST).astype(np.float32)
    return clipped
