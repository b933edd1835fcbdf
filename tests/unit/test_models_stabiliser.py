"""One camera's counts to values of noise 1: by numbers, and by maps of its pixels."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import noise
from models.denoise import Denoiser
from models.errors import ModelError
from models.package import Package, shipped
from models.stabiliser import AROUND_PX, PixelMaps, Stabiliser

GAIN, OFFSET, READ_E = 2.0, 100.0, 1.2
SHAPE = (96, 96)


def maps(seed: int = 0, hot: float = 0.005, shape: tuple[int, int] = SHAPE) -> PixelMaps:
    """A camera whose pixels differ as those of Huang et al., 2013, do."""
    rng = np.random.default_rng(seed)
    read = READ_E * np.exp(0.3 * rng.standard_normal(shape))
    read[rng.random(shape) < hot] = 9.0
    offset = OFFSET + 2.0 * rng.standard_normal(shape)
    return PixelMaps(offset, read, GAIN * (1 + 0.01 * rng.standard_normal(shape)))


def expose(photons: np.ndarray | float, pixel: PixelMaps, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = pixel.offset_adu.shape
    electrons = rng.poisson(photons, shape) + pixel.read_noise_e * rng.standard_normal(shape)
    adu = np.round(pixel.offset_adu + pixel.gain_adu_per_e * electrons)
    return np.clip(adu, 0, 65535).astype(np.uint16)


def reference(adu: np.ndarray, pixel: PixelMaps) -> np.ndarray:
    """The same by the plain formula, in double precision."""
    read = float(np.median(pixel.read_noise_e))
    numbers = (pixel.gain_adu_per_e, pixel.offset_adu)
    common = noise.forward(adu, *numbers, read)
    width = 2 * round(3 * AROUND_PX) + 1
    around = cv2.GaussianBlur(common, (width, width), AROUND_PX, borderType=cv2.BORDER_REFLECT_101)
    own = noise.forward(adu, *numbers, pixel.read_noise_e)
    extra = 4 * (pixel.read_noise_e**2 - read**2)
    return np.maximum(around + own - np.sqrt(np.maximum(around**2 + extra, 0)), 0)


@given(seed=st.integers(0, 99), photons=st.floats(0, 500))
def test_maps_in_place_equal_the_plain_formula(seed, photons) -> None:
    pixel = maps(seed, shape=(17, 19))
    adu = expose(photons, pixel, seed)
    out = np.empty(adu.shape, np.float32)
    assert Stabiliser(adu.shape, GAIN, OFFSET, READ_E, pixel)(adu, out) is out
    np.testing.assert_allclose(out, reference(adu, pixel), atol=5e-3)  # float32 under a root


@given(photons=st.floats(0, 500))
def test_maps_of_equal_pixels_are_the_numbers(photons) -> None:
    even = PixelMaps(*(np.full((17, 19), v) for v in (OFFSET, READ_E, GAIN)))
    adu = expose(photons, even)
    one, other = (np.empty(adu.shape, np.float32) for _ in range(2))
    Stabiliser(adu.shape, GAIN, OFFSET, READ_E, even)(adu, one)
    Stabiliser(adu.shape, GAIN, OFFSET, READ_E)(adu, other)
    np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("photons", [3.0, 10.0, 100.0])
def test_pixels_of_much_read_noise_are_as_quiet_as_all_and_no_brighter(photons) -> None:
    pixel = maps(hot=0.02)
    stabilise = Stabiliser(SHAPE, GAIN, OFFSET, READ_E, pixel)
    shots = [stabilise(expose(photons, pixel, k), np.empty(SHAPE, np.float32)) for k in range(60)]
    hot = pixel.read_noise_e > 8
    mean, sd = np.mean(shots, axis=0), np.std(shots, axis=0)
    assert sd[~hot].mean() == pytest.approx(1.0, abs=0.08)
    assert sd[hot].mean() < 1.15
    assert mean[hot].mean() == pytest.approx(mean[~hot].mean(), abs=0.12)
    plain = noise.forward(expose(photons, pixel), GAIN, OFFSET, pixel.read_noise_e)
    assert plain[hot].mean() > mean[hot].mean() + 3  # what each pixel's own transform would do


@pytest.mark.parametrize("peak_e", [3.0, 20.0])
def test_maps_make_the_shipped_denoiser_better_on_a_camera_of_unequal_pixels(peak_e) -> None:
    package = Package.load(shipped("denoise-2d"))
    pixel = maps()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = 0.5 + peak_e / (1 + np.exp((np.hypot(y - 50, x - 45) - 25) / 2))
    adu = expose(truth, pixel)
    error = []
    for known in (None, pixel):
        restore = Denoiser(package, SHAPE, GAIN, OFFSET, READ_E, "openvino", "f32", maps=known)
        error.append(np.sqrt(np.mean((restore(adu).photons - truth) ** 2)))
        assert restore.model_id == f"denoise-2d@2{'+maps' if known else ''} openvino-f32"
        restore.close()
    assert error[1] < 0.9 * error[0]


@pytest.mark.parametrize("stuck", [0, 65535])
def test_bad_pixels_are_spoken_for_by_their_neighbours(stuck) -> None:
    pixel = maps(hot=0.0)
    bad = np.zeros(SHAPE, bool)
    bad[10:90:8, 10:90:8] = True
    whole = PixelMaps(pixel.offset_adu, pixel.read_noise_e, pixel.gain_adu_per_e, ~bad)
    adu = expose(20.0, pixel)
    adu[bad] = stuck
    out = Stabiliser(SHAPE, GAIN, OFFSET, READ_E, whole)(adu, np.empty(SHAPE, np.float32))
    assert out[bad].mean() == pytest.approx(out[~bad].mean(), abs=0.2)
    assert np.abs(out - out[~bad].mean()).max() < 6


@pytest.mark.parametrize("broken", ["offset_adu", "read_noise_e", "gain_adu_per_e"])
def test_numbers_that_a_map_lacks_are_the_camera_s(broken) -> None:
    pixel = maps(hot=0.0)
    getattr(pixel, broken)[5, 7] = np.nan
    sound = PixelMaps(pixel.offset_adu, pixel.read_noise_e, pixel.gain_adu_per_e)
    stabilise = Stabiliser(SHAPE, GAIN, OFFSET, READ_E, sound)
    out = stabilise(expose(20.0, maps(hot=0.0)), np.empty(SHAPE, np.float32))
    assert np.isfinite(out).all()


def test_maps_of_another_shape_or_without_a_good_pixel_are_refused() -> None:
    with pytest.raises(ModelError, match=r"of \(96, 96\) px, the frames of \(96, 95\)"):
        Stabiliser((96, 95), GAIN, OFFSET, READ_E, maps())
    none = PixelMaps(*(np.ones(SHAPE) for _ in range(3)), np.zeros(SHAPE, bool))
    with pytest.raises(ModelError, match="no good pixel"):
        Stabiliser(SHAPE, GAIN, OFFSET, READ_E, none)


@pytest.mark.parametrize("has_bad", [False, True])
def test_maps_cost_no_new_image_array_per_frame(has_bad) -> None:
    shape = (256, 256)
    pixel = maps(shape=shape)
    good = np.ones(shape, bool)
    good[4, 4] = not has_bad
    pixel = PixelMaps(pixel.offset_adu, pixel.read_noise_e, pixel.gain_adu_per_e, good)
    stabilise, adu = Stabiliser(shape, GAIN, OFFSET, READ_E, pixel), expose(9.0, pixel)
    out = np.empty(shape, np.float32)
    stabilise(adu, out)
    tracemalloc.start()
    stabilise(adu, out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256 * 256 * 4 // 2
