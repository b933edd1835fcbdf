"""Where light is faint: exact tables, the exact likelihood, blind guesses, and unbiased photons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from models import noise
from models.denoise import Denoiser
from models.likelihood import log_likelihood
from models.noise_table import inverse_exact, moments, valid_from_e
from models.package import Package, shipped

GAIN, OFFSET = 2.2, 100.0


def sample(photons: float, read_e: float, n: int = 400_000) -> np.ndarray:
    rng = np.random.default_rng(11)
    return rng.poisson(photons, n) + read_e * rng.standard_normal(n)


@pytest.mark.parametrize("read_e", [0.3, 1.0, 1.6, 4.0])
@pytest.mark.parametrize("photons", [0.0, 0.5, 2.0, 30.0])
def test_the_table_says_what_samples_say(photons, read_e) -> None:
    stabilised = noise.forward(sample(photons, read_e), 1.0, 0.0, read_e)
    mean, sd = moments(photons, read_e)
    assert mean == pytest.approx(stabilised.mean(), abs=0.01)
    assert sd == pytest.approx(stabilised.std(), abs=0.01)


@pytest.mark.parametrize(
    ("read_e", "from_e"), [(0.0, 1.8), (0.5, 0.9), (1.0, 0.0), (1.3, 2.4), (1.6, 2.5), (3.0, 0.0)]
)
def test_stabilised_noise_is_one_from_so_much_light_on(read_e, from_e) -> None:
    found = valid_from_e(read_e)
    assert found == pytest.approx(from_e, abs=0.15)
    for photons in found + np.array([0.01, 0.5, 3.0, 50.0]):
        assert moments(photons, read_e)[1] == pytest.approx(1.0, abs=0.051)
    if found > 0:
        assert moments(found - 0.1, read_e)[1] != pytest.approx(1.0, abs=0.048)


@pytest.mark.parametrize("read_e", [0.3, 1.0, 1.6])
@pytest.mark.parametrize("photons", [0.05, 0.5, 2.0, 20.0, 59.0, 61.0, 500.0])
def test_the_exact_inverse_returns_the_mean_in_any_light(photons, read_e) -> None:
    mean, _ = moments(photons, read_e)
    exact = float(inverse_exact(np.array(mean), read_e))
    assert exact == pytest.approx(photons, abs=2e-3, rel=1e-3)


def test_the_closed_inverse_fails_where_the_exact_one_holds() -> None:
    mean, _ = moments(0.2, 0.3)
    assert abs(float(noise.inverse_unbiased(mean, 0.3)) - 0.2) > 0.03
    assert float(inverse_exact(np.array(mean), 0.3)) == pytest.approx(0.2, abs=2e-3)


@given(photons=st.floats(0, 200), read_e=st.floats(0.3, 6), seed=st.integers(0, 99))
def test_the_likelihood_is_that_of_a_sum_by_hand(photons, read_e, seed) -> None:
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(photons, 5) + read_e * rng.standard_normal(5)
    counts = np.arange(0, 600)
    by_hand = [
        np.sum(stats.poisson.pmf(counts, photons) * stats.norm.pdf(e - counts, scale=read_e))
        for e in electrons
    ]
    found = log_likelihood(OFFSET + GAIN * electrons, photons, GAIN, OFFSET, read_e)
    np.testing.assert_allclose(found, np.log(by_hand), rtol=1e-6, atol=1e-8)


def test_the_likelihood_is_a_density() -> None:
    def density(electrons: float) -> float:
        return float(np.exp(log_likelihood(np.array([electrons]), 2.0, 1.0, 0.0, 1.4))[0])

    assert integrate.quad(density, -9, 30)[0] == pytest.approx(1.0, abs=1e-6)


def test_the_true_light_is_the_most_likely_one() -> None:
    electrons, levels = sample(3.0, 1.4, 20_000), np.linspace(2.0, 4.0, 21)
    total = [log_likelihood(electrons, level, 1.0, 0.0, 1.4).sum() for level in levels]
    assert levels[int(np.argmax(total))] == pytest.approx(3.0, abs=0.11)


def test_maps_of_pixels_and_dark_ones_have_a_likelihood() -> None:
    adu = np.array([[100.0, 101.0], [99.0, 400.0]])
    read = np.array([[1.0, 2.0], [0.0, 6.0]])
    together = log_likelihood(adu, np.zeros((2, 2)), GAIN, OFFSET, read)
    for at in np.ndindex(2, 2):
        alone = log_likelihood(adu[at], 0.0, GAIN, OFFSET, read[at])
        assert together[at] == pytest.approx(float(alone))
    with pytest.raises(ValueError, match="photons must be >= 0, got -1"):
        log_likelihood(adu, -1.0, GAIN, OFFSET, 1.0)


def blind_scene(gain: float, offset: float, read_e: float, top_adu: int = 65535) -> np.ndarray:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:256, :256]
    photons = 60 * (0.02 + (1 + np.sin(x / 25.0) * np.sin(y / 31.0)) ** 2 / 4)
    electrons = rng.poisson(photons) + read_e * rng.standard_normal(photons.shape)
    return np.clip(np.round(offset + gain * electrons), 0, top_adu).astype(np.uint16)


@pytest.mark.parametrize("camera", [(2.2, 100.0, 1.4), (3.0, 0.0, 2.0), (2.0, 40.0, 0.5)])
def test_a_blind_guess_stabilises_though_it_knows_no_zero_of_light(camera) -> None:
    gain, offset, read_e = camera
    guess = noise.estimate(blind_scene(*camera))
    assert (guess.source, guess.unit) == ("blind", "relative photo-electrons")
    g, o, r = guess.camera
    assert (g * r) ** 2 - g * o == pytest.approx(guess.intercept_adu2, abs=1e-3)
    assert (guess.intercept_adu2 < 0) == ((gain * read_e) ** 2 < gain * offset)
    for photons in (10.0, 40.0):
        adu = offset + gain * sample(photons, read_e, 50_000)
        assert noise.forward(adu, *guess.camera).std() == pytest.approx(1.0, abs=0.06)


def test_a_blind_guess_of_8_bits_leaves_out_what_is_zero_or_full() -> None:
    image = blind_scene(4.5, -20.0, 1.0, top_adu=255).astype(np.uint8)
    assert (image == 0).mean() > 0.005
    assert (image == 255).mean() > 0.001
    assert noise.estimate(image).gain_adu_per_e == pytest.approx(4.5, rel=0.1)


READ_E = 1.4
SIZE = 256


@pytest.fixture(scope="module")
def denoiser() -> Iterator[Denoiser]:
    package = Package.load(shipped("denoise-2d"))
    opened = Denoiser(package, (SIZE, SIZE), GAIN, OFFSET, READ_E, "openvino", "f32")
    yield opened
    opened.close()


def photons_of(denoiser: Denoiser, truth: np.ndarray | float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (SIZE, SIZE)
    electrons = rng.poisson(truth, shape) + READ_E * rng.standard_normal(shape)
    adu = np.clip(np.round(OFFSET + GAIN * electrons), 0, 65535).astype(np.uint16)
    return denoiser(adu).photons.copy()


@pytest.mark.parametrize("photons", [0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0])
def test_photons_are_right_within_two_per_cent_from_half_a_photon_to_a_hundred(
    denoiser, photons
) -> None:
    shots = [photons_of(denoiser, photons, seed) for seed in range(4)]
    by_chance = np.sqrt((photons + READ_E**2) / (4 * SIZE**2)) / photons
    assert np.mean(shots) / photons == pytest.approx(1.0, abs=0.02 + 2 * by_chance)


def test_what_is_read_as_so_much_light_is_so_much_in_a_scene_of_slow_hills(denoiser) -> None:
    """Bins of the estimate; below 2 e-, where hills drown in read noise, a tenth of an e- holds."""
    y, x = np.mgrid[:SIZE, :SIZE]
    truth = 0.3 * 500.0 ** ((2 + np.sin(x / 37.0) + np.cos(y / 29.0)) / 4)
    found = np.stack([photons_of(denoiser, truth, seed) for seed in range(6)])
    there = np.broadcast_to(truth, found.shape)
    for low, high in itertools.pairwise(np.geomspace(0.5, 100.0, 9)):
        inside = (found >= low) & (found < high)
        wrong = found[inside].mean() - there[inside].mean()
        assert abs(wrong) < max(0.02 * there[inside].mean(), 0.1 if low < 1.9 else 0.0), low
