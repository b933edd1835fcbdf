"""A software autofocus: it takes images at several heights, by the light that is set, and looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pymmcore_plus.core import DeviceType
from pymmcore_plus.experimental.unicore import Device, pymm_property

from acquire.errors import SettingRefused
from acquire.simulated.devices.faults import Faults, register_faults
from acquire.simulated.devices.stand import Stand, offered

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEARCH = ["Idle", "Run"]
CONTRAST = 1.05  # the best plane must be so much sharper than the median one; proposed


class SimulatedAutofocus(Device):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Finds the sharpest plane and leaves the focus there. Its light counts like any other.

    It opens nothing and sets no power: in the dark it finds nothing, says so, and goes back.
    pymmcore-plus 0.18.1 knows no autofocus among Python devices (`fullFocus` is not for it), so the
    search is started by a property.

    Attributes
    ----------
    Properties
        Search (Run: search now), Range_um (searched around the height where it stands), Step_um,
        Exposure_ms, and what came of it: Found_um, Sharpness.
        Faults: Refuse, IgnoreSilently, Die.
    """

    _TYPE = DeviceType.AutoFocus

    def __init__(self, stand: Stand | None = None) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._range_um, self._step_um, self._exposure_ms = 10.0, 1.0, 10.0
        self._found_um = self._sharpness = 0.0
        self._faults = Faults()
        register_faults(self, self._faults, but=("Hang", "Delay_ms", "LieReadBack"))

    @pymm_property(name="Search", allowed_values=SEARCH)  # type: ignore[untyped-decorator]
    def search(self) -> str:
        """Whether it searches: it is done when the command returns."""
        return "Idle"

    @search.setter  # type: ignore[untyped-decorator]
    def _set_search(self, value: str) -> None:
        if value == "Run" and self._faults.obeys("searching the focus"):
            self.full_focus()

    @pymm_property(name="Range_um", limits=(0.1, 200.0))  # type: ignore[untyped-decorator]
    def range_um(self) -> float:
        """Height that is searched, half of it above."""
        return self._range_um

    @range_um.setter  # type: ignore[untyped-decorator]
    def _set_range(self, value: float) -> None:
        self._range_um = float(value)

    @pymm_property(name="Step_um", limits=(0.01, 50.0))  # type: ignore[untyped-decorator]
    def step_um(self) -> float:
        """Distance of the planes that are looked at."""
        return self._step_um

    @step_um.setter  # type: ignore[untyped-decorator]
    def _set_step(self, value: float) -> None:
        self._step_um = float(value)

    @pymm_property(name="Exposure_ms", limits=(0.01, 10_000.0))  # type: ignore[untyped-decorator]
    def exposure_ms(self) -> float:
        """Exposure of each image."""
        return self._exposure_ms

    @exposure_ms.setter  # type: ignore[untyped-decorator]
    def _set_exposure(self, value: float) -> None:
        self._exposure_ms = float(value)

    @pymm_property(name="Found_um", is_read_only=True)  # type: ignore[untyped-decorator]
    def found_um(self) -> float:
        """Height that was found last."""
        return self._found_um

    @pymm_property(name="Sharpness", is_read_only=True)  # type: ignore[untyped-decorator]
    def sharpness(self) -> float:
        """Sharpness there, relative to the median of all planes."""
        return self._sharpness

    def full_focus(self) -> float:
        """Search the focus, go there, and return its height, um.

        Raises
        ------
        SettingRefused
            If no plane is sharper than the others; the focus is back where it was.
        """
        bench = self._stand.bench
        start_um = bench.z_um
        n_steps = int(0.5 * self._range_um / self._step_um)
        heights = start_um + self._step_um * np.arange(-n_steps, n_steps + 1)
        try:
            scores = np.array([self._look(float(height)) for height in heights])
        finally:
            bench.z_um = start_um
        self._sharpness = float(scores.max() / max(float(np.median(scores)), 1e-12))
        if not self._sharpness >= CONTRAST:
            raise SettingRefused(
                f"the autofocus found no sharp plane within {self._range_um:g} um of "
                f"{start_um:g} um: is there light, and a cell?"
            )
        bench.z_um = self._found_um = peak_um(heights, scores)
        return self._found_um

    def _look(self, height_um: float) -> float:
        bench = self._stand.bench
        bench.z_um = height_um
        eye = bench.eyes[0]
        out = eye.blank()
        bench.expose(self._exposure_ms * 1e-3, eye.window, out, lambda wait_s: wait_s or 0.0)
        return brenner(out)


def brenner(image: NDArray[np.generic]) -> float:
    """Return the sharpness of an image: the mean squared difference of pixels two apart.

    References
    ----------
    Brenner et al., J. Histochem. Cytochem. 24, 100 (1976).
    """
    values = image.astype(np.float32)
    across = values[:, 2:] - values[:, :-2]
    return float(np.mean(across * across))


def peak_um(heights: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Return where a parabola through the best plane and its neighbours has its top, um."""
    best = int(np.argmax(scores))
    if not 0 < best < len(scores) - 1:
        return float(heights[best])
    below, top, above = scores[best - 1 : best + 2]
    bend = below - 2.0 * top + above
    shift = 0.5 * (below - above) / bend if bend < 0 else 0.0
    return float(heights[best] + shift * (heights[1] - heights[0]))
