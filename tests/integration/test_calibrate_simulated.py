"""Photon transfer on the simulated microscope, through guard and core, against the chip's truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest
from pymmcore_plus.experimental.unicore import UniMMCore

from acquire.calibrating.calibration_light import (
    CameraMeasured,
    Exposer,
    plan_camera_walk,
    walk_camera,
)
from acquire.calibrating.camera_key import camera_key
from acquire.calibrating.characterise import characterise
from acquire.camera import Camera
from acquire.core import Core
from acquire.dose import Ledger
from acquire.keeper.link import NoKeeper
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.light.source import LightSource
from acquire.settings import Limits
from acquire.simulated import LASER, LocalLightBox, SimulatedScopeConfig, load_simulated_scope
from acquire.simulated.sensor.sensor_maps import PixelMaps

LIMITS = Limits(
    min_exposure_ms=1, max_exposure_ms=1000, max_power_fraction=1, budget_j_cm2=1e3, max_step_up=2
)
SOURCE = LightSource(
    name="488", wavelength_nm=488, power_device=LASER, power_property="Power",
    shutter_device="Shutter", gate="camera", power_mw_at_maximum=1.3845, lit_area_um2=27690.0,
)  # fmt: skip


@dataclass
class Bench:
    core: UniMMCore
    exposer: Exposer
    ledger: Ledger
    box: LocalLightBox
    config: SimulatedScopeConfig


@contextmanager
def bench(**chip: Any) -> Iterator[Bench]:
    usual = {"n_cells": 0, "height": 192, "width": 192, "background_e_per_j_cm2": 8e4}
    config = SimulatedScopeConfig(**(usual | chip))
    core, box = UniMMCore(), LocalLightBox(config.lines())
    load_simulated_scope(core, config, box, lambda: 0.0)
    found, ledger = cast("Core", core), Ledger({"488": LIMITS.budget_j_cm2})
    guard = LightGuard(
        LightPort(found, [SOURCE]),
        Camera(found),
        NoKeeper(),
        ledger,
        {"slide": SOURCE},
        {"488": LIMITS},
    )
    try:
        yield Bench(core, Exposer(guard, "slide"), ledger, box, config)
    finally:
        core.unloadAllDevices()


def measure(at: Bench, power: float = 1.0) -> CameraMeasured:
    return walk_camera(at.exposer, plan_camera_walk("slide", power, LIMITS, n_dark=256))


@pytest.mark.parametrize("chip", [{"seed": 2}, {"seed": 3, "pixel_maps": True}])
def test_the_chips_numbers_are_found_within_the_bars(chip: dict[str, Any]) -> None:
    with bench(**chip) as at:
        measured = measure(at)
        given = at.box.meter()[LASER].dose_j_cm2
        assert at.ledger.totals()["488"] == pytest.approx(given, rel=0.01)
    numbers, maps = characterise(
        measured.dark, measured.flat, measured.dark_current_adu_s, measured.dark_exposure_s
    )
    truth, good = PixelMaps.of(at.config), maps.is_good
    if not at.config.pixel_maps:
        truth = PixelMaps(*(np.full((192, 192), v, np.float32) for v in (2.0, 100.0, 1.6, 0.0)))
    # What comes without any light is offset to a camera, and its noise is read noise.
    dark_e = at.config.background_e
    offset_e = (maps.offset_adu - truth.offset_adu)[good] / 2.0 - dark_e
    noise_e = np.sqrt(truth.read_noise_e[good] ** 2 + dark_e)
    assert numbers.gain_adu_per_e == pytest.approx(float(truth.gain_adu_per_e.mean()), rel=0.01)
    assert abs(offset_e.mean()) <= 0.05
    assert np.sqrt(np.mean(offset_e**2)) <= 0.2
    assert numbers.read_noise_e == pytest.approx(float(np.sqrt(np.mean(noise_e**2))), rel=0.05)
    assert numbers.dark_current_e_s == pytest.approx(at.config.dark_current_e_s, rel=0.1)
    assert numbers.saturation_adu == 65535
    assert numbers.doubts == ()
    hot = truth.leak_e_s > 100.0
    assert good[~hot].mean() > 0.999
    assert not good[hot].any()


@pytest.mark.parametrize(("bits", "top", "power"), [(12, 4095, 0.2), (8, 255, 0.01)])
def test_fewer_bits_are_full_sooner_at_the_same_gain(bits: int, top: int, power: float) -> None:
    with bench(bit_depth=bits) as at:
        key = camera_key(cast("Core", at.core), at.core.getCameraDevice())
        measured = measure(at, power)
    numbers, _ = characterise(measured.dark, measured.flat)
    assert key.bit_depth == bits
    assert numbers.saturation_adu == top
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)


def test_a_binned_chip_is_another_camera_with_more_noise() -> None:
    with bench() as at:
        label = at.core.getCameraDevice()
        before = camera_key(cast("Core", at.core), label)
        at.core.setProperty(label, "Binning", "2")
        after = camera_key(cast("Core", at.core), label)
        measured = measure(at, 0.2)
    numbers, _ = characterise(measured.dark, measured.flat)
    assert before.differences(after) == ["binning is 2, and was 1"]
    assert measured.dark.offset.shape == (96, 96)
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.015)
    four = np.sqrt(4 * (1.6**2 + at.config.background_e))
    assert numbers.read_noise_e == pytest.approx(float(four), rel=0.05)
