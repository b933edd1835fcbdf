"""A power sequence that does not end when told to: the next exposure must not get its light."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest

from acquire.errors import SettingRefused
from acquire.light.port import LightPort
from acquire.light.source import LightSource

SHUT = LightSource(
    name="488", wavelength_nm=488, power_device="Laser", power_property="Power",
    shutter_device="Shutter", gate="camera",
)  # fmt: skip
BARE = LightSource(name="488", wavelength_nm=488, power_device="Laser", power_property="Power")
LOADED = {SHUT: ["Laser", "Shutter"], BARE: ["Laser"]}
STEPS = [0.2, 0.8]


class SteppingCore:
    """A laser whose sequence goes on, whatever power is set, until it is stopped."""

    def __init__(self, source: LightSource, fails: int) -> None:
        self._loaded, self._fails = LOADED[source], fails
        self._table: list[float] = []
        self._before, self._step = 0.0, -1
        self.power, self.is_open, self.can_step = 0.0, False, True

    def trigger(self) -> float:
        """Begin an exposure; return the power that shines in it."""
        if self._step >= 0:
            self.power = self._table[self._step % len(self._table)]
            self._step += 1
        return self.power if self.is_open or "Shutter" not in self._loaded else 0.0

    def getLoadedDevices(self) -> list[str]:
        return self._loaded

    def getLoadedDevicesOfType(self, kind: int) -> list[str]:
        return [label for label in self._loaded if label == "Shutter"]

    def getDevicePropertyNames(self, label: str) -> list[str]:
        return ["Power"]

    def setAutoShutter(self, is_on: bool) -> None:
        """Do nothing."""

    def setProperty(self, label: str, name: str, value: str) -> None:
        self.power = float(value) / 100

    def getProperty(self, label: str, name: str) -> str:
        return f"{100 * self.power:g}"

    def setShutterOpen(self, label: str, is_open: bool) -> None:
        self.is_open = is_open

    def getShutterOpen(self, label: str) -> bool:
        return self.is_open

    def isPropertySequenceable(self, label: str, name: str) -> bool:
        return self.can_step

    def loadPropertySequence(self, label: str, name: str, table: Sequence[str]) -> None:
        self._table = [float(value) / 100 for value in table]

    def startPropertySequence(self, label: str, name: str) -> None:
        self._before, self._step = self.power, 0

    def stopPropertySequence(self, label: str, name: str) -> None:
        self._fails -= 1
        if self._fails >= 0:
            raise RuntimeError("no answer")
        self._step, self.power = -1, self._before


def burst(core: SteppingCore, source: LightSource) -> LightPort:
    """Give a burst of two powers, and close it as an ending does: again, where it fails."""
    port = LightPort(core, [source])  # type: ignore[arg-type]  # as much of a core as it needs
    port.set_power(source, STEPS[0])
    port.step_power(source, STEPS)
    port.set_open(source, True)
    assert [core.trigger() for _ in STEPS] == STEPS
    with suppress(SettingRefused):
        port.set_open(source, False)
    for _ in range(3):
        with suppress(SettingRefused):
            if port.dark(source):
                break
    assert core.power == 0 or not core.is_open
    return port


@pytest.mark.parametrize("source", [SHUT, BARE])
@pytest.mark.parametrize("fails", [0, 1, 2])
def test_the_next_exposure_gets_its_own_power(source: LightSource, fails: int) -> None:
    core = SteppingCore(source, fails)
    port = burst(core, source)
    assert port.set_power(source, 0.1) == pytest.approx(0.1)
    port.set_open(source, True)
    assert [core.trigger() for _ in range(3)] == pytest.approx([0.1] * 3)


def test_there_is_no_next_exposure_while_a_sequence_does_not_end() -> None:
    core = SteppingCore(SHUT, 10**6)
    port = burst(core, SHUT)
    for fraction in (0.1, 0.0):  # 0: another light behind the same shutter is to be lit
        with pytest.raises(SettingRefused, match="no answer"):
            port.set_power(SHUT, fraction)
    assert core.trigger() == 0.0


def left_running(fails: int = 0) -> SteppingCore:
    """Return a core whose last program died in mid-sequence."""
    core = SteppingCore(BARE, fails)
    core.power = 0.5
    core.loadPropertySequence("Laser", "Power", ["20", "80"])
    core.startPropertySequence("Laser", "Power")
    return core


def test_dark_ends_a_sequence_that_a_program_before_us_left_running() -> None:
    core = left_running()
    port = LightPort(core, [BARE])  # type: ignore[arg-type]
    assert port.dark(BARE)
    assert [core.trigger() for _ in range(3)] == [0.0] * 3


@pytest.mark.parametrize("can_step", [True, False])
def test_a_device_that_has_no_sequence_to_end_is_dark_all_the_same(can_step: bool) -> None:
    core = SteppingCore(BARE, fails=10**6)
    core.power, core.can_step = 0.5, can_step
    port = LightPort(core, [BARE])  # type: ignore[arg-type]
    assert port.dark(BARE)
    assert core.power == 0.0
