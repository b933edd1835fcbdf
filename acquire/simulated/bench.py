"""What stands on the optical table: specimen, optics, chip and light box, shared by the devices."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.draws import Process, uniforms
from acquire.simulated.optics import Optics, Window
from acquire.simulated.sensor import Sensor
from acquire.simulated.specimen import Specimen
from acquire.simulated.truth import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquire.simulated.cells import Nuclei
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.light_box import AnyLightBox

DROP_KEY = 0x6C6F7374  # stream of lost frames, apart from every cell's


@dataclass(slots=True)
class Faults:
    """What is broken.

    Attributes
    ----------
    hangs
        The camera starts an exposure and never ends it.
    drop_fraction
        Share of frames that are exposed and then lost.
    """

    hangs: bool = False
    drop_fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an exposure really used, in the words of the light box."""

    t_s: float
    exposed_s: float
    fluence_j_cm2: float
    is_lost: bool


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
        self.faults = Faults()
        self.x_um = self.y_um = self.z_um = 0.0
        self.is_paced = False
        self.frames = 0
        self.witness: Callable[[Seen], None] | None = None
        self._optics = Optics(config)
        self._sensor = Sensor(config)
        self._free_s = 0.0
        self._lock = threading.Lock()

    def expose(
        self,
        exposure_s: float,
        window: Window,
        out: NDArray[np.uint16],
        wait: Callable[[float | None], float],
    ) -> Exposure:
        """Gate the light on, wait, gate it off, and fill `out` with what the camera saw.

        Parameters
        ----------
        exposure_s
            Exposure in experiment time, s.
        out
            Counts, (Y, X).
        wait
            Waits for so long (None: for ever) or until stopped; returns the seconds waited.
        """
        t_s = max(self.now_s(), self._free_s)  # a camera takes one exposure at a time
        exposed_s = exposure_s
        self.light.gate_on(exposure_s, self.is_paced)
        try:
            if self.faults.hangs:
                exposed_s = wait(None)
            elif self.is_paced:
                exposed_s = min(wait(exposure_s), exposure_s)
        finally:
            given = self.light.gate_off(exposed_s)
        self._free_s = t_s + exposed_s
        fluence = sum(given.fluence_j_cm2.values())
        with self._lock:
            self.specimen.advance_to(t_s)
            stray = sum(given.stray_j_cm2.values())
            mean_e = self._see(fluence, stray, exposed_s, window)
            self._sensor.read_out(mean_e, self.frames, out)
            is_lost = self._loses(self.frames)
            if self.witness is not None:
                nuclei = self.specimen.truth()
                where = (self.x_um, self.y_um, self.z_um)
                lit = self._lit_profile(nuclei)
                self.witness(
                    Seen(t_s, exposed_s, window, where, given, nuclei, lit, mean_e, is_lost)
                )
            self.frames += 1
        return Exposure(t_s, exposed_s, fluence, is_lost)

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
        self, fluence: float, stray: float, exposed_s: float, window: Window
    ) -> NDArray[np.float32]:
        """Let the specimen take the light and return the expected photo-electrons."""
        config = self.config
        nuclei = self.specimen.truth()
        profile = self._lit_profile(nuclei)
        if stray > 0.0:  # light between exposures harms and bleaches, and nobody sees it
            self.specimen.take_light(stray * profile, config.max_irradiance_w_cm2)
        dye = nuclei.dye
        if fluence > 0.0:
            irradiance = fluence / max(exposed_s, 1e-9)
            dye = self.specimen.take_light(fluence * profile, irradiance)
        centre = (self.x_um, self.y_um)
        mean_e = self._optics.expected(nuclei, dye, fluence, centre, self.z_um, window)
        mean_e += np.float32(config.background_e + config.dark_current_e_s * exposed_s)
        return mean_e

    def _lit_profile(self, nuclei: Nuclei) -> NDArray[np.float64]:
        """Return the irradiance at each nucleus relative to the field's centre; 0 outside."""
        config = self.config
        dx_um, dy_um = nuclei.x_um - self.x_um, nuclei.y_um - self.y_um
        reach_um = 0.55 * config.pixel_um  # the lit area is a little larger than the chip
        inside = (np.abs(dx_um) < reach_um * config.width) & (
            np.abs(dy_um) < reach_um * config.height
        )
        return np.where(inside, self._optics.profile(dx_um, dy_um), 0.0)

    def _loses(self, frame: int) -> bool:
        key = np.array([self.config.seed ^ (DROP_KEY << 32)], np.uint64)
        return bool(uniforms(key, Process.FATE, frame)[0, 0] < self.faults.drop_fraction)
