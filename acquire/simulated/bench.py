"""What stands on the optical table, shared by all devices: specimen, optics, chips, light box."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.eye import Exposure, Eye
from acquire.simulated.optics.focus_drift import FocusDrift
from acquire.simulated.optics.optics import Window
from acquire.simulated.sight import Glow, Scene, Sight
from acquire.simulated.specimen.specimen import Specimen
from acquire.simulated.trigger import light_up
from acquire.simulated.truth import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.eye import Counts
    from acquire.simulated.light.light_calls import AnyLightBox
    from acquire.simulated.light.light_words import Exposed
    from acquire.simulated.specimen.cells import Nuclei


class Bench:
    """The ground truth behind the devices.

    Parameters
    ----------
    light
        The light box, near or far; what it says it gave is what the specimen gets.
    now_s
        Experiment time, s.

    Attributes
    ----------
    x_um, y_um, z_um
        Where the stages stand; z is 0 in focus.
    is_paced
        Exposures take host time; else none.
    fires_shutter
        The camera's trigger opens the shutter for each exposure.
    lamp_fraction
        Power of the lamp from above, 0 to 1 of full.
    eyes
        The cameras; the first one triggers the light.
    triggered
        Called as each exposure begins, such as by a stage that steps through a sequence.
    frames
        Exposures so far.
    witness
        Told of every exposure and the whole truth about it, in the camera's thread.
    """

    def __init__(
        self, config: SimulatedScopeConfig, light: AnyLightBox, now_s: Callable[[], float]
    ) -> None:
        self.config = config
        self.light = light
        self.now_s = now_s
        self.specimen = Specimen(config)
        self.x_um = self.y_um = self.z_um = 0.0
        self.is_paced = self.fires_shutter = False
        self.lamp_fraction = 0.0
        self.eyes = [Eye(config)]
        self.triggered: list[Callable[[], None]] = []
        self.frames = 0
        self.witness: Callable[[Seen], None] | None = None
        lines = config.all_lines()
        self._most = [(line.name, line.max_irradiance_w_cm2) for line in lines]
        self._has_spots = any(line.structure == "spots" for line in lines)
        self._has_spots |= config.spots_per_cell > 0
        self._sight = Sight(config)
        self._drift = FocusDrift.of(config)
        self._drifts = bool(config.focus_drift_um_h or config.focus_wander_um)
        self._emission: frozenset[str] | None = None
        self._free_s = 0.0
        self._lock = threading.Lock()

    def eye(self, number: int) -> Eye:
        """Return the view of a camera; a new camera is put beside the others."""
        if len(self.eyes) <= number:
            with self._lock:
                while len(self.eyes) <= number:
                    self.eyes.append(Eye(self.config, len(self.eyes)))
        return self.eyes[number]

    def prepare(self) -> None:
        """Draw the cells once, unlit and for nobody, where that prepares much: blurs and textures.

        A body's first drawing takes longer than a frame is waited for.
        """
        if self.config.psf == "gaussian":
            return
        window = Window(0, 0, self.config.width, self.config.height)
        with self._lock:
            nuclei = self.specimen.truth()
            spots = self.specimen.spots() if self._has_spots else None
            dye = np.ones(len(nuclei.x_um))
            glows = [Glow(line, 1.0, dye) for line in self.config.all_lines()]
            where = (self.x_um, self.y_um)
            scene = Scene(nuclei, spots, glows, where, self.z_um, 1.0, 0.0)
            self._sight.expected(scene, window, lambda _: True)

    def turn_filter(self, lines: Collection[str] | None) -> None:
        """Let the filter cube pass the light of some lines and their dyes only; None: of all."""
        self.light.set_passing(lines)
        self._emission = None if lines is None else frozenset(lines)

    def expose(
        self,
        exposure_s: float,
        window: Window,
        out: Counts,
        wait: Callable[[float | None], float],
        eye: Eye | None = None,
    ) -> Exposure:
        """Gate the light on, wait, gate it off, and fill `out` with what the camera saw.

        Parameters
        ----------
        exposure_s
            Exposure of each pixel in experiment time, s.
        out
            Counts, (Y, X), of the camera's type.
        wait
            Waits for so long (None: for ever) or until stopped; returns the seconds waited.
        eye
            The camera; None: the first.
        """
        eye = eye or self.eyes[0]
        for step in self.triggered:
            step()
        t_s = max(self.now_s(), self._free_s)  # a camera takes one exposure at a time
        lit_s = eye.readout.lit_s(exposure_s, window.height)
        lit_s, given = light_up(
            self.light,
            lit_s,
            wait,
            hangs=eye.hangs,
            is_paced=self.is_paced,
            fires_shutter=self.fires_shutter,
        )
        frame_s = eye.readout.frame_s(exposure_s, window.height)
        if self.is_paced and frame_s > lit_s:
            wait(frame_s - lit_s)  # the last rows are still being read, in the dark
        self._free_s = t_s + max(lit_s, frame_s if lit_s >= exposure_s else 0.0)
        exposed_s = lit_s if eye.readout.line_time_s == 0.0 else min(lit_s, exposure_s)
        with self._lock:
            return self._see(t_s, exposed_s, lit_s, given, window, out, eye)

    def truth(self) -> Nuclei:
        """Return all nuclei as they were at the last exposure, in stage coordinates."""
        with self._lock:
            return self.specimen.truth()

    def to_pixels(
        self, x_um: NDArray[np.float64], y_um: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where stage coordinates lie on the full chip now: y and x, pixels."""
        config = self.config
        y_px = (y_um - self.y_um) / config.pixel_um + 0.5 * (config.height - 1)
        x_px = (x_um - self.x_um) / config.pixel_um + 0.5 * (config.width - 1)
        return y_px, x_px

    def _see(
        self,
        t_s: float,
        exposed_s: float,
        lit_s: float,
        given: Exposed,
        window: Window,
        out: Counts,
        eye: Eye,
    ) -> Exposure:
        """Let the specimen take the light once, and every camera that looks see it."""
        self.specimen.advance_to(t_s)
        nuclei = self.specimen.truth()
        centre_um, focus_um = (self.x_um, self.y_um), self._focus_um(t_s)
        lit = self._sight.lit_profile(nuclei, centre_um)
        lit_s = max(lit_s, 1e-9)
        glows = self._sight.take_light(self.specimen, given, lit, lit_s, exposed_s / lit_s)
        spots = self.specimen.spots() if self._has_spots else None
        lamp_s = self.lamp_fraction * exposed_s
        scene = Scene(nuclei, spots, glows, centre_um, focus_um, exposed_s, lamp_s)
        mean_e = self._expected(scene, window, eye)
        is_lost = eye.read(mean_e, self.frames, out, window, exposed_s)
        fluences = given.fluence_j_cm2
        powers = {name: fluences.get(name, 0.0) / (most * lit_s) for name, most in self._most}
        done = Exposure(t_s, exposed_s, sum(fluences.values()), powers, is_lost)
        for other in self.eyes:
            if other.is_armed and other is not eye:
                self._let_see(other, scene, done)
        if self.witness is not None:
            where, now = (*centre_um, focus_um), self.specimen.truth()
            self.witness(
                Seen(t_s, exposed_s, window, where, given, now, lit, mean_e, is_lost, spots)
            )
        self.frames += 1
        return done

    def _let_see(self, eye: Eye, scene: Scene, done: Exposure) -> None:
        """Let a camera that is triggered by another one take its frame of the same light."""
        out = eye.blank()
        mean_e = self._expected(scene, eye.window, eye)
        if not eye.read(mean_e, self.frames, out, eye.window, done.exposed_s):
            eye.keep(out, done)

    def _expected(self, scene: Scene, window: Window, eye: Eye) -> NDArray[np.float32]:
        """Return the photo-electrons that a camera may expect, (Y, X)."""
        emission = self._emission
        return self._sight.expected(
            scene,
            window,
            lambda line: eye.passes(line) and (emission is None or line in emission),
        )

    def _focus_um(self, t_s: float) -> float:
        """Return the height that is in focus, um."""
        return self.z_um - (self._drift.at(t_s) if self._drifts else 0.0)
