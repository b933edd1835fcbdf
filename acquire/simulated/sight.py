"""From the light of an exposure to what a camera may expect: through specimen and optics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.simulated.optics.optics import Optics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquire.simulated.config import LineConfig, SimulatedScopeConfig
    from acquire.simulated.light.light_words import Exposed
    from acquire.simulated.optics.optics import Window
    from acquire.simulated.specimen.cells import Nuclei, Spots
    from acquire.simulated.specimen.specimen import Specimen


class Glow(NamedTuple):
    """What one line made shine: its dose at the field's centre, J/cm2, and the dye, (n,)."""

    line: LineConfig
    fluence_j_cm2: float
    dye: NDArray[np.float64]


class Scene(NamedTuple):
    """What lies before the cameras during one exposure.

    Attributes
    ----------
    centre_um, focus_um
        Stage x, y of the centre of the field, and the height that is in focus.
    exposed_s, lamp_s
        Exposure of each pixel, and as much of it as the lamp at full power would need, s.
    """

    nuclei: Nuclei
    spots: Spots | None
    glows: list[Glow]
    centre_um: tuple[float, float]
    focus_um: float
    exposed_s: float
    lamp_s: float


class Sight:
    """The optics, with what they need to know of the light."""

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self._config = config
        self._optics = Optics(config)
        self._lines = config.all_lines()

    def lit_profile(self, nuclei: Nuclei, centre_um: tuple[float, float]) -> NDArray[np.float64]:
        """Return the irradiance at each nucleus relative to the field's centre; 0 outside."""
        config = self._config
        dx_um, dy_um = nuclei.x_um - centre_um[0], nuclei.y_um - centre_um[1]
        reach_um = 0.55 * config.pixel_um  # the lit area is a little larger than the chip
        inside = (np.abs(dx_um) < reach_um * config.width) & (
            np.abs(dy_um) < reach_um * config.height
        )
        return np.where(inside, self._optics.profile(dx_um, dy_um), 0.0)

    def take_light(
        self,
        specimen: Specimen,
        given: Exposed,
        lit: NDArray[np.float64],
        lit_s: float,
        share: float,
    ) -> list[Glow]:
        """Let the specimen take the light of every line, and return what shone.

        Parameters
        ----------
        lit
            Irradiance at each cell relative to the field's centre, (n,).
        lit_s
            For how long the light was on, s.
        share
            Of it that the pixels of a row see.
        """
        glows = []
        for number, line in enumerate(self._lines):
            stray = given.stray_j_cm2.get(line.name, 0.0)
            if stray > 0.0:  # light between exposures harms and bleaches, and nobody sees it
                specimen.take_light(stray * lit, line.max_irradiance_w_cm2 * lit, number)
            fluence = given.fluence_j_cm2.get(line.name, 0.0)
            if fluence > 0.0:
                dye = specimen.take_light(fluence * lit, fluence / lit_s * lit, number)
                glows.append(Glow(line, fluence * share, dye))
        return glows

    def expected(
        self, scene: Scene, window: Window, passes: Callable[[str], bool]
    ) -> NDArray[np.float32]:
        """Return the photo-electrons that a camera may expect, (Y, X).

        Parameters
        ----------
        passes
            Whether the light of the dye that a line excites reaches the camera.
        """
        optics, config = self._optics, self._config
        images = [
            optics.expected(
                scene.nuclei, glow.dye, glow.fluence_j_cm2, scene.centre_um, scene.focus_um, window,
                line=glow.line, spots=scene.spots,
            )
            for glow in scene.glows
            if passes(glow.line.name)
        ]  # fmt: skip
        mean_e = images[0] if images else np.zeros((window.height, window.width), np.float32)
        for image in images[1:]:
            mean_e += image
        if scene.lamp_s > 0.0:
            mean_e += optics.transmitted(
                scene.nuclei, scene.lamp_s, scene.centre_um, scene.focus_um, window
            )
        mean_e += np.float32(config.background_e + config.dark_current_e_s * scene.exposed_s)
        return mean_e
