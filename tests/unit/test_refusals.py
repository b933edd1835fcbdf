"""Who is refused is told what was asked, what the limit is, and where it was set."""

from __future__ import annotations

import contextlib
import math
import re

import pytest

from acquire.dose.budget import Budget
from acquire.dose.ledger import Ledger
from acquire.errors import (
    LightExpired,
    LightNotDark,
    LightOverBudget,
    LightRefused,
    SettingRefused,
)
from acquire.light.bounds import Given, GuardRules, allow
from acquire.light.source import LightSource
from acquire.settings import ChannelSettings, Limits, Request, Settings
from tests.light_bench import (
    LASER,
    LED,
    MS,
    FakeCamera,
    FakeKeeper,
    FakeLights,
    ask,
    lie_first,
    stand,
    take,
)

AT = "(limits of [[light]] '488' in demo.toml)"
LED_AT = "limits of [[light]] 'led' in demo.toml"
LIMITS = Limits(2, 50, 0.5, 10)


def cut(request: Request, limits: Limits = LIMITS, source: LightSource = LASER) -> str:
    channels = {source.name: source}
    given = allow(
        request, {source.name: 1}, channels, {source.name: limits}, {}, GuardRules(), "demo.toml"
    )
    return "; ".join(given[source.name].reasons)


BRIGHT = LASER.model_copy(update={"power_mw_at_maximum": 1.0, "lit_area_um2": 1e4})
BRIGHT_LED = LED.model_copy(update={"power_mw_at_maximum": 1.0, "lit_area_um2": 1e4})
COARSE = LASER.model_copy(update={"power_step": 10.0})


@pytest.mark.parametrize(
    ("request_", "limits", "source", "says"),
    [
        (ask(power=0.8), LIMITS, LASER, f"power 0.8 is above max_power_fraction 0.5 {AT}"),
        (ask(70, 0.1), LIMITS, LASER, f"70 ms is above max_exposure_ms 50 {AT}"),
        (ask(1, 0.1), LIMITS, LASER, f"1 ms is below min_exposure_ms 2 {AT}"),
        (
            ask(power=0.5), Limits(2, 50, 1.0, 10, max_irradiance_w_cm2=2.5), BRIGHT,
            f"5 W/cm2 is above max_irradiance_w_cm2 2.5 {AT}",
        ),
        (
            ask(10, 1.5, "led"), Limits(2, 50, 1.0, 10), LED,
            "power 1.5 is above 1, which is all that light 'led' has",
        ),
    ],
)  # fmt: skip
def test_light_that_is_cut_says_by_which_limit(request_, limits, source, says) -> None:
    assert cut(request_, limits, source) == says


@pytest.mark.parametrize(
    ("request_", "limits", "source", "says"),
    [
        (
            ask(channel="led"), Limits(2, 50, 0.5, 10), LED,
            f"its full power is above max_power_fraction 0.5 ({LED_AT})",
        ),
        (
            ask(channel="led"), Limits(2, 50, 1.0, 10, max_irradiance_w_cm2=2), BRIGHT_LED,
            f"its 10 W/cm2 are above max_irradiance_w_cm2 2 ({LED_AT})",
        ),
        (
            ask(10, 0.1, "led"), Limits(2, 50, 1.0, 10), LED,
            f"1 ms is below min_exposure_ms 2 ({LED_AT}; light 'led' cannot be dimmed to 0.1",
        ),
        (
            ask(10, 0.05), LIMITS, COARSE,
            "as weak as 0.05: its power_step is 10 of 100 ([[light]] '488' in demo.toml)",
        ),
        (
            ask(late=7), LIMITS, LASER,
            "no decision for 7 shots: dark until one comes (dark_after is 6, [guard] in demo.toml)",
        ),
        (ask(has_evidence=False), LIMITS, LASER, "(decision 7 has no evidence)"),
        (ask(late=2), LIMITS, LASER, "(no decision came for 2 shots)"),
        (
            Request(Settings((ChannelSettings("488", 10, 0.5),), z_um=(300.0,)), 0), LIMITS, LASER,
            "within 200 um of the plan's focus (max_offset_um, [guard] in demo.toml), got 300",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_was_asked_the_limit_and_where(
    request_, limits, source, says
) -> None:
    with pytest.raises(LightRefused, match=re.escape(says)):
        cut(request_, limits, source)


@pytest.mark.parametrize(
    ("budget", "damage", "says"),
    [
        (Budget(0.5), math.inf, "left of its 0.5 for light '488', the exposure would take 1; raise "
         "the budget (budget_j_cm2, limits of [[light]] '488' in demo.toml)"),
        (Budget(9, 0.5), math.inf, "(highest_j_cm2, limits of [[light]] '488' in demo.toml)"),
        (Budget(9), 0.5, "(damage_j_cm2, [sample] in demo.toml)"),
    ],
)  # fmt: skip
def test_a_budget_says_which_key_it_is(budget: Budget, damage: float, says: str) -> None:
    ledger = Ledger({"488": budget}, harm={"488": 1.0}, damage=damage, config="demo.toml")
    with pytest.raises(LightOverBudget, match=re.escape(says)):
        ledger.reserve(0, "488", 1.0)


def test_devices_that_do_not_take_their_value_name_their_tolerance() -> None:
    at = stand()
    at.bench.faults["power 488"] = lambda: 0.9
    with pytest.raises(SettingRefused, match=r"power_tolerance is 0\.02 \(\[\[light\]\] '488'\)"):
        take(at, ask())
    at = stand()
    at.bench.faults["exposure"] = lambda: 50.0
    with pytest.raises(SettingRefused, match=r"50 ms; exposure_tolerance is 0\.02 \(\[guard\]"):
        take(at, ask())


def test_an_expired_decision_says_which_key_says_how_long() -> None:
    at = stand()
    with pytest.raises(LightExpired, match=r"2\.0 ms ago \(decision_valid_s, \[loop\]\)"):
        take(at, ask(valid_until_ns=at.bench.now - 2 * MS))


def test_the_guard_knows_its_config() -> None:
    at = stand()
    from acquire.light.guard import LightGuard

    guard = LightGuard(
        FakeLights(at.bench), FakeCamera(at.bench), FakeKeeper(at.bench), at.ledger,
        {"488": LASER}, {"488": LIMITS}, now_ns=at.bench.now_ns, config="demo.toml",
    )  # fmt: skip
    with pytest.raises(LightRefused, match=r"dark_after is 6, \[guard\] in demo\.toml"):
        guard.expose(ask(late=9), "488", 1, 0).__enter__()


# Where exactly a limit begins.


def test_what_is_exactly_at_a_limit_is_not_said_to_be_cut() -> None:
    limits = Limits(10, 20, 0.5, 10, max_irradiance_w_cm2=5.0)
    assert cut(ask(10, 0.5), limits, BRIGHT) == ""
    assert cut(ask(20, 0.5), limits, BRIGHT) == ""
    assert cut(ask(20, 1.0, "led"), Limits(2, 50, 1.0, 10, 10.0), BRIGHT_LED) == ""
    assert cut(ask(2, 1.0, "led"), Limits(2, 50, 1.0, 10), LED) == ""


def test_an_uncalibrated_light_has_no_bound_of_irradiance() -> None:
    assert cut(ask(20, 1.0, "led"), Limits(2, 50, 1.0, 10, 1e-3), LED) == ""


def test_no_power_needs_no_shortest_exposure() -> None:
    given = allow(ask(0.5, 0.0), {"488": 1}, {"488": LASER}, {"488": LIMITS}, {}, GuardRules())
    assert (given["488"].exposure_ms, given["488"].power_fraction) == (0.5, 0.0)
    assert given["488"].reasons == ()


def test_readout_is_taken_off_where_light_is_held_by_a_shorter_exposure() -> None:
    rolling = LED.model_copy(update={"readout_ms": 10.0})
    limits = Limits(2, 50, 1.0, 10)
    held = ask(20, 1.0, "led", has_evidence=False)
    last = {"led": Given(0.015, 1)}  # half of 20 + 10 ms
    given = allow(held, {"led": 1}, {"led": rolling}, {"led": limits}, last, GuardRules())
    assert given["led"].exposure_ms == pytest.approx(15.0 - 10.0)


# What an exposure turns out to have given.


def test_a_burst_that_we_blank_has_its_measured_dose_shared_among_its_frames() -> None:
    led = stand(LED, limits=Limits(1, 100, 1.0, 10))
    lease = take(led, ask(10, 1.0, "led"), n_frames=3)
    assert lease.applied.dose_j_cm2 == pytest.approx(led.ledger.spent(0, "led") / 3)


def test_a_power_that_reads_more_than_commanded_is_told_with_the_frame() -> None:
    at = stand()
    at.bench.faults["power 488"] = lambda: 0.505
    lease = take(at, ask(10, 0.5))
    assert lease.applied.dose_j_cm2 == pytest.approx(0.505 * 0.010)
    assert at.ledger.spent(0, "488") == pytest.approx(0.505 * 0.010)


def test_light_that_sticks_is_booked_from_when_its_lease_gave_it_up() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    at.bench.faults |= {"close led": lambda: 1, "ask led": lambda: 1, "dark led": lambda: 0}
    at.bench.faults["alarm"] = lambda: at.bench.spend(300 * MS)  # a keeper takes its time
    with pytest.raises(Exception, match="will not go dark"):
        take(at, ask(10, 1.0, "led"))
    at.bench.faults.clear()
    assert at.guard.all_dark()
    assert at.ledger.spent(0, "led") >= at.bench.lit_s["led"] > 0.300


def test_another_light_that_sticks_is_booked_as_if_it_were_full() -> None:
    at = stand(LED, LASER, limits=Limits(1, 100, 1.0, 10))
    at.bench.faults |= {"ask 488": lambda: 1, "dark 488": lambda: 0}
    with pytest.raises(LightNotDark, match="'488' will not go dark"):
        take(at, ask(10, 1.0, "led"))
    at.bench.faults.clear()
    before = at.ledger.spent(0, "488")
    at.bench.spend(1000 * MS)
    assert at.guard.all_dark()
    assert at.ledger.spent(0, "488") - before == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("asked_ms", "found_ms", "is_taken"),
    [
        (2.0, 2.09, True),  # 0.1 ms is the grain of cameras
        (2.0, 2.11, False),
        (50.0, 50.9, True),  # 2 %
        (50.0, 51.1, False),
        (50.0, 48.9, False),
    ],
)
def test_an_exposure_may_differ_by_its_tolerance_or_a_tenth_of_a_millisecond(
    asked_ms: float, found_ms: float, is_taken: bool
) -> None:
    at = stand()
    at.bench.faults["exposure"] = lambda: found_ms
    if is_taken:
        take(at, ask(asked_ms))
        return
    with pytest.raises(SettingRefused):
        take(at, ask(asked_ms))


@pytest.mark.parametrize(("answer", "is_dark"), [(True, True), (0, False)])
def test_stop_light_that_finds_a_driver_hanging_never_says_dark(
    answer: object, is_dark: bool
) -> None:
    at = stand()
    at.bench.faults["dark 488"] = lambda: answer
    with at.guard._lighting.door:
        assert at.guard.go_dark() is False
    assert at.guard.go_dark() is is_dark


def test_a_light_that_obeys_only_the_second_time_is_booked_until_then() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    at.bench.faults["close led"] = lie_first(1)
    at.bench.faults["dark led"] = lambda: at.bench.spend(50 * MS)  # slowly, and then it obeys
    with contextlib.suppress(LightNotDark):
        take(at, ask(10, 1.0, "led"))
    assert at.bench.is_dark
    assert at.ledger.spent(0, "led") >= at.bench.lit_s["led"] > 0.060


def test_a_light_that_is_slow_to_obey_is_booked_until_then_also_after_good_exposures() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    take(at, ask(10, 1.0, "led"))
    at.bench.spend(1000 * MS)
    at.bench.faults["close led"] = lie_first(1)
    at.bench.faults["dark led"] = lambda: at.bench.spend(50 * MS)
    with contextlib.suppress(LightNotDark):
        take(at, ask(10, 1.0, "led"))
    assert at.bench.is_dark
    assert at.ledger.spent(0, "led") >= at.bench.lit_s["led"] > 0.070
    assert at.ledger.spent(0, "led") < at.bench.lit_s["led"] + 0.02


def test_a_light_that_was_stuck_and_is_repaired_is_no_lamp_any_more() -> None:
    at = stand(LED, limits=Limits(1, 100, 1.0, 10))
    at.bench.faults |= {"close led": lambda: True, "dark led": lambda: False}
    with pytest.raises(LightNotDark):
        take(at, ask(10, 1.0, "led"))
    at.bench.faults.clear()
    assert at.guard.go_dark()
    at.guard.rearm()
    at.bench.spend(500 * MS)
    before = at.ledger.spent(0, "led")
    take(at, ask(10, 1.0, "led"))
    at.bench.spend(500 * MS)
    take(at, ask(10, 1.0, "led"))
    assert at.ledger.spent(0, "led") - before < 0.03


def test_a_lamp_shines_on_the_field_of_the_last_exposure_and_is_paid_for_at_full_power() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(LED, lamp, limits=Limits(1, 100, 1.0, 10))
    take(at, ask(10, 1.0, "led"), position=0)
    take(at, ask(10, 1.0, "led"), position=1)
    at.bench.spend(1000 * MS)
    before = at.ledger.spent(0, "lamp")
    take(at, ask(10, 1.0, "led"), position=0)
    assert at.ledger.spent(1, "lamp") > 1.0
    assert at.ledger.spent(0, "lamp") - before < 0.1
    before = at.ledger.spent(2, "lamp")
    with at.guard.expose(ask(10, 1.0, "lamp"), "lamp", 1, 2) as lease:
        reserved_ms = lease.reserve_ms(GuardRules().switch_allowance_ms)
        assert at.ledger.spent(2, "lamp") - before == pytest.approx(reserved_ms * 1e-3)


def test_a_lamp_shines_on_the_first_field_before_anything_is_exposed() -> None:
    lamp = LightSource(name="lamp", wavelength_nm=550, gate="always-on")
    at = stand(LED, lamp, limits=Limits(1, 100, 1.0, 10))
    at.bench.spend(1000 * MS)
    at.guard.all_dark()
    assert at.ledger.spent(0, "lamp") == pytest.approx(1.0, rel=0.01)
