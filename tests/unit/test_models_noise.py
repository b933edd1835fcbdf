"""Variance stabilisation against samples of the camera model, and blind noise estimates."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import noise
from models.train import noisy, real
from models.train.scenes import make_scene

CAMERAS = [(1.0, 0.0, 1.0), (2.2, 100.0, 1.4), (0.46, 99.5, 1.6), (13.4, -40.0, 1.0)]


def sample(photons: float, gain: float, offset: float, read_e: float, n: int = 60_000):
    rng = np.random.default_rng(7)
    electrons = rng.poisson(photons, n) + read_e * rng.standard_normal(n)
    return offset + gain * electrons


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("photons", [4.0, 10.0, 50.0, 1000.0])
def test_noise_is_one_at_any_exposure_and_with_any_camera(camera, photons) -> None:
    stabilised = noise.forward(sample(photons, *camera), *camera)
    assert stabilised.std() == pytest.approx(1.0, abs=0.035)


@pytest.mark.parametrize("photons", [0.5, 1.0, 2.0])
def test_noise_is_nearly_one_in_the_faintest_light(photons) -> None:
    camera = (2.0, 100.0, 1.3)
    assert 1.0 < noise.forward(sample(photons, *camera), *camera).std() < 1.09


def test_a_pure_photon_counter_is_not_stabilised_below_one_photon() -> None:
    assert noise.forward(sample(0.5, 1.0, 0.0, 0.0), 1.0, 0.0, 0.0).std() < 0.75


@pytest.mark.parametrize("photons", [4.0, 10.0, 100.0])
def test_the_unbiased_inverse_reads_the_mean_of_noisy_values(photons) -> None:
    camera = (2.2, 100.0, 1.4)
    mean = noise.forward(sample(photons, *camera, n=400_000), *camera).mean()
    assert noise.inverse_unbiased(mean, 1.4) == pytest.approx(photons, abs=0.06)


@pytest.mark.parametrize("photons", [4.0, 10.0, 100.0])
def test_the_algebraic_inverse_reads_noisy_means_a_quarter_photon_low(photons) -> None:
    camera = (2.2, 100.0, 1.4)
    mean = noise.forward(sample(photons, *camera, n=400_000), *camera).mean()
    assert 0.18 < photons - float(noise.inverse_algebraic(mean, 1.4)) < 0.33


@given(
    electrons=st.floats(0, 1e5),
    gain=st.floats(0.05, 50),
    offset=st.floats(-500, 500),
    read_e=st.floats(0, 20),
)
def test_the_algebraic_inverse_undoes_the_transform(electrons, gain, offset, read_e) -> None:
    adu = noise.to_adu(electrons, gain, offset)
    back = noise.inverse_algebraic(noise.forward(adu, gain, offset, read_e), read_e)
    assert float(back) == pytest.approx(electrons, rel=1e-6, abs=1e-6)


@given(
    gain=st.floats(0.1, 20),
    offset=st.floats(-200, 500),
    read_e=st.floats(0, 5),
    seed=st.integers(0, 999),
)
def test_the_fast_path_equals_the_reference(gain, offset, read_e, seed) -> None:
    adu = np.random.default_rng(seed).integers(0, 65536, (9, 11), np.uint16)
    out = np.empty(adu.shape, np.float32)
    fast = noise.forward_into(adu, gain, offset, read_e, out)
    # float32 keeps 24 bits; the shift cancels up to offset / gain of them near zero light.
    slack = 4e-7 * (abs(offset) + 65535) / gain
    square = noise.forward(adu, gain, offset, read_e) ** 2
    assert fast is out
    np.testing.assert_allclose(fast.astype(float) ** 2, square, rtol=4e-7, atol=4 * slack)


def test_a_map_of_pixels_gives_what_each_pixel_gives_alone() -> None:
    gain = np.array([[1.0, 2.0]])
    together = noise.forward([[150.0, 150.0]], gain, 100.0, 1.5)
    alone = [float(noise.forward(150.0, g, 100.0, 1.5)) for g in (1.0, 2.0)]
    assert together.tolist() == [alone]


def ramp_image(gain: float, offset: float, read_e: float, top_e: float = 200.0):
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:256, :256]
    photons = top_e * (0.02 + 0.5 * (1 + np.sin(x / 25.0) * np.sin(y / 31.0)) ** 2 / 2)
    electrons = rng.poisson(photons) + read_e * rng.standard_normal(photons.shape)
    return np.clip(np.round(offset + gain * electrons), 0, 65535).astype(np.uint16)


@pytest.mark.parametrize("camera", [(2.2, 100.0, 1.4), (0.5, 100.0, 1.5), (12.0, 0.0, 0.5)])
def test_a_blind_estimate_finds_the_gain_within_a_tenth(camera) -> None:
    guess = noise.estimate(ramp_image(*camera))
    assert guess.is_reliable
    assert guess.gain_adu_per_e == pytest.approx(camera[0], rel=0.1)


def test_an_offset_shows_as_a_negative_intercept() -> None:
    guess = noise.estimate(ramp_image(2.2, 100.0, 1.4))
    assert guess.intercept_adu2 == pytest.approx((2.2 * 1.4) ** 2 - 2.2 * 100.0, rel=0.15)
    assert guess.offset_adu == pytest.approx(100.0, abs=15.0)


def test_clipped_pixels_do_not_pull_the_estimate() -> None:
    image = ramp_image(2.2, 100.0, 1.4)
    image[40:90, 40:90] = 65535
    image[150:190, 100:200] = 0
    assert noise.estimate(image).gain_adu_per_e == pytest.approx(2.2, rel=0.1)


def test_a_flat_image_is_called_unreliable() -> None:
    assert not noise.estimate(np.full((128, 128), 100, np.uint16)).is_reliable


def test_too_few_pixels_are_refused_with_advice() -> None:
    with pytest.raises(ValueError, match="give a larger image"):
        noise.estimate(np.full((32, 32), 100, np.uint16))


# -- what training is made of ----------------------------------------------------------------------


@pytest.mark.parametrize("gain", [None, 0.4])
def test_a_simulated_exposure_has_the_mean_and_variance_of_the_camera_equation(gain) -> None:
    rng = np.random.default_rng(0)
    shot = noisy.expose(rng, np.full((300, 300), 6.0), 1.5, gain)
    assert shot.electrons.mean() == pytest.approx(6.0, abs=0.05)
    assert shot.electrons.var() == pytest.approx(6.0 + shot.read_noise_e**2, rel=0.03)
    assert (shot.read_noise_e > 1.5) == (gain is not None)


def test_specimens_lie_between_zero_and_about_one() -> None:
    rng = np.random.default_rng(0)
    for scene in (make_scene(rng, 96) for _ in range(20)):
        assert scene.dtype == np.float32
        assert scene.min() >= 0
        assert np.quantile(scene, 0.99) <= 1.0 + 1e-6


def test_real_images_whose_licence_forbids_it_do_not_train(tmp_path) -> None:
    first = real.SETS[0]
    with h5py.File(tmp_path / first.file, "w") as file:
        file.attrs["train_shipped_weights"] = "no"
    with pytest.raises(ValueError, match="may not train shipped weights"):
        real.load_real(tmp_path)
