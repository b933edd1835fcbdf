"""Small parts of detection: places apart, coarser and finer grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from realtime.detecting.apart import LEAST_APART, apart
from realtime.detecting.grids import grown, shrunk
from realtime.detections import Detections

DIAMETER_PX = 20.0


def detections(places: list[tuple[float, float]], scores: list[float]) -> Detections:
    y, x = np.array(places, float).reshape(-1, 2).T
    some = np.arange(len(y), dtype=float)
    return Detections(y, x, some, some, some, some, score=np.array(scores, float))


where = st.floats(0, 40)


@given(st.lists(st.tuples(where, where, st.floats(0, 100)), max_size=12))
def test_no_two_detections_are_nearer_than_stated_and_who_stands_out_most_stays(
    cells: list[tuple[float, float, float]],
) -> None:
    found = detections([(y, x) for y, x, _ in cells], [score for _, _, score in cells])
    kept = apart(found, DIAMETER_PX)
    places = np.column_stack((kept.y_px, kept.x_px))
    assert (pdist(places) > LEAST_APART * DIAMETER_PX).all()
    dropped = set(range(len(cells))) - set(kept.area_px.astype(int).tolist())
    assert kept.score is not None
    for number in dropped:  # each made way for one that is near and at least as clear
        y, x, score = cells[number]
        near = np.hypot(kept.y_px - y, kept.x_px - x) <= LEAST_APART * DIAMETER_PX + 1e-9
        assert (kept.score[near] >= score).any()


def test_what_is_dropped_is_dropped_from_every_column() -> None:
    kept = apart(detections([(1, 1), (2, 2), (30, 30)], [3.0, 9.0, 4.0]), DIAMETER_PX)
    assert kept.area_px.tolist() == kept.snr.tolist() == [1.0, 2.0]
    assert kept.y_px.tolist() == [2.0, 30.0]


@pytest.mark.parametrize("shape", [(5, 7), (6, 8), (1, 1)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_grown_image_repeats_its_pixels_bit_by_bit(shape: tuple[int, int], factor: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(-(2**31), 2**31 - 1, shape, dtype=np.int32)  # some are no real floats
    wanted = (shape[0] * factor - factor // 2, shape[1] * factor - factor // 2)
    repeated = image.repeat(factor, 0).repeat(factor, 1)[: wanted[0], : wanted[1]]
    np.testing.assert_array_equal(grown(image, factor, wanted), repeated)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_shrunk_image_is_the_mean_of_its_blocks_and_a_broken_pixel_counts_as_dark(
    bad: float,
) -> None:
    image: NDArray[np.float32] = np.arange(35, dtype=np.float32).reshape(5, 7)
    image[0, 1] = bad
    clean = np.where(np.isfinite(image), image, 0)[:4, :6].reshape(2, 2, 3, 2)
    np.testing.assert_allclose(shrunk(image, 2), clean.mean((1, 3)))
