"""Where the light has changed the past is not shown; where only noise has, it is."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from scipy import ndimage

from models import changes
from models.changes import Changes

SHAPE, SD = (96, 104), 6.0


def noise(rng: np.random.Generator, sd: float = 1.0) -> np.ndarray:
    """Stabilised camera noise in the units of a network's planes."""
    return (sd * rng.standard_normal(SHAPE) / SD).astype(np.float32)


def disc(radius_px: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (np.hypot(y - 48, x - 52) <= radius_px).astype(np.float32)


def hidden(now: np.ndarray, then: np.ndarray, ratio: float = 1.0) -> np.ndarray:
    """Return which share of the past is hidden, read off a base that nothing else equals."""
    looking = Changes(SHAPE, SD)
    base = np.full(SHAPE, 1000.0, np.float32)
    past = then.copy()
    looking.look(now)
    looking.hide(past, ratio, base)
    return (past - then) / (base - then)


def test_a_cell_whose_light_fell_loses_its_past_and_its_surroundings_keep_theirs() -> None:
    rng = np.random.default_rng(1)
    fell = disc(8) * np.float32(2.0 / SD)  # by two standard deviations of a pixel's noise
    share = hidden(noise(rng), noise(rng) + fell)
    assert share[disc(5) > 0].min() > 0.95
    assert share[disc(20) == 0].mean() < 0.05


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_of_noise_alone_next_to_nothing_is_hidden_at_any_light(ratio) -> None:
    # A past frame that is made `ratio` times as bright brings noise of sqrt(ratio) along.
    rng = np.random.default_rng(2)
    shares = [hidden(noise(rng), noise(rng, np.sqrt(ratio)), ratio).mean() for _ in range(20)]
    assert np.mean(shares) < 0.02


def test_its_noise_is_that_of_an_independent_calculation() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(40):
        cells = noise(rng).reshape(24, 4, 26, 4).mean(axis=(1, 3))
        blurred = ndimage.gaussian_filter(cells, changes.AROUND_CELLS, mode="mirror")
        found.append(blurred[4:-4, 4:-4].std())
    assert Changes(SHAPE, SD)._noise == pytest.approx(np.mean(found), rel=0.05)


def test_what_is_hidden_is_the_blurred_present() -> None:
    rng = np.random.default_rng(4)
    now = noise(rng)
    base = cv2.GaussianBlur(now, (0, 0), 1.4)
    past = noise(rng) + np.float32(3.0)
    looking = Changes(SHAPE, SD)
    looking.look(now)
    looking.hide(past, 1.0, base)
    np.testing.assert_allclose(past, base, atol=1e-6)


def test_hiding_costs_no_new_image_array() -> None:
    rng = np.random.default_rng(5)
    looking, now, past = Changes(SHAPE, SD), noise(rng), noise(rng) + disc(8)
    looking.look(now)
    looking.hide(past, 1.0, now)
    tracemalloc.start()
    for _ in range(5):
        looking.look(now)
        looking.hide(past, 1.0, now)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < now.nbytes / 4
