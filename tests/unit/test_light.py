"""One exposure: what it is given, what it may not be given, and who has to know of it."""

from __future__ import annotations

import math

import pytest

from acquire.errors import (
    KeeperLost,
    LightExpired,
    LightOverBudget,
    LightRefused,
)
from acquire.light.bounds import GuardRules
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import (
    DIODE,
    LASER,
    LED,
    MS,
    ask,
    stand,
    take,
)

COMMAND = 10_000  # ns that a command of the bench takes: the exposure is set before the lease


def test_light_comes_after_everything_was_set_and_goes_before_the_camera_stops() -> None:
    at = stand()
    take(at, ask())
    order = [call for call in at.bench.calls if call not in ("running", "pop")]
    assert order == [
        "exposure", "announce", "power 488", "lease", "open 488", "start",
        "close 488", "lease closed", "stop",
    ]  # fmt: skip


def test_a_light_without_a_shutter_gets_no_power_before_the_keeper_has_the_lease() -> None:
    at = stand(DIODE)
    take(at, ask(channel="561"))
    order = [call for call in at.bench.calls if call not in ("running", "pop")]
    assert order[:4] == ["exposure", "announce", "lease", "power 561"]


def test_an_exposure_is_booked_to_its_field_and_line() -> None:
    at = stand()
    lease = take(at, ask(exposure_ms=10, power=0.5), n_frames=3, position=2)
    assert at.ledger.spent(2, "488") == pytest.approx(3 * 0.010 * 0.5)
    assert at.ledger.spent(0, "488") == 0
    assert lease.applied.dose_j_cm2 == pytest.approx(0.005)
    assert not lease.applied.calibrated


def test_applied_says_what_was_set_and_what_was_read_back() -> None:
    at = stand()
    at.bench.faults["exposure"] = lambda: 10.05
    applied = take(at, ask(exposure_ms=10, power=0.5)).applied
    assert (applied.exposure_ms, applied.exposure_read_ms) == (10, 10.05)
    assert (applied.power_fraction, applied.power_read_fraction) == (0.5, 0.5)
    assert (applied.light, applied.wavelength_nm, applied.decision_id) == ("488", 488, 7)
    assert applied.dose_j_cm2 == pytest.approx(0.5 * 0.01005)
    assert applied.clamped == ""


def test_calibrated_light_is_booked_in_joules() -> None:
    # 2 mW over 100 um x 100 um is 20 W/cm2; half of it for 10 ms is 0.1 J/cm2.
    source = LASER.model_copy(update={"power_mw_at_maximum": 2.0, "lit_area_um2": 1e4})
    at = stand(source)
    applied = take(at, ask(exposure_ms=10, power=0.5)).applied
    assert applied.irradiance_w_cm2 == pytest.approx(10)
    assert applied.dose_j_cm2 == pytest.approx(0.1)
    assert applied.calibrated


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ask(exposure_ms=math.nan), "exposure must be"),
        (ask(exposure_ms=math.inf), "exposure must be"),
        (ask(exposure_ms=0), "exposure must be"),
        (ask(exposure_ms=-3), "exposure must be"),
        (ask(power=math.nan), "power must be"),
        (ask(power=-0.1), "power must be"),
        (ask(power=math.inf), "power must be"),
        (ask(channel="561"), "does not speak of channel"),
        (ask(late=99), "dark until one comes"),
    ],
)
def test_what_makes_no_sense_gets_no_light(request_, says) -> None:
    at = stand()
    with pytest.raises(LightRefused, match=says), at.guard.expose(request_, "488", 1, 0):
        pytest.fail("light was given")
    assert at.bench.calls == []
    assert at.ledger.totals() == {"488": 0}


@pytest.mark.parametrize("wrong", [{"roi": (0, 0, 8, 8)}, {"binning": 2}], ids=str)
def test_region_and_binning_are_refused(wrong: dict) -> None:
    request = Request(Settings((ChannelSettings("488", 10, 0.5),), **wrong), 0)
    with pytest.raises(LightRefused, match="region and binning"):
        take(stand(), request)


def test_a_channel_without_light_or_limits_is_refused() -> None:
    at = stand()
    with (
        pytest.raises(LightRefused, match="no light with limits"),
        at.guard.expose(ask(channel="DAPI"), "DAPI", 1, 0),
    ):
        pytest.fail("light was given")


def test_a_burst_of_no_frames_is_refused() -> None:
    at = stand()
    with pytest.raises(LightRefused, match="1 frame or more"), at.guard.expose(ask(), "488", 0, 0):
        pytest.fail("light was given")


def test_an_expired_request_is_refused_and_a_valid_one_is_not() -> None:
    at = stand()
    take(at, ask(valid_until_ns=at.bench.now + MS))
    with pytest.raises(LightExpired, match=r"expired 1\.0 ms ago"):
        take(at, ask(valid_until_ns=at.bench.now - MS))


def test_no_keeper_no_light() -> None:
    at = stand()
    at.bench.faults["lease"] = lambda: "silence"
    with pytest.raises(KeeperLost):
        take(at, ask())
    assert "open 488" not in at.bench.calls
    assert at.bench.is_dark
    assert at.ledger.spent(0, "488") == 0


def test_the_keeper_is_told_a_deadline_soon_after_the_exposure() -> None:
    rules = GuardRules(lease_margin_ms=50, frame_margin_ms=10)
    at = stand(rules=rules)
    before = at.bench.now
    take(at, ask(exposure_ms=20), n_frames=2)
    assert at.keeper.deadlines == [before + (2 * (20 + 10) + 50) * MS + COMMAND]


def test_the_budget_is_never_passed_and_what_it_cannot_pay_gets_no_light() -> None:
    limits = Limits(1, 100, 1.0, budget_j_cm2=0.05)
    at = stand(limits=limits)
    for _ in range(5):
        take(at, ask(exposure_ms=20, power=0.5))
    at.bench.calls.clear()
    with pytest.raises(LightOverBudget, match="field 0 has"):
        take(at, ask(exposure_ms=20, power=0.5))
    assert at.bench.calls == []
    take(at, ask(exposure_ms=20, power=0.5), position=1)


def test_a_dark_frame_never_opens_the_light() -> None:
    at = stand()
    lease = take(at, ask(power=0.0))
    assert not any(call.startswith(("open", "power")) for call in at.bench.calls)
    assert lease.applied.dose_j_cm2 == 0
    assert lease.ready_ns > 0
    take(at, ask(power=0.5))  # and it is no bound for the light that follows


def test_only_one_lease_at_a_time() -> None:
    at = stand()
    with (
        at.guard.expose(ask(), "488", 1, 0),
        pytest.raises(LightRefused, match="one lease at a time"),
        at.guard.expose(ask(), "488", 1, 0),
    ):
        pytest.fail("a second lease")
    assert at.bench.is_dark


def test_a_lease_starts_once_and_not_after_its_end() -> None:
    at = stand()
    with at.guard.expose(ask(), "488", 1, 0) as lease:
        lease.start()
        with pytest.raises(LightRefused, match="started already"):
            lease.start()
        lease.pop()
    with pytest.raises(LightExpired, match="ask the guard for a new one"):
        lease.start()
    assert at.bench.calls.count("start") == 1


def test_a_lease_that_is_used_too_late_is_over() -> None:
    at = stand()

    def dawdle() -> None:
        with at.guard.expose(ask(), "488", 1, 0) as lease:
            at.bench.spend(2000 * MS)
            lease.start()

    with pytest.raises(LightExpired):
        dawdle()
    assert at.bench.is_dark


def test_light_that_cannot_be_dimmed_gets_its_dose_by_time() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    applied = take(at, ask(channel="led", exposure_ms=20, power=0.25)).applied
    assert (applied.exposure_ms, applied.power_fraction) == (5, 1)
    assert "cannot be dimmed" in applied.clamped


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"z_um": (0.0, math.nan)}, "max_offset_um"),
        ({"z_um": (math.inf,)}, "max_offset_um"),
        ({"z_um": (-200.1,)}, "max_offset_um"),
        ({"interval_s": math.nan}, "interval_s must be"),
        ({"interval_s": math.inf}, "interval_s must be"),
        ({"interval_s": -1.0}, "interval_s must be"),
        ({"interval_s": 31 * 86_400.0}, "interval_s must be"),
    ],
)
def test_planes_and_intervals_that_are_none_get_no_light(wrong: dict, says: str) -> None:
    at = stand()
    request = Request(Settings((ChannelSettings("488", 10, 0.5),), **wrong), 0)
    assert says in at.guard.objection(request)
    with pytest.raises(LightRefused, match=says):
        take(at, request)
    assert at.bench.calls == []


def test_planes_and_intervals_within_bounds_are_fine() -> None:
    settings_ = Settings((ChannelSettings("488", 10, 0.5),), z_um=(-200.0, 200.0), interval_s=60)
    assert stand().guard.objection(Request(settings_, 0)) == ""
