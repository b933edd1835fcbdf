"""Images are evened out until what they leave of their measurement looks like noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models import noise
from models.evenness import ALLOWED, MOST, Evener
from models.residuals import judge
from models.superres import rebin

READ_E, SIDE = 1.4, 256
PEDESTAL = 0.375 + READ_E**2


def measured(level_e: float = 40.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a specimen's light and its frame, photo-electrons."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    light = level_e * (1.2 + np.sin(x / 17.0) * np.cos(y / 23.0))
    return light, rng.poisson(light) + READ_E * rng.standard_normal(light.shape)


def following(light: np.ndarray, frame: np.ndarray, share: float) -> np.ndarray:
    """Return fine pixels of an estimate that follows the noise of a pixel and its neighbours."""
    noise_e = frame - light
    beside = cv2.filter2D(noise_e, -1, np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0.0]]))
    estimate = light + share * (noise_e + beside)
    return np.kron(estimate / 4, np.ones((2, 2))).astype(np.float32)


def even(frame: np.ndarray, fine: np.ndarray) -> tuple[float, np.ndarray]:
    out = fine.copy()
    stabilised = noise.forward(frame, 1.0, 0.0, READ_E).astype(np.float32)
    return Evener(frame.shape, PEDESTAL, 2)(stabilised, out), out


def corr1(frame: np.ndarray, fine: np.ndarray) -> float:
    adu = np.round(20 * frame + 200).astype(np.uint16)
    return judge(adu, rebin(fine), 20.0, 200.0, READ_E).corr1


@pytest.mark.parametrize("share", [0.04, 0.06])
def test_what_an_image_that_follows_noise_leaves_is_brought_near_to_noise(share) -> None:
    light, frame = measured()
    fine = following(light, frame, share)
    assert corr1(frame, fine) < -0.03
    taken, out = even(frame, fine)
    assert 0 < taken <= MOST
    assert abs(corr1(frame, out)) < ALLOWED + 0.01  # one step, and the trust's bar is 0.03


def test_the_truth_is_left_alone_to_the_last_bit() -> None:
    light, frame = measured()
    fine = np.kron(light / 4, np.ones((2, 2))).astype(np.float32)
    taken, out = even(frame, fine)
    assert taken == 0.0
    np.testing.assert_array_equal(out, fine)


def test_light_is_kept_and_none_is_below_zero() -> None:
    light, frame = measured(2.0)
    fine = np.maximum(following(light, frame, 0.15), 0)
    taken, out = even(frame, fine)
    assert taken > 0
    assert out.min() >= 0
    assert out.sum() == pytest.approx(fine.sum(), rel=2e-3)


def test_hot_pixels_move_nothing() -> None:
    light, frame = measured()
    fine = following(light, frame, 0.06)
    calm, _ = even(frame, fine)
    hot = frame.copy()
    hot[::31, ::29] += 3000.0
    taken, _ = even(hot, fine)
    assert taken == pytest.approx(calm, abs=0.006)


def test_four_fine_pixels_of_a_measured_one_keep_their_ratios() -> None:
    light, frame = measured()
    rng = np.random.default_rng(2)
    fine = following(light, frame, 0.06) * rng.uniform(0.5, 1.5, (2 * SIDE, 2 * SIDE))
    fine = fine.astype(np.float32)
    taken, out = even(frame, fine)
    assert taken > 0
    ratio = (out / fine).reshape(SIDE, 2, SIDE, 2)
    np.testing.assert_allclose(ratio, ratio[:, :1, :, :1] * np.ones_like(ratio), rtol=1e-5)
