from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.sensor.photon_noise import poisson_numbers
from acquire.simulated.sensor.sensor import Sensor

N = 400_000


def words(seed: int, n: int = N) -> NDArray[np.uint32]:
    return np.random.default_rng(seed).integers(0, 2**32, n, dtype=np.uint32)


def photons(mean: float, n: int = N) -> NDArray[np.float32]:
    return poisson_numbers(np.full(n, mean, np.float32), words(7, n))


@pytest.mark.parametrize("mean", [0.03, 0.4, 1.0, 2.03, 7.7, 15.97, 16.03, 25.0, 130.0, 5000.0])
def test_photon_numbers_have_the_mean_and_variance_of_poisson(mean: float) -> None:
    numbers = photons(mean).astype(np.float64)
    # Four standard errors of a Poisson sample, and the stated bias of 1e-3.
    assert numbers.mean() == pytest.approx(mean, rel=1e-3, abs=4 * np.sqrt(mean / N))
    spread = mean * np.sqrt((2 + 1 / mean) / N)
    assert numbers.var() == pytest.approx(mean, rel=2e-3, abs=4 * spread + 1 / 12 * (mean > 16))


@pytest.mark.parametrize("mean", [0.5, 3.0, 16.0])
def test_few_photons_follow_poissons_law_in_every_number(mean: float) -> None:
    ks = np.arange(64)
    expected = stats.poisson.pmf(ks, mean) * N
    found = np.bincount(photons(mean).astype(int), minlength=64)
    often = expected > 10
    chi2 = np.sum((found[often] - expected[often]) ** 2 / expected[often])
    assert chi2 < stats.chi2.ppf(0.999, often.sum())


@pytest.mark.parametrize("mean", [17.0, 60.0])
def test_many_photons_follow_poissons_law_within_a_hundredth(mean: float) -> None:
    ks = np.arange(int(mean + 12 * np.sqrt(mean)))
    found = np.cumsum(np.bincount(photons(mean).astype(int), minlength=ks.size))[: ks.size] / N
    assert np.abs(found - stats.poisson.cdf(ks, mean)).max() < 0.01


def test_dim_and_bright_pixels_of_one_image_do_not_disturb_each_other() -> None:
    mean = np.tile(np.array([2.0, 200.0], np.float32), N // 2)
    bits = words(3)
    mixed = poisson_numbers(mean, bits)
    assert np.array_equal(mixed[0::2], poisson_numbers(mean[0::2], bits[0::2]))
    assert np.array_equal(mixed[1::2], poisson_numbers(mean[1::2], bits[1::2]))


def counts(mean_e: float, frame: int = 0, **config: float) -> NDArray[np.uint16]:
    sensor = Sensor(SimulatedScopeConfig.model_validate(config))
    out = np.empty((300, 201), np.uint16)
    return sensor.read_out(np.full(out.shape, mean_e, np.float32), frame, out)


@pytest.mark.parametrize("mean_e", [0.5, 8.0, 90.0])
def test_counts_obey_the_photon_transfer_curve(mean_e: float) -> None:
    image = counts(mean_e, gain_adu_per_e=2.0, offset_adu=100.0, read_noise_e=1.6).astype(float)
    assert image.mean() == pytest.approx(100.0 + 2.0 * mean_e, abs=0.06)
    expected = 4.0 * (mean_e + 1.6**2) + 1 / 12
    assert image.var() == pytest.approx(expected, rel=0.03)


def test_a_frame_is_the_same_whenever_it_is_taken_and_unlike_every_other() -> None:
    assert np.array_equal(counts(5.0, frame=3), counts(5.0, frame=3))
    other = counts(5.0, frame=4).astype(float)
    this = counts(5.0, frame=3).astype(float)
    assert abs(np.corrcoef(this.ravel(), other.ravel())[0, 1]) < 0.02
    assert not np.array_equal(counts(5.0, frame=3, seed=2), counts(5.0, frame=3))


def test_noise_is_white_across_neighbours() -> None:
    image = counts(5.0).astype(float)
    image -= image.mean()
    for shifted in (image[:, 1:] * image[:, :-1], image[1:] * image[:-1]):
        assert abs(shifted.mean()) < 4 * image.var() / np.sqrt(image.size)


def test_a_pixel_saturates_and_never_wraps() -> None:
    assert counts(1e6).min() == 65535
    assert counts(0.0, offset_adu=0.0, read_noise_e=50.0).min() == 0
    assert counts(0.0, offset_adu=0.0, read_noise_e=50.0).max() < 1000
