"""A plane without noise needs no denoiser; how noisy it is, it says itself."""

from __future__ import annotations

import numpy as np
import pytest

from models import noise
from models.axial_base import NOISY, Shown, noise_variance, trust_raw
from models.train.noisy import smoothed
from models.train.scenes import make_scene

SIZE = 128


def light(peak_e: float, floor_e: float = 0.0) -> np.ndarray:
    scene = np.maximum(make_scene(np.random.default_rng(11), SIZE), 0.0).astype(np.float64)
    return floor_e + peak_e * scene


def root(electrons: np.ndarray, read_noise_e: float = 0.0) -> np.ndarray:
    return noise.forward(electrons, 1.0, 0.0, read_noise_e).astype(np.float32)


def seen(raw: np.ndarray) -> Shown:
    return Shown(raw, smoothed(raw))


@pytest.mark.parametrize("read_noise_e", [0.0, 1.5])
@pytest.mark.parametrize("peak_e", [5.0, 20.0, 300.0])
def test_noise_of_a_frame_is_about_one_and_the_frame_is_not_trusted(peak_e, read_noise_e) -> None:
    rng = np.random.default_rng(1)
    electrons = rng.poisson(light(peak_e, 2.0)) + rng.normal(0, read_noise_e, (SIZE, SIZE))
    shown = seen(root(electrons, read_noise_e))
    before = shown.restored.copy()
    assert 0.6 < noise_variance(shown.raw) < 1.4
    assert trust_raw(shown) == 0.0
    np.testing.assert_array_equal(shown.restored, before)


def test_a_plane_without_noise_is_kept_as_it_is() -> None:
    shown = seen(root(light(200.0, 2.0)))
    blurred = float(np.abs(shown.restored - shown.raw).max())
    assert noise_variance(shown.raw) < 0.01
    assert trust_raw(shown) > 0.9
    assert float(np.abs(shown.restored - shown.raw).max()) < 0.1 * blurred


@pytest.mark.parametrize("level_e", [0.0, 0.02, 0.3])
def test_darkness_says_nothing_of_noise(level_e) -> None:
    """Where hardly a photon comes, pixels are alike, and that is no proof of their truth."""
    counts = np.random.default_rng(2).poisson(level_e, (SIZE, SIZE)).astype(np.float64)
    shown = seen(root(counts))
    assert noise_variance(shown.raw) == 1.0
    assert trust_raw(shown) == 0.0


@pytest.mark.parametrize("frames", [2, 8, 64])
def test_means_of_frames_are_trusted_where_that_is_nearer_to_the_truth(frames) -> None:
    truth = light(100.0, 2.0)
    mean = np.random.default_rng(3).poisson(frames * truth) / frames
    shown = seen(root(mean))
    before = float(np.mean((shown.restored - root(truth)) ** 2))
    assert noise_variance(shown.raw) == pytest.approx(1 / frames, rel=0.35)
    share = trust_raw(shown)
    assert (share > 0) == (frames > 1 / NOISY)
    assert float(np.mean((shown.restored - root(truth)) ** 2)) <= before
