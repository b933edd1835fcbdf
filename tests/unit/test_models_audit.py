"""Two noisy frames give the true error of any estimate, a wrong one too, without a noise model."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from models.audit import MEMORY, AuditPool, compare
from models.audit_motion import moved_tiles, void

Image = NDArray[np.float32]
SIDE, READ_E = 128, 1.5


def scene(level_e: float = 10.0) -> NDArray[np.float64]:
    image = np.zeros((SIDE, SIDE))
    for y, x in np.random.default_rng(1).integers(10, SIDE - 10, (12, 2)):
        cv2.circle(image, (int(x), int(y)), 9, 1.0, -1)
    return 1.0 + level_e * ndimage.gaussian_filter(image, 1.5)


TRUTH = scene()
IS_CELL = (TRUTH.reshape(32, 4, 32, 4).mean((1, 3)) > 5.0).astype(np.uint8)


def shot(rng: np.random.Generator, truth: NDArray[np.float64] = TRUTH) -> Image:
    noisy = rng.poisson(truth) + READ_E * rng.standard_normal(truth.shape)
    return noisy.astype(np.float32)


def gauss(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.float32)


ESTIMATES: dict[str, Callable[[Image], Image]] = {
    "a fair denoiser": gauss,
    "one that is two photons too bright": lambda y: gauss(y) + np.float32(2.0),
    "one that loses the edges": lambda y: np.asarray(cv2.GaussianBlur(y, (0, 0), 6.0), np.float32),
    "one that copies the noise": lambda y: y.copy(),
    "one that invents stripes": lambda y: gauss(y) + np.float32(1.5) * (np.arange(SIDE) % 8 < 4),
}


@pytest.mark.parametrize("name", ESTIMATES)
@pytest.mark.parametrize("cells", [True, False])
def test_its_mean_is_the_true_squared_error_of_right_and_wrong_estimates(name, cells) -> None:
    rng = np.random.default_rng(7)
    mask = np.kron(IS_CELL, np.ones((4, 4))) == float(cells)
    found, true = [], []
    for _ in range(24):
        y1, y2 = shot(rng), shot(rng)
        f1, f2 = ESTIMATES[name](y1), ESTIMATES[name](y2)
        sample = compare(y1, y2, f1, f2, IS_CELL)
        found.append(sample.sums_e2[int(cells)].sum() / sample.pixels[int(cells)].sum())
        true.append(0.5 * sum(np.mean((f[mask] - TRUTH[mask]) ** 2) for f in (f1, f2)))
    difference = np.subtract(found, true)
    error = difference.std() / np.sqrt(len(difference))
    assert abs(difference.mean()) < 3.5 * error
    assert error < 0.1 * np.mean(true) + 0.03


def test_what_is_found_does_not_hang_on_any_noise_model() -> None:
    rng, found, true = np.random.default_rng(3), [], []
    for _ in range(24):  # uniform noise, a hundred times stronger on one half
        y1, y2 = (
            (TRUTH + rng.uniform(-4, 4, TRUTH.shape) * (1 + 9 * (np.arange(SIDE) < 64))).astype(
                np.float32
            )
            for _ in range(2)
        )
        f1, f2 = gauss(y1), gauss(y2)
        sample = compare(y1, y2, f1, f2, IS_CELL)
        found.append(sample.sums_e2.sum() / sample.pixels.sum())
        true.append(0.5 * (np.mean((f1 - TRUTH) ** 2) + np.mean((f2 - TRUTH) ** 2)))
    difference = np.subtract(found, true)
    assert abs(difference.mean()) < 3.5 * difference.std() / np.sqrt(24)


def test_a_pattern_that_both_frames_share_passes_for_image() -> None:
    rng = np.random.default_rng(5)
    pattern = rng.normal(0, 2.0, TRUTH.shape).astype(np.float32)
    y1, y2 = shot(rng) + pattern, shot(rng) + pattern
    kept = compare(y1, y2, y1 - pattern, y2 - pattern, IS_CELL)  # it was right to remove it
    gone = compare(y1 - pattern, y2 - pattern, y1 - pattern, y2 - pattern, IS_CELL)
    excess = (kept.sums_e2.sum() - gone.sums_e2.sum()) / kept.pixels.sum()
    assert excess == pytest.approx(4.0, rel=0.15)


def test_the_interval_holds_the_true_error_four_times_out_of_five_or_more() -> None:
    rng, inside = np.random.default_rng(11), 0
    for _ in range(40):
        y1, y2 = shot(rng), shot(rng)
        f1, f2 = gauss(y1), gauss(y2)
        pool = AuditPool()
        pool.add(compare(y1, y2, f1, f2, IS_CELL))
        errors = np.stack([f1 - TRUTH, f2 - TRUTH])[:, _cells()]
        true, error = np.sqrt(np.mean(errors**2)), pool.error(cells=True)
        inside += error.low_e <= true <= error.high_e
    assert inside >= 28  # 80 % of 40 is 32, standard deviation 2.5


def _cells() -> NDArray[np.bool_]:
    return np.kron(IS_CELL, np.ones((4, 4))) > 0


def test_more_audits_make_the_interval_narrower_and_tiles_are_told_apart() -> None:
    rng, pool = np.random.default_rng(2), AuditPool()
    widths = []
    for number in range(8):
        y1, y2 = shot(rng), shot(rng)
        f1, f2 = gauss(y1), gauss(y2)
        f1[:32, :32] += 3.0
        f2[:32, :32] += 3.0
        pool.add(compare(y1, y2, f1, f2, IS_CELL))
        if number in (0, 7):
            error = pool.error(cells=False)
            widths.append(error.high_e - error.low_e)
    assert pool.audits == 8
    assert pool.tile(0, 0, cells=False).rmse_e == pytest.approx(3.0, abs=0.25)
    assert pool.tile(2, 1, cells=False).rmse_e < 1.0


def test_an_empty_pool_says_that_it_knows_nothing() -> None:
    assert AuditPool().error(cells=True).audits == 0
    assert AuditPool().tile(0, 0, cells=True).audits == 0


def pair(second: NDArray[np.float64]) -> tuple[Image, Image, Image, Image]:
    rng = np.random.default_rng(9)
    y1, y2 = shot(rng, scene(40.0)), shot(rng, second)
    return y1, y2, gauss(y1), gauss(y2)


def test_a_still_scene_in_steady_light_counts_and_is_left_as_it_was() -> None:
    images = pair(scene(40.0))
    before = [image.copy() for image in images]
    assert void(*images) == ""
    for image, was in zip(images, before, strict=True):
        np.testing.assert_array_equal(image, was)


@pytest.mark.parametrize("shift_px", [0.2, 0.35])
def test_a_scene_that_moved_by_less_than_half_a_pixel_counts(shift_px: float) -> None:
    moved = ndimage.shift(scene(40.0), (shift_px, 0.0), order=3, mode="nearest")
    assert void(*pair(moved)) == ""


@pytest.mark.parametrize("shift_px", [0.8, 1.5, 4.0, 15.0])
def test_a_scene_that_moved_is_void(shift_px: float) -> None:
    moved = ndimage.shift(scene(40.0), (0.0, shift_px), order=1, mode="nearest")
    assert "moved" in void(*pair(moved))


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_light_that_changed_is_void(factor: float) -> None:
    assert "light changed" in void(*pair(factor * scene(40.0)))


@pytest.mark.parametrize("level_e", [0.05, 0.3, 1.0, 5.0, 30.0])
def test_chance_alone_hardly_ever_voids_a_scene_without_anything_to_see(level_e: float) -> None:
    """Three standard errors are passed by chance in 0.27 % of the audits: one of 300 or so."""
    rng = np.random.default_rng(5)
    flat = np.full((SIDE, SIDE), level_e)
    voids = 0
    for _ in range(300):
        y1, y2 = shot(rng, flat), shot(rng, flat)
        voids += "light" in void(y1, y2, gauss(y1), gauss(y2))
    assert voids <= 4  # of a Poisson count of 0.8 this is passed once in 700 draws of the seed


# what moves alone, and what light does ------------------------------------------------------------


def one_cell_walks(step_px: float) -> NDArray[np.float64]:
    """Move what is in the tile (0, 0), and in no other."""
    image = scene(40.0)
    corner = ndimage.shift(image[:32, :32], (0.0, step_px), order=1, mode="nearest")
    image[:32, :32] = corner
    return image


def test_a_tile_in_which_a_cell_walked_is_left_out_and_the_others_count() -> None:
    still = scene(40.0)
    assert still[:32, :32].std() > 5.0, "there is a cell to walk"
    y1, y2, f1, f2 = pair(one_cell_walks(2.0))
    assert void(y1, y2, f1, f2) == ""
    moved = moved_tiles(f1, f2)
    assert moved[0, 0]
    assert moved.sum() <= 2
    whole, part = compare(y1, y2, f1, f2, IS_CELL), compare(y1, y2, f1, f2, IS_CELL, moved)
    assert part.pixels[:, :2, :2].sum() == part.sums_e2[:, :2, :2].sum() == 0
    np.testing.assert_array_equal(part.sums_e2[:, 4:, 4:], whole.sums_e2[:, 4:, 4:])


def test_chance_moves_no_tile() -> None:
    rng, moved = np.random.default_rng(4), 0
    for number in range(30):
        level_e = (2.0, 10.0, 60.0)[number % 3]
        y1, y2 = shot(rng, scene(level_e)), shot(rng, scene(level_e))
        moved += int(moved_tiles(gauss(y1), gauss(y2)).sum())
    assert moved <= 1  # of 480


def test_audits_in_other_light_add_up_in_units_of_what_was_expected() -> None:
    rng, pool = np.random.default_rng(6), AuditPool()
    for level_e in (10.0, 90.0):
        for _ in range(4):
            y1, y2 = shot(rng, scene(level_e)), shot(rng, scene(level_e))
            f1, f2 = gauss(y1), gauss(y2)
            true = [f - scene(level_e) for f in (f1, f2)]
            unit = tuple(
                float(np.sqrt(np.mean([np.mean(e[is_in] ** 2) for e in true])))
                for is_in in (~_cells(), _cells())
            )
            pool.add(compare(y1, y2, f1, f2, IS_CELL), unit)
    for cells in (True, False):
        assert pool.error(cells=cells).rmse_e == pytest.approx(1.0, rel=0.12)


def test_a_pool_forgets_what_was_mended() -> None:
    rng, pool = np.random.default_rng(5), AuditPool()
    worst = 0.0
    for number in range(6 + 4 * MEMORY):
        y1, y2 = shot(rng), shot(rng)
        bias = np.float32(5.0 if number < 6 else 0.0)
        pool.add(compare(y1, y2, gauss(y1) + bias, gauss(y2) + bias, IS_CELL))
        worst = max(worst, pool.error(cells=True).rmse_e)
    assert worst == pytest.approx(5.0, rel=0.1)
    assert pool.error(cells=True).rmse_e < 0.4 * worst
    assert pool.audits == 6 + 4 * MEMORY
