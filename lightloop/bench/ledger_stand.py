"""A simulated stand whose light has a meter of its own, with our guard before it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from acquire.camera import Camera
from acquire.dose import Ledger
from acquire.keeper.link import NoKeeper
from acquire.light.bounds import GuardRules
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.light.source import LightSource
from acquire.settings import ChannelSettings, Limits, Request, Settings
from acquire.simulated.config import LASER, LineConfig, SimulatedScopeConfig
from acquire.simulated.light.light_source import Line

if TYPE_CHECKING:
    from typing import Literal

    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.core import Core

    Gate = Literal["camera", "software", "always-on"]

SECOND = "Laser561"
LAMP = "Lamp"  # in the light box only: no device of the core can switch it
IRRADIANCE_W_CM2 = 5.0
AREA_UM2 = 2e4
POWER = 0.2

_PLENTY = Limits(0.1, 1e4, 1.0, budget_j_cm2=1e9)


class MeteredStand:
    """Two lasers behind a shutter, a lamp, a camera that takes its time, and the lights' meter.

    Parameters
    ----------
    gate
        What lets the lasers out.
    delay_ms
        From a command to the shutter until it moves.
    has_lamp
        A lamp without a switch shines all the time.
    calibration_error
        Share by which the powers of our config are wrong, to see that it is noticed.
    """

    def __init__(
        self,
        gate: Gate = "camera",
        delay_ms: float = 0.0,
        *,
        has_lamp: bool = False,
        calibration_error: float = 0.0,
    ) -> None:
        from pymmcore_plus.experimental.unicore import UniMMCore

        from acquire.simulated import LocalLightBox, load_simulated_scope

        config = SimulatedScopeConfig(
            n_cells=0,
            height=64,
            width=64,
            extra_lines=(LineConfig(name=SECOND, wavelength_nm=561.0),),
        )
        lines = [Line(name, 500.0, IRRADIANCE_W_CM2, gate) for name in (LASER, SECOND)]
        self.box = LocalLightBox([*lines, Line(LAMP, 550.0, IRRADIANCE_W_CM2, "always-on")])
        start_s = time.perf_counter()
        self.core: UniMMCore = UniMMCore()
        self.bench = load_simulated_scope(
            self.core, config, self.box, lambda: time.perf_counter() - start_s
        )
        self.core.setProperty("Camera", "RealTime", "On")
        self.box.set_delays(delay_ms * 1e-3, delay_ms * 1e-3)
        irradiance = IRRADIANCE_W_CM2 * (1.0 + calibration_error)
        self.sources = [_source(name, gate, delay_ms, irradiance) for name in (LASER, SECOND)]
        if has_lamp:
            self.sources.append(_source(LAMP, "always-on", 0.0, irradiance))

    def guard(self) -> tuple[LightGuard, Ledger]:
        """Return a guard of the lights, and its account; a lamp begins to shine now."""
        core = cast("Core", self.core)
        ledger = Ledger({source.name: _PLENTY.budget_j_cm2 for source in self.sources})
        camera = Camera(core)
        if any(not source.is_switchable for source in self.sources):
            self.box.set_power(LAMP, 1.0)
        guard = LightGuard(
            LightPort(core, self.sources),
            camera,
            NoKeeper(),
            ledger,
            {source.name: source for source in self.sources},
            {source.name: _PLENTY for source in self.sources},
            GuardRules(lease_margin_ms=30_000.0),  # what is measured is the account, not patience
        )
        return guard, ledger

    def metered(self) -> float:
        """Return what the meter of the light box says that all lines gave, J/cm2."""
        return sum(line.dose_j_cm2 for line in self.box.meter().values())


def ask(exposure_ms: float, channel: str = LASER, power: float = POWER) -> Request:
    """Return a request for one channel."""
    return Request(Settings((ChannelSettings(channel, exposure_ms, power),)), 0)


def _source(name: str, gate: Gate, delay_ms: float, irradiance_w_cm2: float) -> LightSource:
    is_lamp = gate == "always-on"
    return LightSource(
        name=name,
        wavelength_nm=500.0,
        power_device="" if is_lamp else name,
        power_property="" if is_lamp else "Power",
        shutter_device="" if is_lamp else "Shutter",
        gate=gate,
        open_delay_ms=delay_ms,
        close_delay_ms=delay_ms,
        power_mw_at_maximum=irradiance_w_cm2 * AREA_UM2 * 1e-5,
        lit_area_um2=AREA_UM2,
    )
