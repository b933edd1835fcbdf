"""The fast steps of detection give the same bits as plain ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from realtime import detect
from realtime.detect import Detector
from realtime.detecting import nuclei
from realtime.detecting.config import DetectorConfig
from realtime.detecting.measure import _median
from realtime.detecting.peaks import pairs_within
from tests import plain_detecting as plain

READ_NOISE_E = 1.6


def scene(cells: int, diameter_px: float, side: int, seed: int) -> NDArray[np.float32]:
    """Return an image of discs on a slope, with its noise, photo-electrons a pixel."""
    rng = np.random.default_rng(seed)
    image = 2.0 + np.linspace(0, 6, side, dtype=np.float32)[:, None] * np.ones(side, np.float32)
    for y, x in rng.uniform(0, side, (cells, 2)):
        cv2.circle(image, (int(x), int(y)), int(diameter_px / 2), rng.uniform(8, 45), -1)
    seen = rng.poisson(cv2.GaussianBlur(image, (0, 0), 1.0)) + rng.normal(
        0, READ_NOISE_E, (side,) * 2
    )
    return np.asarray(seen, np.float32)


def photograph(name: str) -> NDArray[np.float32]:
    """Return a real image with noise, photo-electrons a pixel."""
    data = pytest.importorskip("skimage.data")
    image = np.asarray(getattr(data, name)(), np.float32)
    rng = np.random.default_rng(0)
    return np.asarray(rng.poisson(image / 4) + rng.normal(0, READ_NOISE_E, image.shape), np.float32)


def plainly(
    image: NDArray[np.float32], config: DetectorConfig, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, ...]:
    """Return what is found by the plain steps."""
    with monkeypatch.context() as patch:
        patch.setattr(detect, "NucleusFinder", plain.PlainFinder)
        patch.setattr(detect, "measure", plain.numbers)
        patch.setattr(nuclei, "background_of", plain.background)
        patch.setattr(nuclei, "split", plain.areas)
        return columns(Detector(config, READ_NOISE_E), image)


def columns(find: Detector, image: NDArray[np.float32]) -> tuple[Any, ...]:
    found = find(image)
    return (find.masks(image), *(getattr(found, field.name) for field in fields(found)))


@pytest.mark.parametrize("options", [{}, {"threshold_sigma": 3.0}, {"false_alarms": 20.0}])
@pytest.mark.parametrize("blur_px", [0.0, 2.5], ids=["raw", "restored"])
@pytest.mark.parametrize(
    ("cells", "diameter_px", "side"),
    [
        (20, 20.0, 256),
        (150, 10.0, 256),
        (0, 20.0, 200),
        (9, 7.0, 101),
        (12, 33.0, 333),
        (1, 20.0, 17),
    ],
)
def test_what_is_found_is_the_same_to_the_bit(
    cells: int,
    diameter_px: float,
    side: int,
    blur_px: float,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = scene(cells, diameter_px, side, side)
    if blur_px:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px))
    config = DetectorConfig(diameter_px=diameter_px, **options)
    fast, slow = columns(Detector(config, READ_NOISE_E), image), plainly(image, config, monkeypatch)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)
    assert cells < 12 or len(fast[1]) > 5


@pytest.mark.parametrize("name", ["coins", "cell", "camera"])
def test_in_real_images_what_is_found_is_the_same_to_the_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, config = photograph(name), DetectorConfig(diameter_px=40.0)
    fast, slow = columns(Detector(config, READ_NOISE_E), image), plainly(image, config, monkeypatch)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(fast[1]) > 0


@pytest.mark.parametrize("n", [0, 1, 2, 60, 100, 101, 300])
@pytest.mark.parametrize("whole", [True, False])
def test_pairs_are_those_of_a_tree_in_order(n: int, whole: bool) -> None:
    places = np.random.default_rng(n).uniform(0, 100, (n, 2))
    places = np.rint(places).astype(np.intp) if whole else places
    pairs = cKDTree(places).query_pairs(9.0, output_type="ndarray") if n else np.empty((0, 2))
    expected = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    np.testing.assert_array_equal(pairs_within(places, 9.0), expected)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40))
def test_the_median_is_that_of_numpy(values: list[float]) -> None:
    image = np.array(values, np.float32)[:, None]
    assert _median(image) == float(np.median(image))
