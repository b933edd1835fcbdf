"""The sharpest of a few dim images, against a blur that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from acquire.stand.focus_search import best_um, heights_um, sharpness


def picture(defocus_um: float, electrons: float, seed: int = 0) -> np.ndarray:
    """A field of discs, blurred the more the farther it is from focus, with camera noise."""
    y, x = np.mgrid[:128, :128]
    sharp = np.zeros((128, 128))
    for cy, cx in np.random.default_rng(3).uniform(15, 113, (8, 2)):
        sharp += (y - cy) ** 2 + (x - cx) ** 2 < 64
    mean = electrons * gaussian_filter(sharp, 1.0 + 1.2 * abs(defocus_um)) + 1.0
    noise = np.random.default_rng(seed)
    return 100 + 2 * (noise.poisson(mean) + noise.normal(0, 1.6, mean.shape))


@pytest.mark.parametrize(
    ("range_um", "step_um", "heights"),
    [(4, 1, (-2, -1, 0, 1, 2)), (3, 2, (-2, 0, 2)), (1, 0.5, (-0.5, 0, 0.5))],
)
def test_a_search_looks_at_three_heights_or_more_around_where_it_is(
    range_um: float, step_um: float, heights: tuple[float, ...]
) -> None:
    assert heights_um(range_um, step_um) == pytest.approx(heights)


@pytest.mark.parametrize("true_um", [-2.3, -0.4, 0.0, 1.7])
@pytest.mark.parametrize("electrons", [5.0, 50.0])
def test_the_focus_is_found_within_a_third_of_a_step(true_um: float, electrons: float) -> None:
    heights = heights_um(10, 1.0)
    scores = [
        sharpness(picture(height - true_um, electrons, seed)) for seed, height in enumerate(heights)
    ]
    found = best_um(heights, scores, 1.05)
    assert found == pytest.approx(true_um, abs=0.34)


def test_an_empty_field_has_no_focus() -> None:
    heights = heights_um(10, 1.0)
    scores = [sharpness(picture(0.0, 0.0, seed)) for seed in range(len(heights))]
    assert best_um(heights, scores, 1.2) is None


def test_a_search_that_ends_at_its_rim_says_the_rim() -> None:
    assert best_um((0.0, 1.0, 2.0), (1.0, 2.0, 5.0), 1.05) == 2.0


def test_images_that_do_not_divide_into_blocks_are_cut() -> None:
    image = picture(0.0, 50.0)[:101, :99]
    assert sharpness(image) == pytest.approx(sharpness(image[:100, :96]))
