"""Calibrations take their light by the guard's door: booked, bounded, and dark however they end."""

from __future__ import annotations

import math

import msgspec
import pytest

from acquire.calibrating.calibration_light import (
    CameraWalk,
    Exposer,
    plan_camera_walk,
    walk_camera,
)
from acquire.calibrating.characterise import characterise
from acquire.calibrating.power_walk import walk_power
from acquire.camera import Image
from acquire.errors import CalibrationRefused, LightOverBudget, LightRefused
from acquire.settings import Limits
from tests import light_bench
from tests.camera_series import SeriesCamera
from tests.light_bench import LASER, LIMITS, MS, Bench, Stand, raising, stand

ROOMY = Limits(
    min_exposure_ms=1, max_exposure_ms=400, max_power_fraction=1, budget_j_cm2=1e6, max_step_up=2.0
)


def replace_limits(**change: float) -> Limits:
    return msgspec.structs.replace(ROOMY, **change)


class Meter:
    """A meter that sees what the bench gives, with a zero of its own; one command may break it."""

    name = "bench"

    def __init__(self, bench: Bench, breaks_at: float = math.nan) -> None:
        self.bench, self.breaks_at = bench, breaks_at
        self.seen = 0.0
        self.calls: list[tuple[float, bool]] = []

    def watch(self, command: float, hold_s: float, *, is_lit: bool) -> None:
        if command == self.breaks_at:
            raise OSError("unplugged")
        power = self.bench.power.get("488", 0.0) if self.bench.is_open.get("Shutter") else 0.0
        self.seen = 8.0 * power**2 + 0.1
        self.calls.append((command, is_lit))

    def reading_mw(self, command: float) -> float:
        assert self.bench.is_dark  # a person may take their time
        return self.seen


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch) -> SeriesCamera:
    """Let the bench's camera see a slide, by what really shines and for how long."""
    camera = SeriesCamera(shape=(64, 64))

    def try_pop(self: light_bench.FakeCamera) -> Image | None:
        bench = self._bench
        if not bench.waiting:
            return None
        bench.is_exposing = True
        bench.spend(int(bench.exposure_ms * MS))
        bench.is_exposing = False
        power = bench.power.get("488", 0.0) if bench.is_open.get("Shutter", False) else 0.0
        bench.waiting -= 1
        bench.taken += 1
        bench.is_running = bench.waiting > 0
        mean_e = 200.0 * bench.exposure_ms * power
        return Image(camera.frame(mean_e, bench.exposure_ms), bench.taken, bench.now)

    monkeypatch.setattr(light_bench.FakeCamera, "try_pop", try_pop)
    return camera


def exposer(at: Stand) -> Exposer:
    return Exposer(at.guard, "488")


def test_a_walk_measures_the_camera_and_books_every_exposure(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    found = exposer(at)
    measured = walk_camera(found, plan_camera_walk("488", 0.5, ROOMY, n_dark=48))
    numbers, _ = characterise(
        measured.dark, measured.flat, measured.dark_current_adu_s, measured.dark_exposure_s
    )
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.02)
    assert numbers.saturation_adu == 65535
    assert at.bench.is_dark
    lit_s = at.bench.lit_s["488"]  # by the bench's own meter: seconds at full power
    assert at.ledger.totals()["488"] == pytest.approx(lit_s, rel=1e-6)
    assert found.dose == pytest.approx(lit_s, rel=1e-6)
    assert len(at.keeper.deadlines) >= len(measured.flat.levels)


def test_dark_frames_are_taken_in_the_dark(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    exposer(at).take(100.0, 0.0, 4)
    assert at.bench.lit_s.get("488", 0.0) == 0.0
    assert "open 488" not in at.bench.calls


def test_dark_current_is_measured_and_taken_off_the_offset(series: SeriesCamera) -> None:
    series.dark_current_e_s = 500.0
    at = stand(limits=replace_limits(min_exposure_ms=2.0))
    measured = walk_camera(
        exposer(at), plan_camera_walk("488", 0.5, replace_limits(min_exposure_ms=2.0), 64)
    )
    numbers, maps = characterise(
        measured.dark, measured.flat, measured.dark_current_adu_s, measured.dark_exposure_s
    )
    assert numbers.dark_current_e_s == pytest.approx(500.0, rel=0.02)
    assert numbers.offset_adu == pytest.approx(100.0, abs=0.1)  # 2 ADU more in the frames
    assert float(maps.offset_adu.mean()) == pytest.approx(100.0, abs=0.1)


def test_the_walk_goes_up_until_the_camera_is_full_and_down_again(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    levels = walk_camera(exposer(at), plan_camera_walk("488", 1.0, ROOMY, 48)).flat.levels
    times = [level.exposure_ms for level in levels]
    half = len(times) // 2
    assert times[:half] == sorted(times[:half])
    assert times[half:] == times[:half][::-1]
    assert levels[half - 1].variance_adu2 < 0.9 * levels[half - 2].variance_adu2
    assert max(times) < ROOMY.max_exposure_ms  # no light beyond what was needed


def test_a_walk_stays_within_the_steps_that_the_guard_allows(series: SeriesCamera) -> None:
    narrow = replace_limits(max_step_up=1.2, max_exposure_ms=60.0)
    walk = plan_camera_walk("488", 0.5, narrow, 16)
    assert walk.step == pytest.approx(1.2)
    measured = walk_camera(exposer(stand(limits=narrow)), walk)
    assert measured.flat.levels


@pytest.mark.parametrize(
    ("limits", "frames", "says"),
    [
        (replace_limits(max_exposure_ms=5.0), (256, 8), "from 1 to 5 ms"),
        (replace_limits(max_step_up=1.0), (256, 8), "max_step_up of 1.05"),
        (ROOMY, (256, 6), "come in fours"),
        (ROOMY, (8, 8), "from 16 up"),
    ],
)
def test_a_walk_that_cannot_be_is_refused_before_light(
    limits: Limits, frames: tuple[int, int], says: str
) -> None:
    with pytest.raises(CalibrationRefused, match=says):
        plan_camera_walk("488", 0.5, limits, *frames)


def test_less_light_than_asked_for_is_no_measurement(series: SeriesCamera) -> None:
    at = stand(limits=LIMITS)
    with pytest.raises(
        CalibrationRefused,
        match=r"above max_power_fraction 0\.8 \(limits of",
    ):
        exposer(at).take(10.0, 1.0, 2)
    assert at.bench.is_dark
    assert at.bench.taken == 0


def test_a_spent_budget_ends_the_walk_in_the_dark(series: SeriesCamera) -> None:
    small = replace_limits(budget_j_cm2=0.05)
    at = stand(limits=small)
    with pytest.raises(LightOverBudget):
        walk_camera(exposer(at), plan_camera_walk("488", 1.0, small, 16))
    assert at.bench.is_dark
    assert at.bench.lit_s["488"] <= 0.05


def test_who_wants_to_stop_is_heard_before_the_next_exposure(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    stopping = Exposer(at.guard, "488", should_stop=lambda: at.bench.taken >= 32)
    with pytest.raises(CalibrationRefused, match="nothing was stored"):
        walk_camera(stopping, plan_camera_walk("488", 1.0, ROOMY, 32))
    assert at.bench.taken == 32
    assert at.bench.is_dark


def test_stop_light_stops_a_calibration(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    at.guard.go_dark()
    with pytest.raises(LightRefused, match="stopped"):
        exposer(at).take(10.0, 0.5, 2)


def test_powers_are_walked_up_and_down_and_the_zero_is_taken_off(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    meter = Meter(at.bench)
    commands = ((0.0, 0.0), (50.0, 0.5), (100.0, 1.0))
    readings, zero_mw = walk_power(exposer(at), commands, 20.0, 1, meter)
    assert zero_mw == pytest.approx(0.1)
    assert [command for command, _ in meter.calls] == [0.0, 50.0, 100.0, 100.0, 50.0, 0.0]
    assert [is_lit for _, is_lit in meter.calls] == [False, True, True, True, True, False]
    found = dict(readings)
    assert found[100.0] == pytest.approx(8.0)
    assert found[50.0] == pytest.approx(2.0)
    assert at.bench.is_dark
    assert at.ledger.totals()["488"] == pytest.approx(at.bench.lit_s["488"], rel=1e-6)


def test_a_meter_that_fails_in_the_light_leaves_it_dark(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    with pytest.raises(OSError, match="unplugged"):
        walk_power(
            exposer(at), ((0.0, 0.0), (50.0, 0.5), (100.0, 1.0)), 20.0, 1, Meter(at.bench, 100.0)
        )
    assert at.bench.is_dark
    assert at.bench.lit_s["488"] <= 0.01 + 0.04  # the first power, and at most the second


def test_a_reading_that_is_no_number_is_refused(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    meter = Meter(at.bench)
    meter.reading_mw = lambda command: math.nan  # type: ignore[method-assign]
    with pytest.raises(CalibrationRefused, match="no number"):
        walk_power(exposer(at), ((0.0, 0.0), (100.0, 1.0)), 20.0, 1, meter)
    assert at.bench.is_dark


def test_a_shutter_that_fails_ends_the_walk(series: SeriesCamera) -> None:
    at = stand(limits=ROOMY)
    at.bench.faults["open 488"] = raising(OSError("cable"))
    with pytest.raises(OSError, match="cable"):
        exposer(at).take(10.0, 0.5, 2)
    assert at.bench.is_dark


def test_the_light_that_a_walk_needs_is_predicted(series: SeriesCamera) -> None:
    walk = CameraWalk("488", 0.5, 1.0, 8.0, step=2.0, n_flat=8)
    assert walk.exposures_ms() == (1.0, 2.0, 4.0, 8.0)
    assert walk.on_s() == pytest.approx(8 * 15e-3)
    at = stand(LASER, limits=replace_limits(max_exposure_ms=8.0))
    walk_camera(exposer(at), msgspec.structs.replace(walk, n_dark=16))
    assert at.bench.lit_s["488"] == pytest.approx(0.5 * walk.on_s(), rel=1e-6)
