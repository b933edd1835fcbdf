"""The specimens that training draws: sharp, of many densities, bright beside dim."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.train.cells import draw_cells
from models.train.scenes import make_scene

KINDS = ["cells", "nuclei", "spots", "filaments", "membranes", "clouds"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_finite_image_that_one_seed_gives_again(kind) -> None:
    first, again = (make_scene(np.random.default_rng(4), 64, kind) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (64, 64)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert first.min() >= 0
    assert first.max() > 0.5


@pytest.mark.parametrize("size", [41, 64])
def test_cells_come_in_the_size_that_was_asked_for(size) -> None:
    assert draw_cells(np.random.default_rng(0), size).shape == (size, size)


def test_a_rim_is_sharp_before_the_objective_blurs_it() -> None:
    """Nothing is drawn softer than the 0.44 px that 0.75 NA has at 0.325 um a pixel."""
    rng = np.random.default_rng(2)
    for _ in range(12):
        cells = draw_cells(rng, 96)
        rises = np.abs(cells[:, 1:] - cells[:, :-1]).max()
        soft = cv2.GaussianBlur(cells, (0, 0), 1.0)
        assert rises > 1.2 * np.abs(soft[:, 1:] - soft[:, :-1]).max()


def test_bright_cells_lie_beside_dim_ones_in_some_frames() -> None:
    rng = np.random.default_rng(3)
    ratios = []
    for _ in range(24):
        cells = draw_cells(rng, 128)
        _, label = cv2.connectedComponents((cells > 0.02).astype(np.uint8))
        peaks = [float(cells[label == k].max()) for k in range(1, int(label.max()) + 1)]
        ratios.append(max(peaks) / min(peaks) if peaks else 1.0)
    assert max(ratios) > 30
    assert min(ratios) < 3


def test_densities_span_a_few_cells_to_half_of_the_field() -> None:
    rng = np.random.default_rng(5)
    covered = [float(np.mean(draw_cells(rng, 128) > 0.02)) for _ in range(24)]
    assert min(covered) < 0.05
    assert max(covered) > 0.3
