"""From cells to the photo-electrons that the camera may expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.optics.blur import BlurStack
from acquire.simulated.optics.illumination import Illumination
from acquire.simulated.optics.rendering import Scene
from acquire.simulated.optics.staining import Gaze, Stains
from acquire.simulated.optics.transmitted import contrast, delay_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import LineConfig, SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Column, Nuclei, Spots

    Image = NDArray[np.float32]

STOKES_NM = 22.0  # emission above excitation where only that is known: EGFP, 488 to 510 nm


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the chip that is read out, pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width


class Optics:
    """A fluorescence microscope: uneven light, a blur for every height, the medium's glow, a lamp.

    With `psf = "gaussian"` a nucleus is a sheet at its height, which is fast; with "widefield" and
    "confocal" it is a body, and each plane of focus shows another section of it.
    """

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self._config = config
        self._stains = Stains(config)
        self._illumination = Illumination.of(config)
        self._stacks: dict[float, BlurStack] = {}  # by excitation, nm
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
        return self._illumination.at(dx_um, dy_um)

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
    ) -> Image:
        """Return the photo-electrons that an exposure yields on average, (Y, X) float32.

        Parameters
        ----------
        dye
            Fluorophores that shone in each cell, in the unit of `Nuclei.dye`, (n,).
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
        if fluence_j_cm2 <= 0.0:
            return np.zeros(window.shape, np.float32)
        line = self._config.all_lines()[0] if line is None else line
        gaze = self._gaze(centre_um, defocus_um, window)
        image = self._fluorescence(nuclei, dye, line, spots, gaze, window.shape)
        per_dose = np.float32(self._config.quantum_efficiency * fluence_j_cm2)
        image += np.float32(line.background_e_per_j_cm2)
        image *= per_dose
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
    ) -> Image:
        """Return the photo-electrons of the lamp from above, (Y, X) float32: no fluorescence light.

        Parameters
        ----------
        exposed_s
            Seconds at full lamp power.
        """
        config = self._config
        gaze = self._gaze(centre_um, defocus_um, window)
        image = contrast(delay_map(nuclei, gaze, self._stains.atlas, window.shape), gaze, config)
        image += np.float32(1.0)
        image *= np.float32(config.lamp_e_s * config.quantum_efficiency * exposed_s)
        return image

    def _gaze(self, centre_um: tuple[float, float], focus_um: float, window: Window) -> Gaze:
        pixel_um, (centre_y, centre_x) = self._config.pixel_um, self._centre_px
        corner_um = (
            centre_um[0] + (window.x - centre_x) * pixel_um,
            centre_um[1] + (window.y - centre_y) * pixel_um,
        )
        return Gaze(corner_um, focus_um, pixel_um)

    def _fluorescence(
        self,
        nuclei: Nuclei,
        dye: Column,
        line: LineConfig,
        spots: Spots | None,
        gaze: Gaze,
        shape: tuple[int, int],
    ) -> Image:
        """Return the photo-electrons of the cells for each J/cm2 of even light, (Y, X)."""
        stack, stains = self._stack_of(line), self._stains
        scene = Scene(stack, shape)
        light = line.signal_e_per_j_cm2 * dye
        if line.structure == "spots" and spots is not None:
            scene.add_points(stains.spots(spots, nuclei, light, gaze, stack.at(0.0).spread_px))
        elif line.structure == "cell":
            scene.add_blobs(stains.dyed_bodies(nuclei, light, gaze))
        else:
            scene.add_blobs(stains.nuclei(nuclei, light, gaze))
        auto_e = self._config.autofluorescence_e_per_j_cm2
        if auto_e > 0.0:
            scene.add_blobs(stains.bodies(nuclei, np.full(len(nuclei), auto_e), gaze))
        return scene.develop()

    def _stack_of(self, line: LineConfig) -> BlurStack:
        """Return the blurs of a line; the first line's emission is in the config."""
        nm, config = line.wavelength_nm, self._config
        if nm not in self._stacks:
            is_first = nm == config.wavelength_nm
            emission_nm = config.emission_nm if is_first else nm + STOKES_NM
            self._stacks[nm] = BlurStack(config, nm, emission_nm)
        return self._stacks[nm]
