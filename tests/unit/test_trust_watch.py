"""The watch over each field: every fault by its flag, and no flag on good frames."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import msgspec
import numpy as np
import pytest

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from models.denoise import Denoised
from models.residuals import Limits
from models.stabiliser import PixelMaps
from realtime.policy import Trust
from realtime.trust import TrustWatch

READ_E, SIDE = 1.6, 128
CAMERA = Calibration(2.0, 100.0, READ_E)
LIGHT = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
SCALES = {
    f"{region}.{octave}.{part}": value
    for region in ("cells", "background")
    for octave in (0, 5)
    for part, value in (("low", 0.8), ("middle", 1.0), ("high", 1.3))
}


def info(number: int, position: int = 0, frame: int = 0, *, audit: bool = False) -> FrameInfo:
    shot = Shot(number, position, 2 if audit else 1, audit)
    return FrameInfo(
        number, "Camera", number, 0, 60.0 * number, shot, frame, Index(number, 0, 0, position),
        SIDE, SIDE, (0.0, 0.0, 0.0), LIGHT,
    )  # fmt: skip


def truth(light_e: float = 20.0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.full((SIDE, SIDE), 2.0)
    for row, column in ((30, 40), (80, 30), (70, 95), (110, 60)):
        image += light_e * np.exp(-((((y - row) ** 2 + (x - column) ** 2) / 160.0) ** 2))
    return image


TRUTH = truth()


def spot(row: int = 64, column: int = 64, peak_e: float = 7.0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return peak_e * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.5**2))


def frame(
    rng: np.random.Generator, mean_e: np.ndarray = TRUTH, gain: float = 2.0, offset: float = 100.0
) -> np.ndarray:
    noisy = rng.poisson(mean_e) + READ_E * rng.standard_normal(mean_e.shape)
    return np.clip(np.rint(noisy * gain + offset), 0, 65535).astype(np.uint16)


def restored(mean_e: np.ndarray = TRUTH, error: float = 0.1) -> Denoised:
    """An estimate that knows its error: the truth, as it stands for a very good network."""
    noise_e = np.sqrt(mean_e + READ_E**2)
    return Denoised(mean_e.astype(np.float32), (error * noise_e).astype(np.float32))


def watch(**more: object) -> TrustWatch:
    return TrustWatch((SIDE, SIDE), CAMERA, Limits(), 600.0, SCALES, **more)  # type: ignore[arg-type]


def seen(watch: TrustWatch, frames: Iterator[tuple[np.ndarray, Denoised]]) -> list[Trust]:
    return [watch(info(number), adu, answer) for number, (adu, answer) in enumerate(frames)]


def test_good_frames_are_believed_and_their_error_is_told() -> None:
    rng = np.random.default_rng(1)
    told = seen(watch(), ((frame(rng), restored()) for _ in range(12)))
    assert [trust.flags for trust in told] == [()] * 12
    assert told[-1].is_trusted
    assert told[-1].rmse_low_e < told[-1].expected_rmse_e < told[-1].rmse_high_e
    assert told[-1].background_rmse_e == pytest.approx(0.1 * np.sqrt(2 + READ_E**2), rel=0.1)
    assert told[-1].expected_rmse_e > told[-1].background_rmse_e


FAULTS = {
    "a gain 1.5 times too high": (
        lambda rng: (frame(rng, gain=3.0), restored(1.5 * TRUTH)),
        "noise",
    ),
    "an offset 2 e- too high": (
        lambda rng: (frame(rng, offset=104.0), restored(TRUTH + 2)),
        "noise",
    ),
    "an offset 2 e- too low": (
        lambda rng: (frame(rng, TRUTH - 1.8, offset=96.0), restored(np.maximum(TRUTH - 3.8, 0))),
        "below-offset",
    ),
    "a spot that is invented": (lambda rng: (frame(rng), restored(TRUTH + spot())), "invented"),
    "a spot that is erased": (lambda rng: (frame(rng, TRUTH + spot()), restored()), "erased"),
    "a network that copies noise": (
        lambda rng: (lambda a: (a, restored(np.maximum((a - 100.0) / 2.0, 0))))(frame(rng)),
        "copied-noise",
    ),
    "not a number": (lambda rng: (frame(rng), restored(TRUTH * np.nan)), "not-numbers"),
    "more light than it was trained for": (
        lambda rng: (frame(rng, 40 * TRUTH), restored(40 * TRUTH)),
        "too-bright",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_within_ten_frames(name: str) -> None:
    make, flag = FAULTS[name]
    rng = np.random.default_rng(2)
    told = seen(watch(), (make(rng) for _ in range(10)))
    assert any(flag in trust.flags for trust in told)
    assert all(trust.is_trusted == (not trust.flags) for trust in told)
    doubted = next(trust for trust in told if trust.flags)
    assert len(doubted.why) > 15


def test_a_weak_spot_that_one_frame_cannot_show_is_told_by_several() -> None:
    rng = np.random.default_rng(3)
    light = truth() + 10.0
    told = seen(watch(), ((frame(rng, light), restored(light + spot())) for _ in range(10)))
    assert "invented" not in told[0].flags
    assert "invented" in told[-1].flags
    assert "middle centre" in told[-1].why


def beside_doubt(sd_e: float) -> Denoised:
    """A spot that is not there, and the doubt of the estimate two pixels from it."""
    answer = restored(TRUTH + 6.0 + spot(row=66, column=66, peak_e=6.0))
    assert answer.sd_e is not None
    answer.sd_e[64:68, 68:72] = sd_e
    return answer


@pytest.mark.parametrize(("sd_e", "is_told"), [(1.0, True), (12.0, False)])
def test_what_stays_beside_what_the_estimate_doubts_is_no_surprise(sd_e, is_told) -> None:
    rng, answer = np.random.default_rng(13), beside_doubt(sd_e)
    told = seen(watch(), ((frame(rng, TRUTH + 6.0), answer) for _ in range(10)))
    assert any("keeps showing" in trust.why for trust in told) == is_told


BRIGHT = truth(80.0)


def soft_at_the_rims() -> Denoised:
    """An estimate that blurs the rims of bright cells, and says half of it."""
    soft = cv2.GaussianBlur(BRIGHT, (0, 0), 3.0)
    sd_e = np.maximum(0.5 * np.abs(soft - BRIGHT), 0.1 * np.sqrt(BRIGHT + READ_E**2))
    return Denoised(soft.astype(np.float32), sd_e.astype(np.float32))


def test_rims_that_a_network_draws_soft_are_not_taken_for_a_wrong_gain() -> None:
    rng, answer = np.random.default_rng(21), soft_at_the_rims()
    told = seen(watch(), ((frame(rng, BRIGHT), answer) for _ in range(10)))
    assert not any("noise" in trust.flags for trust in told)
    wrong = seen(watch(), ((frame(rng, BRIGHT, gain=2.4), answer) for _ in range(10)))
    assert any("noise" in trust.flags for trust in wrong)


def hairs() -> np.ndarray:
    """Bright lines of one pixel on an even background."""
    image = np.full((SIDE, SIDE), 10.0)
    for row in range(6, SIDE, 9):
        image[row, 8:-8] = 90.0
    return image


def restored_softly(image: np.ndarray) -> Denoised:
    """An estimate that draws them two pixels wide, and doubts a third of what it lost."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.8)
    lost = cv2.GaussianBlur(np.abs(soft - image), (0, 0), 1.5)
    return Denoised(soft.astype(np.float32), (0.2 + 0.3 * lost).astype(np.float32))


def test_lines_that_a_network_draws_soft_raise_the_expected_error_and_accuse_no_gain() -> None:
    rng, image = np.random.default_rng(8), hairs()
    answer = restored_softly(image)
    told = seen(watch(), ((frame(rng, image), answer) for _ in range(4)))
    assert told[0].var_z > 1.5
    assert not any("noise" in trust.flags for trust in told)
    y_cells = answer.photons > 20.0
    stated = float(np.sqrt(np.mean(answer.sd_e[y_cells] ** 2)))
    assert told[0].expected_rmse_e > 1.5 * stated
    wrong = seen(watch(), ((frame(rng, image, gain=3.0), answer) for _ in range(4)))
    assert any("noise" in trust.flags for trust in wrong)


def test_a_dark_background_does_not_vouch_for_the_noise_of_the_light() -> None:
    rng = np.random.default_rng(9)
    image = truth(200.0) - 1.9
    noisy = image + np.sqrt(2.0 * image) * rng.standard_normal(image.shape)
    noisy += READ_E * rng.standard_normal(image.shape)
    adu = np.clip(np.rint(noisy * 2.0 + 100.0), 0, 65535).astype(np.uint16)
    sure = Denoised(image.astype(np.float32), np.full(image.shape, 0.1, np.float32))
    assert "noise" in seen(watch(), [(adu, sure)])[0].flags


def test_fields_do_not_share_what_they_remember() -> None:
    rng, gate = np.random.default_rng(4), watch()
    for number in range(8):
        gate(info(number, position=0), frame(rng), restored(TRUTH + spot()))
    assert gate(info(8, position=1), frame(rng), restored()).is_trusted


def test_the_same_frame_twice_is_told_and_a_dark_photon_counter_is_not() -> None:
    adu, gate = frame(np.random.default_rng(5)), watch()
    assert "frozen" not in gate(info(0), adu, restored()).flags
    assert "frozen" in gate(info(1), adu.copy(), restored()).flags
    dark, gate = np.full((SIDE, SIDE), 100, np.uint16), watch()
    told = [gate(info(n), dark, restored(np.zeros((SIDE, SIDE)))) for n in range(2)]
    assert not any("frozen" in trust.flags for trust in told)


def test_the_brightest_cells_clipped_are_told() -> None:
    adu = frame(np.random.default_rng(6))
    adu[adu >= np.quantile(adu, 0.99)] = 65535
    assert "saturated" in watch()(info(0), adu, restored()).flags


def test_hot_pixels_are_no_reason_for_doubt() -> None:
    rng = np.random.default_rng(7)
    hot = rng.random((SIDE, SIDE)) < 5e-4
    frames = ((frame(rng) + np.uint16(200) * hot.astype(np.uint16), restored()) for _ in range(12))
    assert not any(trust.flags for trust in seen(watch(), frames))


# audits ----------------------------------------------------------------------------------------


def wrong(adu: np.ndarray, bias_e: float) -> Denoised:
    """An estimate that is off by so much everywhere, and does not say so."""
    return Denoised((TRUTH + bias_e).astype(np.float32), restored().sd_e)


def audited(bias_e: float, pairs: int = 4, second: np.ndarray = TRUTH) -> Trust:
    rng, gate = np.random.default_rng(8), watch()
    trust = gate(info(0), frame(rng), wrong(frame(rng), bias_e))
    for number in range(1, pairs + 1):
        first, again = frame(rng), frame(rng, second)
        gate(info(number, audit=True), first, wrong(first, bias_e))
        trust = gate(info(number, frame=1, audit=True), again, wrong(again, bias_e))
    return trust


def test_audits_find_the_error_that_no_residual_shows() -> None:
    trust = audited(0.5, pairs=8)
    assert trust.audits == 8
    assert trust.audit_low_e <= 0.5 <= trust.audit_high_e
    assert trust.audit_rmse_e == pytest.approx(0.5, abs=0.25)


def test_an_error_far_beyond_the_expected_one_is_told() -> None:
    assert "audit" in audited(3.0).flags
    assert "audit" not in audited(0.0).flags


def test_a_void_audit_counts_nothing() -> None:
    assert audited(0.0, second=1.1 * TRUTH).audits == 0


def test_an_audit_of_a_field_that_was_never_seen_before_counts_nothing() -> None:
    rng, gate = np.random.default_rng(9), watch()
    for place in (0, 1):
        trust = gate(info(0, frame=place, audit=True), frame(rng), restored())
    assert trust.audits == 0


def test_a_shot_that_lost_its_second_frame_is_no_half_of_the_next() -> None:
    rng, gate = np.random.default_rng(10), watch()
    gate(info(0), frame(rng), restored())
    gate(info(1, audit=True), frame(rng), restored())
    trust = gate(info(2, audit=True), frame(rng), restored())
    assert trust.audits == 0


def test_an_audit_says_why_it_counts_for_nothing() -> None:
    assert "light changed" in audited(0.0, second=1.1 * TRUTH).audit_void
    assert audited(0.0).audit_void == ""


def test_audits_in_much_light_do_not_condemn_the_image_in_little() -> None:
    """An error of 0.1 of the noise is larger in e- in more light, and as good."""
    rng, gate = np.random.default_rng(8), watch()

    def look(number: int, light_e: np.ndarray, **about: object) -> Trust:
        noise_e = np.sqrt(light_e + READ_E**2)
        wrong = light_e + 0.1 * noise_e * rng.standard_normal(light_e.shape)
        answer = Denoised(wrong.astype(np.float32), (0.1 * noise_e).astype(np.float32))
        return gate(info(number, **about), frame(rng, light_e), answer)  # type: ignore[arg-type]

    look(0, 16 * TRUTH)
    for number in range(1, 5):
        look(number, 16 * TRUTH, audit=True)
        bright = look(number, 16 * TRUTH, frame=1, audit=True)
    dim = look(5, TRUTH)
    assert bright.audits == dim.audits == 4
    assert bright.audit_rmse_e / bright.expected_rmse_e == pytest.approx(1.0, abs=0.4)
    assert dim.audit_rmse_e / dim.expected_rmse_e == pytest.approx(1.0, abs=0.4)
    assert "audit" not in dim.flags


# maps and excess noise ----------------------------------------------------------------------------


def camera_with_a_pattern(rng: np.random.Generator) -> PixelMaps:
    """An sCMOS-like camera: offsets, gains, some pixels of much read noise, some that are dead."""
    shape = (SIDE, SIDE)
    read_e = READ_E * rng.lognormal(0.0, 0.3, shape)
    read_e[rng.random(shape) < 0.005] = 8.0
    return PixelMaps(
        100.0 + 4.0 * rng.standard_normal(shape), read_e,
        2.0 * (1.0 + 0.02 * rng.standard_normal(shape)), rng.random(shape) > 0.002,
    )  # fmt: skip


def through(maps: PixelMaps, rng: np.random.Generator, mean_e: np.ndarray = TRUTH) -> np.ndarray:
    assert maps.gain_adu_per_e is not None
    assert maps.is_good is not None
    noisy = rng.poisson(mean_e) + maps.read_noise_e * rng.standard_normal(mean_e.shape)
    adu = noisy * maps.gain_adu_per_e + maps.offset_adu
    adu[~maps.is_good] = 3000.0
    return np.clip(np.rint(adu), 0, 65535).astype(np.uint16)


def test_a_camera_with_a_fixed_pattern_is_judged_right_by_its_maps_and_wrong_without() -> None:
    rng = np.random.default_rng(12)
    maps = camera_with_a_pattern(rng)
    told = seen(watch(maps=maps), ((through(maps, rng), restored()) for _ in range(12)))
    assert [trust.flags for trust in told] == [()] * 12
    assert told[-1].var_z == pytest.approx(1.0, abs=0.03)
    blind = seen(watch(), ((through(maps, rng), restored()) for _ in range(12)))
    assert "noise" in blind[-1].flags


def test_faults_are_told_on_a_camera_with_maps_too() -> None:
    rng = np.random.default_rng(13)
    maps = camera_with_a_pattern(rng)
    planted = ((through(maps, rng), restored(TRUTH + spot())) for _ in range(10))
    assert "invented" in seen(watch(maps=maps), planted)[-1].flags


def test_a_fixed_pattern_counts_as_no_image_in_an_audit() -> None:
    rng = np.random.default_rng(14)
    maps = camera_with_a_pattern(rng)
    gate = watch(maps=maps)
    gate(info(0), through(maps, rng), restored())
    for number in range(1, 9):
        gate(info(number, audit=True), through(maps, rng), wrong(TRUTH, 1.5))
        trust = gate(info(number, frame=1, audit=True), through(maps, rng), wrong(TRUTH, 1.5))
    assert trust.audit_rmse_e == pytest.approx(1.5, abs=0.3)


def test_a_multiplying_camera_is_judged_by_its_own_noise() -> None:
    """An EMCCD: the variance of x electrons is 2 x (Robbins & Hadwen, IEEE TED 50 (2003) 1227)."""
    rng = np.random.default_rng(15)

    def emccd() -> tuple[np.ndarray, Denoised]:
        electrons = rng.gamma(np.maximum(rng.poisson(TRUTH), 1e-9), 1.0)  # variance 2 x
        noisy = electrons + READ_E * rng.standard_normal(TRUTH.shape)
        return np.clip(np.rint(2.0 * noisy + 100.0), 0, 65535).astype(np.uint16), restored()

    double = msgspec.structs.replace(CAMERA, excess_noise_factor=2.0)
    right = TrustWatch((SIDE, SIDE), double, Limits(), 600.0, SCALES)
    assert not any("noise" in trust.flags for trust in seen(right, (emccd() for _ in range(10))))
    assert "noise" in seen(watch(), (emccd() for _ in range(10)))[-1].flags


def test_an_old_record_of_trust_still_reads() -> None:

    old = msgspec.msgpack.encode({"mean_z": 0.1, "is_trusted": True, "why": "x"})
    assert msgspec.msgpack.decode(old, type=Trust).flags == ()
