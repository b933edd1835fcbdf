"""Photon transfer: the numbers of cameras whose truth is known, and the doubts about bad ones."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from acquire.calibrating.camera_numbers import CameraNumbers
from acquire.calibrating.dark_field import DarkSeries
from acquire.calibrating.noise_correlation import blockwise, correlation_of, in_time
from acquire.calibrating.photon_transfer import level
from acquire.calibrating.transfer_fit import FlatField
from acquire.errors import CalibrationRefused
from tests.camera_series import SHAPE, SeriesCamera


@pytest.fixture(scope="module")
def plain() -> CameraNumbers:
    return SeriesCamera().measure()[0]


def test_a_plain_camera_is_measured_within_the_bars(plain: CameraNumbers) -> None:
    rounding = 1 / 12 / 2.0**2  # of counts, e-^2: part of what a frame shows
    assert plain.gain_adu_per_e == pytest.approx(2.0, rel=0.01)
    assert plain.offset_adu == pytest.approx(100.0, abs=0.05 * 2.0)
    assert plain.read_noise_e == pytest.approx((1.6**2 + rounding) ** 0.5, rel=0.01)
    assert plain.saturation_adu == 65535
    assert plain.saturation_is_measured
    assert plain.excess_noise_factor == 1.0
    assert plain.nonlinearity is not None
    assert plain.nonlinearity < 0.002
    assert plain.response_spread < 0.001
    assert plain.doubts == ()


def test_the_stated_error_of_the_gain_is_the_real_one() -> None:
    found = []
    for seed in range(12):
        numbers, _ = SeriesCamera(seed=seed, shape=(64, 64)).measure(32, 2)
        found.append((numbers.gain_adu_per_e / 2.0 - 1.0) / numbers.gain_error)
    # Of 12 standard normal numbers the sum of squares is chi-squared: neither tail is likely.
    assert 1e-3 < stats.chi2.cdf(np.sum(np.square(found)), 12) < 0.999


def test_offset_and_noise_of_each_pixel_are_found() -> None:
    rng = np.random.default_rng(5)
    offset = 100.0 + 3.0 * rng.standard_normal(SHAPE)
    noise = rng.gamma(20.0, 1.6 / 20.0, SHAPE)
    numbers, maps = SeriesCamera(offset=offset, read_noise_e=noise).measure(256, 4)
    good = maps.is_good
    assert good.mean() > 0.99
    wrong_e = (maps.offset_adu - offset)[good] / 2.0
    assert abs(wrong_e.mean()) < 0.05
    assert wrong_e.std() < 0.2
    assert np.corrcoef(maps.read_noise_e[good], noise[good])[0, 1] > 0.95
    assert numbers.offset_spread_e == pytest.approx(1.5, rel=0.05)
    assert numbers.read_noise_median_e == pytest.approx(float(np.median(noise)), rel=0.03)
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)


def test_gains_that_really_differ_become_a_map_that_is_nearer_than_one_number() -> None:
    rng = np.random.default_rng(6)
    gain = 2.0 * (1.0 + 0.15 * rng.standard_normal(SHAPE)).clip(0.5, 1.5)
    numbers, maps = SeriesCamera(gain=gain).measure(48, 6)
    assert numbers.gain_spread == pytest.approx(float(gain.std() / gain.mean()), rel=0.1)
    assert maps.gain_adu_per_e is not None
    good = maps.is_good
    left = (maps.gain_adu_per_e - gain)[good]
    assert left.std() < 0.8 * gain.std()
    assert numbers.response_spread == pytest.approx(0.15, rel=0.1)


def test_gains_that_do_not_differ_make_no_map() -> None:
    numbers, maps = SeriesCamera().measure(32, 4)
    assert maps.gain_adu_per_e is None
    assert numbers.gain_spread == 0.0


@pytest.mark.parametrize("light", [{"flicker": 0.03}, {"drift": 0.004}])
def test_a_lamp_that_flickers_or_drifts_changes_no_number(light: dict[str, float]) -> None:
    numbers, _ = SeriesCamera().measure(64, 4, **light)
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)
    assert not [doubt for doubt in numbers.doubts if "neighbour" in doubt or "frame" in doubt]


def test_an_even_drift_is_no_bend_and_is_told() -> None:
    numbers, _ = SeriesCamera().measure(32, 2, drift=0.002)
    assert numbers.nonlinearity is not None
    assert numbers.nonlinearity < 0.01
    assert numbers.drift is not None
    assert numbers.drift > 0.005


def test_hot_pixels_are_left_out() -> None:
    offset = np.full(SHAPE, 100.0)
    hot = np.zeros(SHAPE, bool)
    hot[::13, ::17] = True
    offset[hot] = 5000.0
    numbers, maps = SeriesCamera(offset=offset).measure()
    assert not maps.is_good[hot].any()
    assert maps.is_good[~hot].all()
    assert numbers.bad_pixels == hot.sum()
    assert numbers.offset_adu == pytest.approx(100.0, abs=0.1)
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)


def test_a_camera_that_multiplies_is_told_from_one_with_twice_the_gain() -> None:
    multiplying, _ = SeriesCamera(multiplies=True, electrons_per_ms=2.0).measure(48, 6)
    assert multiplying.excess_noise_factor == pytest.approx(2.0, rel=0.1)
    assert multiplying.gain_adu_per_e == pytest.approx(2.0, rel=0.1)
    assert any("EMCCD" in doubt for doubt in multiplying.doubts)
    plain, _ = SeriesCamera(gain=4.0, electrons_per_ms=2.0).measure(48, 6)
    assert plain.excess_noise_factor == 1.0
    assert plain.gain_adu_per_e == pytest.approx(4.0, rel=0.01)


def blurred(image: NDArray[Any]) -> NDArray[Any]:
    return ndimage.gaussian_filter(image, 0.4)


def sharpened(image: NDArray[Any]) -> NDArray[Any]:
    return image + 0.5 * (image - ndimage.uniform_filter(image, 3))


def despeckled(image: NDArray[Any]) -> NDArray[Any]:
    return ndimage.median_filter(image, 3)


@pytest.mark.parametrize(
    ("camera", "doubt"),
    [
        (SeriesCamera(filtered=blurred), "the camera smooths its images"),
        (SeriesCamera(filtered=despeckled), "the camera smooths its images"),
        (SeriesCamera(filtered=sharpened), "the camera sharpens its images"),
        (
            SeriesCamera(carry=0.2),
            "a frame shares 0.(19|20|21) .* in the dark",
        ),
        (SeriesCamera(row_noise_e=0.6), "whole rows move together in the dark"),
        (SeriesCamera(bend=0.2), "off a line in (light|exposure)"),
        (SeriesCamera(step=16), "of a step of the counts"),
    ],
)
def test_noise_that_is_not_that_of_light_is_named(camera: SeriesCamera, doubt: str) -> None:
    numbers, _ = camera.measure(48, 4)
    assert any(re.search(doubt, text) for text in numbers.doubts), numbers.doubts
    assert numbers.excess_noise_factor == 1.0  # and is not taken for multiplication


def test_pixels_that_are_full_before_the_converter_is_are_seen() -> None:
    numbers, _ = SeriesCamera(full_well_e=12_000.0).measure()
    assert numbers.saturation_is_measured
    assert numbers.saturation_adu == pytest.approx(100 + 2 * 12_000, rel=0.03)
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)


def test_twelve_bits_end_at_4095() -> None:
    numbers, _ = SeriesCamera(gain=0.5, top=4095).measure()
    assert numbers.saturation_adu == 4095
    assert numbers.gain_adu_per_e == pytest.approx(0.5, rel=0.01)


def test_counts_that_are_shifted_are_seen() -> None:
    numbers, _ = SeriesCamera(gain=16.0, step=16, offset=1600.0).measure(32, 2)
    assert numbers.step_adu == 16


def test_coarse_counts_are_not_taken_for_saturation() -> None:
    coarse = SeriesCamera(gain=2.0, step=12, electrons_per_ms=5.0)
    numbers, _ = coarse.measure(48, 4)  # its dark frames show two or three values only
    assert not numbers.saturation_is_measured
    assert numbers.saturation_adu > 3000
    assert numbers.step_adu == 12
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.02)


def test_saturation_that_was_not_reached_is_said_to_be_so() -> None:
    numbers, _ = SeriesCamera(electrons_per_ms=5.0).measure(32, 2)
    assert not numbers.saturation_is_measured
    assert "not reached" in numbers.saturation_why


@pytest.mark.parametrize(
    ("camera", "says"),
    [
        (SeriesCamera(electrons_per_ms=1e-5), "no light came to the camera"),
        (SeriesCamera(electrons_per_ms=3e-3), "use more power, longer exposures"),
        (SeriesCamera(electrons_per_ms=1e4), "use weaker light"),
    ],
)
def test_too_little_and_too_much_light_are_refused(camera: SeriesCamera, says: str) -> None:
    with pytest.raises(CalibrationRefused, match=says):
        camera.measure(32, 2)


def test_a_camera_that_clips_the_dark_is_refused() -> None:
    with pytest.raises(CalibrationRefused, match="raise its offset"):
        SeriesCamera(offset=-50.0).darks()


def test_too_few_dark_frames_are_refused() -> None:
    with pytest.raises(CalibrationRefused, match="at least 16"):
        SeriesCamera().darks(15)


def test_frames_of_another_shape_are_refused() -> None:
    series = DarkSeries()
    series.add(np.zeros((8, 8), np.uint16))
    with pytest.raises(CalibrationRefused, match="keep region and binning"):
        series.add(np.zeros((8, 9), np.uint16))
    dark = SeriesCamera().darks(16)
    for shape in ((3, *SHAPE), (2, 8, 8)):
        with pytest.raises(CalibrationRefused, match="pairs"):
            FlatField(dark).add(1.0, np.zeros(shape, np.uint16))


def test_dark_statistics_are_those_of_numpy() -> None:
    camera = SeriesCamera(shape=(40, 50))
    frames = np.stack([camera.frame(0.0) for _ in range(20)])
    series = DarkSeries()
    for frame in frames:
        series.add(frame)
    dark = series.done()
    np.testing.assert_allclose(dark.offset, frames.mean(0), rtol=1e-6)
    np.testing.assert_allclose(dark.variance, frames.var(0, ddof=1), rtol=1e-4)
    third = stats.kstat(frames.reshape(20, -1).astype(float), 3, axis=0)
    assert dark.third_adu3 == pytest.approx(float(third[dark.good.ravel()].mean()), rel=1e-3)


def test_a_level_is_the_half_variance_of_pairs() -> None:
    camera = SeriesCamera(shape=(64, 64))
    dark = camera.darks(64)
    frames = np.stack([camera.frame(400.0) for _ in range(8)])
    found, signal, _ = level(5.0, frames, dark)
    pairs = (frames[::2].astype(float) - frames[1::2]).reshape(4, -1)
    assert found.variance_adu2 == pytest.approx(float((pairs.var(axis=1) / 2).mean()), rel=0.02)
    assert found.mean_adu == pytest.approx(frames.mean() - dark.offset_adu, rel=1e-4)
    np.testing.assert_allclose(signal.mean(), found.mean_adu, rtol=1e-4)


@pytest.mark.parametrize("shape", [(16, 16), (33, 70), (64, 64)])
def test_blocks_keep_no_mean_of_their_own(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).standard_normal(shape).astype(np.float32) + 7
    left = blockwise(image)
    assert left.shape == shape
    assert abs(float(left.mean())) < 1e-5
    ramp = np.broadcast_to(np.linspace(0, 1, shape[1], dtype=np.float32), shape)
    assert float(blockwise(ramp).std()) < float(ramp.std()) or shape == (16, 16)


def test_correlation_of_filtered_noise_is_the_textbooks() -> None:
    noise = np.random.default_rng(1).standard_normal((256, 256))
    kernel = np.array([0.25, 0.5, 0.25])
    seen = correlation_of(ndimage.convolve1d(noise, kernel, axis=1))
    expected = (kernel[:-1] @ kernel[1:]) / (kernel @ kernel)
    assert seen.along_x == pytest.approx(expected, abs=0.02)
    assert abs(seen.along_y) < 0.02


@pytest.mark.parametrize("carry", [0.0, 0.3])
def test_a_recursive_filter_in_time_is_measured(carry: float) -> None:
    rng = np.random.default_rng(2)
    frames = [rng.standard_normal((128, 128))]
    for _ in range(11):
        frames.append((1 - carry) * rng.standard_normal((128, 128)) + carry * frames[-1])
    even = np.stack(frames[4:]).astype(np.float32)
    assert in_time(even, np.ones((128, 128), bool)) == pytest.approx(carry, abs=0.02)


def test_numbers_survive_json(plain: CameraNumbers) -> None:
    assert msgspec.json.decode(msgspec.json.encode(plain), type=CameraNumbers) == plain
