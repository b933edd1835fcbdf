"""Exposures in steps: multiples, in the limits, and never more light than was allowed."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from acquire.errors import LightRefused
from acquire.light.frame_bounds import Allowed
from acquire.plan.exposure_step import on_step
from acquire.settings import Limits
from tests.light_bench import LASER, LED, ask, stand, take

LIMITS = Limits(1.0, 100.0, 1.0, budget_j_cm2=100.0)


@given(
    exposure_ms=st.floats(1, 100), power=st.floats(0.01, 1), step_ms=st.floats(0.1, 90),
    readout_ms=st.floats(0, 20),
)  # fmt: skip
def test_a_step_gives_a_multiple_and_no_more_light(
    exposure_ms: float, power: float, step_ms: float, readout_ms: float
) -> None:
    laser = LASER.model_copy(update={"readout_ms": readout_ms})
    before = Allowed(exposure_ms, power)
    assume(step_ms <= LIMITS.max_exposure_ms)
    after = on_step(before, step_ms, laser, LIMITS)
    turns = after.exposure_ms / step_ms
    assert turns == pytest.approx(round(turns))
    assert round(turns) >= 1
    assert LIMITS.min_exposure_ms * (1 - 1e-9) <= after.exposure_ms
    assert after.exposure_ms <= LIMITS.max_exposure_ms * (1 + 1e-9)
    dose_before = laser.dose_j_cm2(before.power_fraction, before.exposure_ms)
    assert laser.dose_j_cm2(after.power_fraction, after.exposure_ms) <= dose_before * (1 + 1e-9)
    assert (after is before) or "exposure_step_ms" in after.reasons[-1]


def test_an_exposure_on_a_step_is_left_alone_and_nothing_is_said() -> None:
    allowed = Allowed(30.0, 0.5)
    assert on_step(allowed, 10.0, LASER, LIMITS) is allowed


def test_a_light_that_cannot_be_dimmed_is_not_exposed_for_longer() -> None:
    with pytest.raises(LightRefused, match="cannot be made weaker"):
        on_step(Allowed(5.0, 1.0), 10.0, LED, LIMITS)


def test_no_multiple_within_the_limits_is_refused() -> None:
    narrow = Limits(12.0, 18.0, 1.0, budget_j_cm2=100.0)
    with pytest.raises(LightRefused, match="no multiple"):
        on_step(Allowed(15.0, 0.5), 10.0, LASER, narrow)


def test_darkness_stays_dark() -> None:
    assert on_step(Allowed(3.0, 0.0), 10.0, LASER, LIMITS).power_fraction == 0.0


def test_the_guard_says_that_it_rounded() -> None:
    at = stand(steps_ms={"488": 8.0})
    lease = take(at, ask(exposure_ms=20.0))
    assert lease.applied.exposure_ms == 16.0
    assert lease.applied.clamped == "20 ms is no multiple of exposure_step_ms 8: 16 ms"
