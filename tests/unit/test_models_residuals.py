"""The residual test: which fault shows in which number."""

from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy import ndimage

from models.regions import shrunk
from models.residual_sums import pooled
from models.residual_test import ResidualTest
from models.residual_tiles import tile_reasons, tiles
from models.residuals import Limits, Residuals, judge, verdict

GAIN, OFFSET, READ_E = 2.2, 100.0, 1.4
CAMERA = (GAIN, OFFSET, READ_E)


def scene(size: int = 512) -> np.ndarray:
    """Smooth nuclei of 20 e- on 2 e-."""
    rng = np.random.default_rng(11)
    image = np.zeros((size, size))
    for y, x in rng.integers(0, size, (size * size // 6000, 2)):
        cv2.circle(image, (int(x), int(y)), 14, 1.0, -1)
    return 2.0 + 18.0 * ndimage.gaussian_filter(image, 2.0)


def shot(photons: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(photons) + READ_E * rng.standard_normal(photons.shape)
    return np.clip(np.round(OFFSET + GAIN * electrons), 0, 65535).astype(np.uint16)


TRUTH = scene()
RAW = shot(TRUTH)


def judged(estimate: np.ndarray, raw: np.ndarray = RAW, **camera: float) -> Residuals:
    return judge(raw, estimate.astype(np.float32), *CAMERA, **camera)


def planted(spots: int = 20, peak_e: float = 7.0) -> np.ndarray:
    image = np.zeros_like(TRUTH)
    where = np.random.default_rng(5).integers(20, TRUTH.shape[0] - 20, (spots, 2))
    image[where[:, 0], where[:, 1]] = 1.0
    spot = ndimage.gaussian_filter(image, 1.5)
    return TRUTH + spot * peak_e * 2 * np.pi * 1.5**2


def test_the_truth_is_trusted() -> None:
    left = judged(TRUTH)
    assert verdict(left) == (True, "residuals look like camera noise")
    assert left.mean_z == pytest.approx(0.0, abs=0.01)
    assert left.var_z == pytest.approx(1.0, abs=0.03)
    assert left.corr1 == pytest.approx(0.0, abs=0.01)
    assert left.frac_bad < 0.002


@pytest.mark.parametrize("seed", range(8))
def test_the_truth_is_trusted_in_every_frame(seed) -> None:
    assert verdict(judged(TRUTH, shot(TRUTH, 100 + seed)))[0]


NOISY_E = (RAW.astype(float) - OFFSET) / GAIN
FAULTS = {
    "the raw frame itself": (NOISY_E, "copies noise"),
    "a weak filter that keeps noise": (ndimage.gaussian_filter(NOISY_E, 0.7), "copies noise"),
    "a strong filter that loses edges": (ndimage.gaussian_filter(TRUTH, 8.0), "."),
    "a shift of one photon": (TRUTH + 1.0, "biased"),
    "ten per cent too bright": (TRUTH * 1.1, "biased"),
    "twenty planted spots": (planted(), "did not see"),
    "not a number": (TRUTH * np.nan, "not numbers"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_estimate_is_refused_with_its_reason(fault) -> None:
    estimate, reason = FAULTS[fault]
    is_trusted, why = verdict(judged(estimate))
    assert not is_trusted
    assert reason in why


def test_a_wrong_gain_shows_in_the_variance() -> None:
    too_low = judge(RAW, (2 * TRUTH).astype(np.float32), GAIN / 2, OFFSET, READ_E)
    assert too_low.var_z > 1.5
    assert not verdict(too_low)[0]


def test_lost_structure_shows_in_the_missed_share() -> None:
    bright = planted(peak_e=15.0)
    left = judged(TRUTH, shot(bright))
    assert left.missed_share > 3 * judged(bright, shot(bright)).missed_share


def test_the_matched_filter_equals_a_plain_convolution() -> None:
    z = (RAW.astype(float) - OFFSET) / GAIN - TRUTH
    z /= np.sqrt(np.maximum(TRUTH + READ_E**2, 0.05))
    axis = np.arange(-6, 7)
    kernel = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    kernel /= np.sqrt((kernel**2).sum())
    t = ndimage.convolve(z, kernel, mode="mirror")[6:-6, 6:-6]
    left = judged(TRUTH)
    assert left.invented == pytest.approx(-t.min(), rel=1e-3)
    assert left.missed_share == pytest.approx((t > 4).mean(), rel=0.05)


def test_the_numbers_equal_their_plain_definitions() -> None:
    z = (RAW.astype(float) - OFFSET) / GAIN - TRUTH
    z /= np.sqrt(TRUTH + READ_E**2)
    left = judged(TRUTH)
    pairs = 0.5 * ((z[:, 1:] * z[:, :-1]).sum() + (z[1:] * z[:-1]).sum()) / (z**2).sum()
    blocks = 16 * z.reshape(32, 16, 32, 16).mean(axis=(1, 3))
    assert left.mean_z == pytest.approx(z.mean(), abs=1e-4)
    assert left.var_z == pytest.approx((z**2).mean(), rel=1e-4)
    assert left.corr1 == pytest.approx(pairs, abs=1e-4)
    assert left.frac_bad == pytest.approx((np.abs(blocks) > 4).mean(), abs=1e-9)


@pytest.mark.parametrize("shape", [(512, 512), (100, 77), (64, 48), (33, 130)])
def test_strips_give_what_the_whole_frame_gives(shape) -> None:
    """The last strip is cut; what does not fill a block of 4 px is dropped, as `shrunk` does."""
    rng = np.random.default_rng(8)
    truth = rng.gamma(2.0, 3.0, shape)
    adu, sd = shot(truth), rng.random(shape).astype(np.float32)
    photons = truth.astype(np.float32)
    test = ResidualTest(shape, *CAMERA)
    left = test(adu, photons, sd)
    z = ((adu / GAIN - OFFSET / GAIN - truth) / np.sqrt(truth + READ_E**2)).astype(np.float32)
    assert test.z == pytest.approx(z, abs=1e-4)
    assert test.regions.photons == pytest.approx(shrunk(photons), rel=1e-5)
    assert test.variance_e2 == pytest.approx(shrunk(sd * sd), rel=1e-5)
    assert test.brightest_e == pytest.approx(photons.max())
    assert left.dark_mean_z == pytest.approx(test.regions.mean(shrunk(z), cells=False), abs=1e-4)


@pytest.mark.parametrize("highest", [True, False])
def test_the_strongest_answer_of_each_block_is_that_of_a_plain_search(highest) -> None:
    image = np.random.default_rng(3).standard_normal((41, 50)).astype(np.float32)
    grid = image[:40, :48].reshape(10, 4, 12, 4)
    wanted = grid.max(axis=(1, 3)) if highest else grid.min(axis=(1, 3))
    assert (pooled(image, highest=highest) == wanted).all()


UNSURE_NETWORK = {  # of the noise's power: v stated, S of it kept as noise
    "all kept": (0.2, 0.2, True),
    "half kept": (0.2, 0.1, True),
    "a quarter kept": (0.2, 0.05, True),
    "nothing stated, much kept": (0.0, 0.2, False),
    "less kept than nothing": (0.2, -0.3, False),
}


@pytest.mark.parametrize("name", UNSURE_NETWORK)
def test_residuals_may_lie_between_all_doubt_kept_and_half_of_it_lost(name) -> None:
    stated, kept, is_good = UNSURE_NETWORK[name]
    power = stated - 2.0 * kept
    left = replace(judged(TRUTH), var_z=1.0 + power, corr1=0.9 * power, kept=stated)
    assert verdict(left)[0] == is_good


def test_what_is_added_where_the_estimate_doubts_is_no_surprise() -> None:
    wrong = planted()
    sure = np.full_like(TRUTH, 0.2).astype(np.float32)
    doubts = (0.2 + np.abs(wrong - TRUTH)).astype(np.float32)
    told = [judge(RAW, wrong.astype(np.float32), *CAMERA, sd_e=sd) for sd in (sure, doubts)]
    assert [verdict(left)[0] for left in told] == [False, True]
    assert told[0].invented > told[1].invented >= 5.0


def test_clipped_pixels_are_left_out() -> None:
    raw = RAW.copy()
    raw[100:110, 100:110] = 65535
    raw[300:310, 300:310] = 0
    left = judged(TRUTH, raw)
    assert left.clipped_share == pytest.approx(200 / raw.size)
    assert verdict(left)[0]


def test_a_frame_full_of_clipped_pixels_asks_for_less_light() -> None:
    raw = RAW.copy()
    raw[:100] = 4000
    is_trusted, why = verdict(judged(TRUTH, raw, saturation_adu=4000.0))
    assert not is_trusted
    assert "lower the light" in why


def test_a_photon_counter_may_really_count_zero() -> None:
    photons = np.full((256, 256), 0.5)
    counts = np.random.default_rng(1).poisson(photons).astype(np.uint16)
    left = judge(counts, photons.astype(np.float32), 1.0, 0.0, 0.0)
    assert left.clipped_share == 0.0
    assert left.var_z == pytest.approx(1.0, abs=0.05)


def test_larger_frames_are_allowed_a_higher_chance_maximum() -> None:
    just_above = replace(judged(TRUTH), invented=5.7)
    assert not verdict(just_above)[0]
    assert verdict(replace(just_above, pixels=2048.0**2))[0]


def test_the_limits_of_a_package_are_used() -> None:
    assert not verdict(judged(TRUTH), Limits(var_z_min=1.2))[0]


@pytest.mark.bench
def test_judging_a_512_frame_takes_less_than_5_ms() -> None:
    estimate, best = TRUTH.astype(np.float32), float("inf")
    for _ in range(20):
        start = time.perf_counter()
        judge(RAW, estimate, *CAMERA)
        best = min(best, time.perf_counter() - start)
    assert best < 5e-3


def one_tile(change: np.ndarray) -> np.ndarray:
    """Keep a change of an image in the second tile of the third row only."""
    only = np.zeros_like(change)
    only[256:384, 128:256] = change[256:384, 128:256]
    return only


IN_ONE_TILE = {
    "a bias": (TRUTH + one_tile(np.sqrt(TRUTH) * 0.2), "biased"),
    "copied noise": (TRUTH + one_tile(0.7 * (NOISY_E - TRUTH)), "copied-noise"),
    "lost structure": (TRUTH - one_tile(3.0 * np.sin(np.mgrid[:512, :512][1] / 2.0)), "erased"),
    "nothing": (TRUTH, ""),
}


@pytest.mark.parametrize("name", IN_ONE_TILE)
def test_what_is_wrong_in_one_tile_is_told_with_its_place(name) -> None:
    estimate, code = IN_ONE_TILE[name]
    test = ResidualTest(TRUTH.shape, *CAMERA)
    test(RAW, estimate.astype(np.float32))
    told = tile_reasons(tiles(test), Limits(), TRUTH.shape)
    assert [reason.code for reason in told if reason.code == code] == [code] * bool(code)
    assert bool(told) == bool(code)
    assert all("middle centre" in reason.why for reason in told)


def test_the_numbers_of_a_tile_equal_their_plain_definitions() -> None:
    test = ResidualTest(TRUTH.shape, *CAMERA)
    test(RAW, TRUTH.astype(np.float32))
    z = test.z.astype(float)
    seen = tiles(test)
    part = z[128:256, 384:512]
    pairs = 0.5 * (z[128:256, 384:511] * z[128:256, 385:512]).sum()
    pairs += 0.5 * (z[128:255, 384:512] * z[129:256, 384:512]).sum()
    assert seen.mean_z[1, 3] == pytest.approx(part.mean(), abs=1e-4)
    assert seen.var_z[1, 3] == pytest.approx((part**2).mean(), rel=1e-3)
    assert seen.corr1[1, 3] == pytest.approx(pairs / (part**2).sum(), abs=5e-3)
