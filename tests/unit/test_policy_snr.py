"""The SNR policy: least light that keeps the target, and never more light without evidence."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from acquire.settings import ChannelSettings, Settings
from realtime.policy import Observation, SnrConfig, SnrPolicy, Trust
from realtime.policy.fading import CALM_SHOTS
from realtime.policy.light import LightRange
from realtime.policy.photon_model import light_factor
from tests.unit.policy_samples import (
    FIRST,
    READ_NOISE_E,
    TRUSTED,
    Sample,
    applied,
    but,
    light_of,
)

CONFIG = SnrConfig(target_snr=8.0)
UNTRUSTED = Trust(is_trusted=False, why="residuals are not camera noise")
NAN = math.nan


def policy(config: SnrConfig = CONFIG, first: Settings = FIRST) -> SnrPolicy:
    return SnrPolicy(config, first, READ_NOISE_E)


def run(sample: Sample, n_shots: int, config: SnrConfig = CONFIG) -> list[Observation]:
    steering, asked, seen = policy(config), FIRST, []
    for _ in range(n_shots):
        seen.append(sample.see(asked))
        asked = steering.decide(seen[-1]).settings
    return seen


def raised(steering: SnrPolicy, sample: Sample, asked: Settings = FIRST) -> tuple[Settings, float]:
    """Show believed shots until one asks for more; return that, and the light of the shot."""
    for _ in range(CALM_SHOTS + 1):
        given = light_of(asked)
        asked = steering.decide(sample.see(asked)).settings
        if light_of(asked) > given * (1 + 1e-9):
            return asked, given
    pytest.fail("cells that are believed, and too dim, get no more light")


# the closed loop -------------------------------------------------------------------------------


@pytest.mark.parametrize("brightness", [0.5, 2.0, 20.0, 200.0])
@pytest.mark.parametrize("target", [4.0, 8.0, 30.0])
def test_the_loop_settles_at_the_target_and_stays(brightness: float, target: float) -> None:
    config = SnrConfig(target_snr=target, max_exposure_ms=2000.0, min_power_fraction=1e-4)
    seen = run(Sample(brightness), 40, config)
    assert all(abs(s.snr / target - 1) <= config.deadband + 1e-9 for s in seen[30:])


def test_the_loop_does_not_swing() -> None:
    snr = [s.snr for s in run(Sample(20.0), 30)]
    assert snr[0] > CONFIG.target_snr
    assert all(a >= b - 1e-9 for a, b in pairwise(snr))
    assert min(snr) > CONFIG.target_snr * (1 - CONFIG.deadband)


def test_light_follows_bleaching_and_the_target_is_kept() -> None:
    sample = Sample(2.0, bleach=0.005)
    seen = run(sample, 150)
    assert sample.brightness < 0.5 * 2.0  # it did bleach
    late = [s.snr / CONFIG.target_snr for s in seen[20:]]
    assert min(late) > 1 - 2 * CONFIG.deadband
    assert max(late) < 1 + 2 * CONFIG.deadband


def test_the_photon_model_is_exact_in_one_step() -> None:
    now = Sample().see(FIRST)
    factor = light_factor(8.0, now.snr, now.signal_e, now.background_e, READ_NOISE_E)
    entry = FIRST.channels[0]
    then = Settings((ChannelSettings("gfp", entry.exposure_ms * factor, entry.power_fraction),))
    assert Sample().see(then).snr == pytest.approx(8.0)


# the sign of the gain --------------------------------------------------------------------------

brightnesses = st.floats(0.01, 1000)
lights = st.tuples(st.floats(1, 200), st.floats(0.01, 1))


@settings(deadline=None, max_examples=100)
@given(
    dim=brightnesses,
    more=st.floats(1, 100),
    now=lights,
    history=st.lists(brightnesses, max_size=4),
    clips_at_e=st.floats(10, 10_000),
)
def test_a_brighter_sample_never_gets_more_light(
    dim: float, more: float, now: tuple[float, float], history: list[float], clips_at_e: float
) -> None:
    asked = Settings((ChannelSettings("gfp", *now),))
    lit = []
    for brightness in (dim, dim * more):
        steering = policy()
        for past in history:
            steering.decide(Sample(past).see(asked))
        seen = Sample(brightness).see(asked)
        seen = but(seen, saturated_fraction=float(seen.signal_e > clips_at_e))
        lit.append(light_of(steering.decide(seen).settings))
    assert lit[1] <= lit[0] * (1 + 1e-9)


@settings(deadline=None, max_examples=100)
@given(brightness=brightnesses, now=lights, first_move=st.sampled_from(["exposure", "power"]))
def test_the_bounds_and_the_steps_are_kept(
    brightness: float, now: tuple[float, float], first_move: str
) -> None:
    config = SnrConfig.model_validate(
        {"target_snr": 8.0, "max_exposure_ms": 100.0, "move_first": first_move}
    )
    asked = Settings((ChannelSettings("gfp", *now),))
    decision = policy(config).decide(Sample(brightness).see(asked))
    entry = decision.settings.channels[0]
    before, after = light_of(asked), light_of(decision.settings)
    assert 0 < entry.exposure_ms <= config.max_exposure_ms
    assert 0 < entry.power_fraction <= config.max_power_fraction
    assert after <= before * config.max_step_up * (1 + 1e-9)
    if before <= config.most:
        assert after >= before * config.max_leap_down * (1 - 1e-9)


# more light needs evidence ---------------------------------------------------------------------

dim = Sample(0.1)
DOUBTS = {
    "no confirmed cell": {"n_confirmed": 0},
    "saturation": {"saturated_fraction": 0.01},
    "an untrusted image": {"trust": UNTRUSTED},
    "no cell in this shot": {"snr": 0.0, "signal_e": 0.0},
    "no light known": {"applied": ()},
    "snr missing": {"snr": NAN},
    "signal missing": {"signal_e": NAN},
    "background missing": {"background_e": NAN},
    "saturation missing": {"saturated_fraction": NAN},
    "an infinite number": {"snr": math.inf},
    "broken exposure": {"applied": (applied(ChannelSettings("gfp", NAN, 0.2)),)},
    "broken power": {"applied": (applied(ChannelSettings("gfp", 20.0, NAN)),)},
    "negative exposure": {"applied": (applied(ChannelSettings("gfp", -20.0, 0.2)),)},
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_in_doubt_the_light_is_held_then_lowered_and_never_raised(doubt: str) -> None:
    steering, asked, lights_ms = policy(), FIRST, [light_of(FIRST)]
    for shot in range(12):
        seen = Sample(0.1, shot=shot).see(asked)  # so dim that evidence would raise the light
        decision = steering.decide(but(seen, **DOUBTS[doubt]))
        assert not decision.has_evidence
        asked = decision.settings
        lights_ms.append(light_of(asked))
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(lights_ms))
    assert lights_ms[-1] < lights_ms[0]
    if doubt != "saturation":
        assert lights_ms[CONFIG.hold_shots] == lights_ms[0]


@settings(deadline=None, max_examples=100)
@given(
    fields=st.sets(
        st.sampled_from(["snr", "signal_e", "background_e", "saturated_fraction"]), min_size=1
    ),
    bad=st.sampled_from([NAN, math.inf, -math.inf]),
    brightness=brightnesses,
    now=lights,
    history=st.lists(brightnesses, max_size=4),
)
def test_a_missing_number_never_raises_the_light(
    fields: set[str],
    bad: float,
    brightness: float,
    now: tuple[float, float],
    history: list[float],
) -> None:
    asked, steering = Settings((ChannelSettings("gfp", *now),)), policy()
    for past in history:
        steering.decide(Sample(past).see(asked))
    decision = steering.decide(but(Sample(brightness).see(asked), **dict.fromkeys(fields, bad)))
    assert light_of(decision.settings) <= light_of(asked) * (1 + 1e-12)
    assert not decision.has_evidence


def test_lost_trust_goes_back_to_the_last_safe_light_and_says_why() -> None:
    steering, sample = policy(), Sample(0.3)
    asked, safe = raised(steering, sample)  # believed: too dim, so more light
    back = steering.decide(but(sample.see(asked), trust=UNTRUSTED))
    assert light_of(back.settings) == pytest.approx(safe)
    assert "last safe light" in back.reason
    assert UNTRUSTED.why in back.reason


def test_light_comes_back_when_the_evidence_does() -> None:
    steering, sample, asked = policy(), Sample(0.3), FIRST
    for _ in range(10):
        asked = steering.decide(but(sample.see(asked), n_confirmed=0)).settings
    assert light_of(asked) < light_of(FIRST)
    lowered = light_of(asked)
    asked, _ = raised(steering, sample, asked)
    assert light_of(asked) > lowered


@settings(deadline=None, max_examples=100)
@given(
    brightness=st.floats(0.01, 2.0),
    now=lights,
    doubts=st.integers(0, 8),
    sharpness=st.sampled_from([0.0, 1.0]),
)
def test_the_first_believed_shots_get_no_more_light_nor_do_those_of_a_worker_begun_anew(
    brightness: float, now: tuple[float, float], doubts: int, sharpness: float
) -> None:
    """No shots of its own have shown it that the cells answer to the light as they should."""
    steering, asked = policy(), Settings((ChannelSettings("gfp", *now),))
    sample = Sample(brightness, shot=200)
    trust = msgspec.structs.replace(TRUSTED, focus=sharpness)
    for shot in range(doubts + CALM_SHOTS):
        seen = but(sample.see(asked), trust=trust)
        if shot < doubts:
            seen = but(seen, n_confirmed=0)
        decision = steering.decide(seen)
        assert light_of(decision.settings) <= light_of(asked) * (1 + 1e-9)
        asked = decision.settings
    assert decision.has_evidence


def test_doubt_never_lowers_below_the_least_light_nor_lifts_what_is_below_it() -> None:
    config = SnrConfig(min_exposure_ms=5.0, min_power_fraction=0.1)
    steering, asked = policy(config), Settings((ChannelSettings("gfp", 1.0, 0.2),))
    for _ in range(10):
        asked = steering.decide(but(Sample().see(asked), n_confirmed=0)).settings
    assert light_of(asked) == pytest.approx(0.2)


# channels, fields, words -----------------------------------------------------------------------

TWO = Settings((ChannelSettings("gfp", 20.0, 0.2), ChannelSettings("rfp", 40.0, 0.5)))


def test_the_other_channels_keep_their_ratio() -> None:
    then = policy(first=TWO).decide(Sample(20.0).see(TWO)).settings
    assert light_of(then, 1) / light_of(then, 0) == pytest.approx(light_of(TWO, 1) / 4.0)
    assert light_of(then, 0) < 4.0


def test_the_channel_that_the_config_names_is_steered() -> None:
    steering = policy(SnrConfig(channel="rfp"), TWO)
    assert steering.decide(Sample(2.0).see(TWO)).inputs["light_now"] == pytest.approx(20.0)


def test_a_channel_that_is_not_in_the_plan_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"cy5.*gfp, rfp"):
        policy(SnrConfig(channel="cy5"), TWO)


def test_each_field_of_view_has_a_state_of_its_own() -> None:
    steering, alone = policy(), policy()
    for shot in range(10):
        steering.decide(but(Sample(shot=shot).see(FIRST, position=1), n_confirmed=0))
    seen = but(Sample(0.3).see(FIRST), n_confirmed=0)
    assert steering.decide(seen) == alone.decide(seen)


def test_what_the_guard_gave_counts_not_what_was_asked_for() -> None:
    steering, sample = policy(), Sample(0.3)
    asked, given = raised(steering, sample)
    clamped = Settings((ChannelSettings("gfp", given / 0.2, 0.2),))  # no more than before
    again = steering.decide(sample.see(clamped)).settings
    assert light_of(again) == pytest.approx(light_of(asked), rel=0.1)


def test_the_same_observations_give_the_same_decisions() -> None:
    seen = run(Sample(20.0, bleach=0.02), 20)
    first, again = policy(), policy()
    assert [first.decide(s) for s in seen] == [again.decide(s) for s in seen]


def test_the_reason_is_a_sentence_a_biologist_reads() -> None:
    bright = policy().decide(but(Sample(20.0).see(FIRST), snr=9.3))
    assert bright.reason.startswith("SNR 9.3 above target 8: exposure 20 -> ")
    assert bright.reason.endswith(" ms")
    assert "SNR 8.0 is at target 8" in policy().decide(but(Sample().see(FIRST), snr=8.0)).reason


def test_power_moves_where_exposure_is_at_its_bound() -> None:
    config = SnrConfig(max_exposure_ms=20.0)
    asked, _ = raised(policy(config), Sample(0.3))
    entry = asked.channels[0]
    assert entry.exposure_ms == 20.0
    assert entry.power_fraction > 0.2


@settings(deadline=None)
@given(light=st.floats(1e-4, 400), start=lights, move=st.sampled_from(["exposure", "power"]))
def test_settings_never_give_more_light_than_asked(
    light: float, start: tuple[float, float], move: str
) -> None:
    span = LightRange.model_validate({"move_first": move})
    entry = span.settings(light, ChannelSettings("gfp", *start))
    assert entry.exposure_ms * entry.power_fraction <= light * (1 + 1e-12)
    if span.least <= light <= span.most:
        assert entry.exposure_ms * entry.power_fraction == pytest.approx(light)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_snr": NAN},
        {"target_snr": 0.0},
        {"max_step_up": 1.0},
        {"max_step_down": 1.0},
        {"min_exposure_ms": 300.0},
        {"surprise": 1},
    ],
)
def test_a_config_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SnrConfig.model_validate(wrong)


def test_light_that_is_far_too_much_is_gone_after_three_shots() -> None:
    steering, asked, given = policy(), Settings((ChannelSettings("gfp", 100.0, 1.0),)), []
    for shot in range(4):
        seen = but(Sample(1.0).see(asked), shot=shot)
        given.append(seen.snr)
        asked = steering.decide(seen).settings
    assert given[0] > 5 * 8.0
    assert 8.0 * 0.95 <= given[3] < 8.0 * 1.5


# the first shots --------------------------------------------------------------------------------


def unfollowed(seen: Observation, n_found: int = 10, **changes: object) -> Observation:
    """Return a first shot: things are found, and none was followed for long enough."""
    found = {"n_found": n_found, "found_snr": seen.snr, "found_signal_e": seen.signal_e}
    nobody = {"n_confirmed": 0, "n_tracks": n_found, "snr": 0.0, "signal_e": 0.0}
    return but(seen, **(found | nobody | changes))


def test_light_that_is_far_too_much_goes_down_before_any_cell_was_followed() -> None:
    steering, asked = policy(), Settings((ChannelSettings("gfp", 100.0, 1.0),))
    clear: list[float] = []
    told: list[str] = []
    for _ in range(3):
        seen = Sample(20.0).see(asked)
        clear.append(seen.snr)
        decision = steering.decide(unfollowed(seen))
        assert not decision.has_evidence
        assert light_of(decision.settings) <= light_of(asked)
        asked = decision.settings
        told.append(decision.reason)
    assert clear[0] > 50 * CONFIG.target_snr
    assert Sample(20.0).see(asked).snr == pytest.approx(1.25 * CONFIG.target_snr, rel=0.03)
    assert told[0].startswith("no cell is followed yet, but what is seen has SNR")


@pytest.mark.parametrize(
    ("n_found", "changes"),
    [
        (2, {}),
        (10, {"trust": UNTRUSTED}),
        (10, {"found_snr": NAN}),
        (10, {"found_signal_e": 0.0}),
        (10, {"background_e": math.inf}),
    ],
)
def test_first_shots_in_doubt_are_held(n_found: int, changes: dict[str, object]) -> None:
    asked = Settings((ChannelSettings("gfp", 100.0, 1.0),))
    decision = policy().decide(unfollowed(Sample(20.0).see(asked), n_found, **changes))
    assert light_of(decision.settings) == light_of(asked)


def test_cells_that_are_lost_later_are_no_first_shots() -> None:
    steering, sample = policy(), Sample(20.0)
    asked = Settings((ChannelSettings("gfp", 100.0, 1.0),))
    steering.decide(sample.see(FIRST))
    assert steering.decide(unfollowed(sample.see(asked))).settings == asked


@given(brightness=brightnesses, n_found=st.integers(0, 100), now=lights)
def test_nothing_that_is_only_found_ever_raises_light(
    brightness: float, n_found: int, now: tuple[float, float]
) -> None:
    asked = Settings((ChannelSettings("gfp", *now),))
    decision = policy().decide(unfollowed(Sample(brightness).see(asked), n_found))
    assert light_of(decision.settings) <= light_of(asked) * (1 + 1e-12)
