"""Contrast, histogram, clipped pixels: NumPy in, NumPy out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.calibration import Calibration
from gui import levels as grey
from gui.levels import Levels, Unit


def test_counts_and_photons_of_the_same_scene_have_the_same_grey() -> None:
    photons = np.linspace(0, 80, 64, dtype=np.float32).reshape(8, 8)
    unit = grey.camera_unit(Calibration(2.0, 100.0, 1.6))
    counts = (photons * 2 + 100).astype(np.float32)
    levels = Levels(5.0, 60.0)
    same = grey.to_grey(counts, levels, unit), grey.to_grey(photons, levels, grey.PHOTONS)
    assert np.abs(same[0].astype(int) - same[1]).max() <= 1


@given(
    low=st.floats(-1e3, 1e3),
    span=st.floats(0.1, 1e4),
    values=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=20),
)
def test_grey_is_monotone_bounded_and_never_warns(
    low: float, span: float, values: list[float]
) -> None:
    image = np.array([sorted(values, key=lambda v: (v == v, v))], np.float32)
    result = grey.to_grey(image, Levels(low, low + span), Unit(100.0, 2.0))
    assert result.dtype == np.uint8
    assert np.all(np.diff(result[0].astype(int)) >= 0)
    assert np.all(result[np.isnan(image)] == 0)


def test_auto_levels_ignore_a_few_hot_pixels() -> None:
    values = np.full(10_000, 10.0, np.float32)
    values[:5000] = 20.0
    values[:20] = 60_000.0
    assert grey.auto_levels(values) == Levels(10.0, 20.0)


def test_auto_levels_of_a_flat_or_empty_image_still_have_a_span() -> None:
    assert grey.auto_levels(np.full(100, 7.0, np.float32)).high > 7.0
    assert grey.auto_levels(np.zeros(0, np.float32)).high > 0.0


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_a_single_clipped_pixel_survives_decimation(stride: int) -> None:
    image = np.zeros((64, 50), np.uint16)
    image[63, 48] = 4095
    mask = grey.clipped(image, 4095.0, stride)
    assert mask.shape == image[::stride, ::stride].shape
    assert mask.sum() == 1
    assert mask[63 // stride, 48 // stride]


def test_an_image_without_clipped_pixels_has_an_empty_mask() -> None:
    assert not grey.clipped(np.full((8, 8), 4094, np.uint16), 4095.0, 1).size


@pytest.mark.parametrize("scale", [0.1, 0.9, 1.0, 2.0, 2.1, 3.9, 4.0, 9.7])
def test_decimation_keeps_a_pixel_for_every_dot(scale: float) -> None:
    stride = grey.stride_for(scale)
    assert scale / stride <= 2.0 + 1e-6
    assert stride == 1 or scale / stride > 1.0


def test_the_histogram_agrees_with_numpy() -> None:
    values = np.random.default_rng(1).normal(30, 8, 5000).astype(np.float32)
    counts = grey.histogram(values, grey.Bins(0.0, 0.25, 256))
    inside = values[(values > 0) & (values < 64)]
    expected, _ = np.histogram(inside, bins=256, range=(0.0, 64.0))
    assert np.abs(counts[1:-1] - expected[1:-1]).max() <= 1
    assert counts.sum() == len(values)


@given(
    low=st.floats(-500, 500), span=st.floats(0.01, 60_000), quantum=st.sampled_from([0.1, 0.5, 2.0])
)
def test_every_bin_holds_equally_many_camera_counts(
    low: float, span: float, quantum: float
) -> None:
    bins = grey.bins_for(low, low + span, quantum)
    assert 1 <= bins.n <= grey.BINS + 2
    assert bins.low <= low + 1e-9 * abs(low)
    assert bins.high >= (low + span) * (1 - 1e-9) - 1e-9
    quanta = bins.width / quantum
    assert quanta == pytest.approx(round(quanta))


def test_a_sample_stays_small_and_is_in_photons() -> None:
    image = np.full((2048, 2048), 300, np.uint16)
    values = grey.sample(image, Unit(100.0, 2.0))
    assert len(values) == 128 * 128
    assert np.all(values == 100.0)
