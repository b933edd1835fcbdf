"""Spots of known place, width and light; and thresholds from false alarms."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from realtime.detecting import expected_false_alarms, threshold_sigma
from realtime.detecting.config import DetectorConfig
from realtime.detecting.false_alarms import lifted, noise_of, rim_unrest
from realtime.detecting.spots import SpotDetector

READ_NOISE_E = 1.6
SIGMA_PX = 2.0


def spots(
    places: NDArray[np.float64], height_e: float, sigma_px: float = SIGMA_PX
) -> NDArray[np.float64]:
    """Paint Gaussian spots on 5 e- of background, (128, 128)."""
    yy, xx = np.mgrid[:128, :128]
    image = np.full((128, 128), 5.0)
    for y, x in places:
        image += height_e * np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / (2 * sigma_px**2))
    return image


def seen(mean: NDArray[np.float64], seed: int = 1) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.poisson(mean) + rng.normal(0, READ_NOISE_E, mean.shape)).astype(np.float32)


def finder(**changes: float) -> SpotDetector:
    return SpotDetector(DetectorConfig(kind="spots", diameter_px=4.7, **changes), READ_NOISE_E)


GRID = np.array([(20.3 + 29 * r, 18.6 + 30 * c) for r in range(4) for c in range(4)])


def test_every_spot_is_found_as_well_as_its_covariance_says() -> None:
    errors, stated = [], []
    for seed in range(8):
        found = finder()(seen(spots(GRID, 25.0), seed))
        order = np.lexsort((found.x_px, np.round(found.y_px / 29)))
        places = np.column_stack((found.y_px, found.x_px))[order]
        assert len(places) == len(GRID)
        errors.append(places - GRID)
        assert found.covariance_px2 is not None
        stated.append(found.covariance_px2[:, [0, 1], [0, 1]])
    assert np.mean(errors) == pytest.approx(0.0, abs=0.03)
    assert np.var(errors) == pytest.approx(np.mean(stated), rel=0.6)


@pytest.mark.parametrize("sigma_px", [SIGMA_PX / 1.5, SIGMA_PX, SIGMA_PX * 1.5])
def test_the_width_of_spots_is_told_and_so_is_their_light(sigma_px: float) -> None:
    found = finder()(seen(spots(GRID, 60.0, sigma_px)))
    width = np.sqrt(found.area_px / np.pi) / np.sqrt(2 * np.log(2))
    assert np.median(width) == pytest.approx(sigma_px, rel=0.05)
    assert np.median(found.photons) == pytest.approx(60 * 2 * np.pi * sigma_px**2, rel=0.15)


@pytest.mark.parametrize("background_e", [0.5, 10.0, 200.0])
def test_noise_passes_for_spots_about_as_often_as_is_stated(background_e: float) -> None:
    find, frames = finder(false_alarms=2.0), 12
    flat = np.full((256, 256), background_e)
    counted = sum(len(find(seen(flat, seed))) for seed in range(frames))
    assert 0.3 * 2 * frames < counted < 1.8 * 2 * frames


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 300)])
def test_any_shape_of_image_is_taken(shape: tuple[int, int]) -> None:
    assert len(finder()(np.ones(shape, np.float32))) == 0


def test_broken_pixels_hide_no_spot() -> None:
    image = seen(spots(GRID, 60.0))
    image[100, 5] = np.nan
    found = finder()(image)
    assert len(found) >= len(GRID)
    assert np.isfinite(found.photons).all()


@given(st.floats(1e-5, 50.0), st.integers(64, 4096), st.floats(1.0, 20.0))
def test_a_threshold_lets_through_what_it_was_made_for(
    wanted: float, side: int, blur_px: float
) -> None:
    threshold = threshold_sigma(wanted, (side, side), blur_px)
    if threshold > 1.0:
        got = expected_false_alarms(threshold, (side, side), blur_px)
        assert got == pytest.approx(wanted, rel=1e-6)


def test_one_pixel_of_noise_is_a_plain_gaussian_tail() -> None:
    assert expected_false_alarms(3.0, (0, 0), 1.0) == pytest.approx(norm.sf(3.0))


def test_maxima_of_a_blurred_noise_are_as_many_as_worsley_says() -> None:
    rng, blur_px, threshold = np.random.default_rng(4), 4.0, 3.0
    count = 0
    for _ in range(20):
        field = gaussian_filter(rng.standard_normal((256, 256)), blur_px, mode="wrap")
        field *= 2 * np.sqrt(np.pi) * blur_px
        rolled = [np.roll(field, s, (0, 1)) for s in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1),
                                                      (1, -1), (-1, 1), (-1, -1))]  # fmt: skip
        count += int(((field > np.max(rolled, axis=0)) & (field > threshold)).sum())
    expected = 20 * expected_false_alarms(threshold, (256, 256), blur_px)
    assert count == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("mean_e", [0.05, 0.5, 20.0])
def test_a_level_is_passed_as_often_in_dim_light_as_in_bright(mean_e: float) -> None:
    """A Gaussian tail of 3 sigma, of blurred photons: lopsided noise is allowed for."""
    rng, blur_px = np.random.default_rng(2), 3.0
    level = lifted(3.0, *noise_of(np.full((1, 1), mean_e, np.float32), 0.0, blur_px), blur_px)
    drawn = rng.poisson(mean_e, (1500, 1500)) - mean_e
    field = gaussian_filter(drawn.astype(float), blur_px, mode="wrap")
    assert np.mean(field > level[0, 0]) == pytest.approx(norm.sf(3.0), rel=0.25)


def test_the_rim_of_a_mirrored_image_is_as_noisy_as_is_said() -> None:
    rng, blur_px = np.random.default_rng(3), 3.0
    field = gaussian_filter(rng.standard_normal((3000, 64)), (0, blur_px), mode="mirror")
    sd = field.std(axis=0)
    told = rim_unrest(64, blur_px)
    np.testing.assert_allclose(sd[:20] / sd[20:44].mean(), told[:20], rtol=0.07)


def test_a_camera_full_of_hot_pixels_takes_little_memory() -> None:
    rng = np.random.default_rng(0)
    hot = rng.random((1024, 1024)) < 0.02
    image = np.where(hot, 1e3, rng.poisson(5.0, hot.shape)).astype(np.float32)
    find = SpotDetector(DetectorConfig(kind="spots", diameter_px=3), READ_NOISE_E)
    tracemalloc.start()
    found = find(image)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) > 10_000
    assert most < 22 * image.nbytes  # 31 times with the windows of all at once
