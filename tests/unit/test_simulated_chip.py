"""What makes a chip a real one: pixels of their own, binning, converters, readout time, a lamp."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics.focus_drift import FocusDrift
from acquire.simulated.optics.illumination import Illumination
from acquire.simulated.optics.optics import Optics, Window
from acquire.simulated.sensor.photon_noise import poisson_numbers
from acquire.simulated.sensor.readout import Readout
from acquire.simulated.sensor.sensor import Sensor
from acquire.simulated.sensor.sensor_maps import PixelMaps
from acquire.simulated.specimen.cells import Nuclei

MAPS = SimulatedScopeConfig(height=200, width=240, pixel_maps=True)
EVEN = SimulatedScopeConfig(height=256, width=256)


def read(
    config: SimulatedScopeConfig, mean_e: float, frame: int = 0, **how: object
) -> NDArray[np.float64]:
    binning = int(how.get("binning", 1))  # type: ignore[call-overload]
    window = how.get("window")
    shape = window.shape if isinstance(window, Window) else (config.height, config.width)
    out = np.empty((shape[0] // binning, shape[1] // binning), np.uint16)
    even = np.full(shape, mean_e, np.float32)
    Sensor(config).read_out(even, frame, out, **how)  # type: ignore[arg-type]
    return out.astype(float)


def test_the_slope_of_the_photon_transfer_is_the_gain_within_a_hundredth() -> None:
    means, variances = [], []
    for level, mean_e in enumerate([2.0, 8.0, 14.0, 18.0, 22.0, 60.0, 400.0, 2500.0]):
        one, other = (read(EVEN, mean_e, 2 * level + i) for i in (0, 1))
        means.append(0.5 * (one.mean() + other.mean()) - 100.0)
        variances.append((one - other).var() / 2)
    slope, floor = np.polyfit(means, variances, 1, w=1 / np.array(variances))
    assert slope == pytest.approx(2.0, rel=0.01)
    assert floor == pytest.approx((2.0 * 1.6) ** 2 + 1 / 12, rel=0.06)


@pytest.mark.parametrize("mean", [0.3, 4.0, 16.5, 20.0, 25.0, 60.0, 200.0, 1000.0])
def test_a_frame_of_photons_passes_the_chi_square_test_for_poissons_law(mean: float) -> None:
    n = 256 * 256
    bits = np.random.default_rng(4).integers(0, 2**32, n, dtype=np.uint32)
    numbers = poisson_numbers(np.full(n, mean, np.float32), bits).astype(int)
    ks = np.arange(int(mean + 12 * np.sqrt(mean) + 12))
    expected = stats.poisson.pmf(ks, mean) * n
    found = np.bincount(numbers, minlength=ks.size)[: ks.size]
    often = expected > 10
    chi2 = ((found[often] - expected[often]) ** 2 / expected[often]).sum()
    assert 1e-3 < stats.chi2.sf(chi2, often.sum() - 1) < 1 - 1e-5


def test_each_pixel_has_its_own_offset_and_noise_and_both_can_be_measured() -> None:
    maps = PixelMaps.of(MAPS)
    dark = np.stack([read(MAPS, 0.0, frame) for frame in range(120)])
    offset, noise = dark.mean(0), dark.std(0, ddof=1) / 2.0
    assert np.corrcoef(offset.ravel(), maps.offset_adu.ravel())[0, 1] > 0.95
    assert np.median(noise / maps.read_noise_e) == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(np.log(noise).ravel(), np.log(maps.read_noise_e).ravel())[0, 1] > 0.9


def test_read_noise_has_a_tail_and_the_median_of_the_config() -> None:
    noise = PixelMaps.of(MAPS).read_noise_e
    assert np.median(noise) == pytest.approx(1.6, rel=0.01)
    assert np.percentile(noise, 99) == pytest.approx(1.6 * np.exp(0.35 * 2.326), rel=0.03)
    assert stats.skew(noise.ravel()) > 0.8
    assert stats.kstest(np.log(noise / 1.6).ravel() / 0.35, "norm").pvalue > 1e-3


def test_a_pixels_gain_shows_under_light() -> None:
    maps = PixelMaps.of(MAPS)
    light = np.stack([read(MAPS, 3000.0, frame) for frame in range(60)]).mean(0)
    gain = (light - maps.offset_adu) / 3000.0
    assert np.corrcoef(gain.ravel(), maps.gain_adu_per_e.ravel())[0, 1] > 0.95
    assert maps.gain_adu_per_e.std() / maps.gain_adu_per_e.mean() == pytest.approx(0.01, rel=0.05)


def test_hot_pixels_glow_with_the_exposure_and_are_few() -> None:
    config = MAPS.model_copy(update={"hot_share": 1e-3, "hot_e_s": 2000.0})
    short, long = (read(config, 0.2, exposed_s=s) for s in (0.0, 1.0))
    assert (short > 160).sum() < 25
    assert 25 < (long > 300).sum() < 80


def test_two_cameras_and_two_seeds_have_other_pixels_and_other_noise() -> None:
    even, other = np.full((200, 240), 9.0, np.float32), MAPS.model_copy(update={"seed": 2})
    frames = []
    for config, camera in ((MAPS, 0), (MAPS, 1), (other, 0), (MAPS, 0)):
        out = np.empty((200, 240), np.uint16)
        frames.append(Sensor(config, camera).read_out(even, 5, out).astype(float).ravel())
    assert np.array_equal(frames[0], frames[3])
    assert abs(np.corrcoef(frames[0], frames[1])[0, 1]) < 0.03
    assert abs(np.corrcoef(frames[0], frames[2])[0, 1]) < 0.03


def test_a_region_is_read_through_its_own_pixels() -> None:
    window = Window(30, 20, 100, 90)
    maps, part = PixelMaps.of(MAPS), PixelMaps.of(MAPS).of_part(window)
    assert np.array_equal(part.offset_adu, maps.offset_adu[20:110, 30:130])
    image = np.stack([read(MAPS, 0.0, n, window=window) for n in range(40)]).mean(0)
    assert np.corrcoef(image.ravel(), part.offset_adu.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("binning", [2, 4])
@pytest.mark.parametrize("maps", [False, True])
def test_binning_adds_light_and_noise_of_its_pixels_and_keeps_one_offset(
    binning: int, maps: bool
) -> None:
    config = MAPS.model_copy(update={"pixel_maps": maps, "read_noise_tail": 0.0})
    pair = [read(config, 30.0, frame, binning=binning) for frame in (1, 2)]
    assert pair[0].shape == (200 // binning, 240 // binning)
    assert pair[0].mean() == pytest.approx(100 + 2 * 30 * binning**2, rel=0.005)
    variance = (pair[0] - pair[1]).var() / 2
    assert variance == pytest.approx(4 * binning**2 * (30 + 1.6**2), rel=0.06)


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (12, 4095), (16, 65535)])
def test_a_converter_clips_at_its_bits_and_keeps_the_gain(bits: int, top: int) -> None:
    assert read(EVEN, 1e5, bits=bits).min() == top
    assert read(EVEN, 20.0, bits=bits).mean() == pytest.approx(140.0, abs=0.2)


def test_eight_bits_fit_into_bytes() -> None:
    out = np.empty((256, 256), np.uint8)
    image = Sensor(EVEN).read_out(np.full(out.shape, 1e4, np.float32), 0, out, bits=8)
    assert image.dtype == np.uint8
    assert (image == 255).all()


def test_a_full_well_holds_no_more_and_then_the_noise_is_the_amplifiers() -> None:
    config = EVEN.model_copy(update={"full_well_e": 500.0})
    image = read(config, 5000.0)
    assert image.mean() == pytest.approx(1100.0, abs=0.2)
    assert image.std() == pytest.approx(3.2, rel=0.05)


def test_half_the_quantum_efficiency_is_half_the_electrons_and_no_less_dark_current() -> None:
    window = Window(0, 0, 256, 256)
    nuclei = one_cell()
    whole, half = (
        Optics(EVEN.model_copy(update={"quantum_efficiency": q})).expected(
            nuclei, nuclei.dye, 0.01, (0.0, 0.0), 0.0, window
        )
        for q in (1.0, 0.5)
    )
    assert half == pytest.approx(0.5 * whole, rel=1e-5)


def test_a_rolling_shutter_wastes_light_and_a_global_one_does_not() -> None:
    config = SimulatedScopeConfig(line_time_us=10.0, shutter_kind="rolling")
    rolling, at_once = Readout.of(config), Readout(1e-5, is_rolling=False)
    assert rolling.lit_s(0.02, 512) == pytest.approx(0.02 + 512e-5)
    assert at_once.lit_s(0.02, 512) == 0.02
    assert rolling.row_starts_s(3) == pytest.approx([0.0, 1e-5, 2e-5])
    assert not at_once.row_starts_s(3).any()


@pytest.mark.parametrize(("exposure_s", "frame_s"), [(0.001, 5.12e-3), (0.05, 0.05)])
def test_a_frame_is_never_faster_than_its_readout(exposure_s: float, frame_s: float) -> None:
    assert Readout(1e-5, is_rolling=False).frame_s(exposure_s, 512) == pytest.approx(frame_s)
    assert Readout(0.0, is_rolling=False).frame_s(exposure_s, 512) == exposure_s
    assert Readout(1e-5, is_rolling=True).frame_s(exposure_s, 512) > exposure_s


def test_the_focus_drifts_steadily_and_wanders_within_its_measure() -> None:
    steady = FocusDrift.of(SimulatedScopeConfig(focus_drift_um_h=1.8))
    assert steady.at(7200.0) == pytest.approx(3.6)
    wandering = FocusDrift.of(SimulatedScopeConfig(focus_wander_um=0.5, seed=3))
    way = np.array([wandering.at(t) for t in np.arange(0.0, 400_000.0, 200.0)])
    assert wandering.at(0.0) == 0.0
    assert way.std() == pytest.approx(0.5, rel=0.05)
    assert np.abs(np.diff(way)).max() < 1.5
    assert FocusDrift.of(SimulatedScopeConfig()).at(1e6) == 0.0


@pytest.mark.parametrize(
    "config",
    [
        SimulatedScopeConfig(illumination_tilt=0.3),
        SimulatedScopeConfig(illumination_fringe=0.2),
        SimulatedScopeConfig(illumination_tilt=-0.9, illumination_fringe=0.5, vignette=0.9),
    ],
)
def test_uneven_light_is_one_in_the_centre_and_never_dark(config: SimulatedScopeConfig) -> None:
    light = Illumination.of(config)
    assert light.at(np.zeros(1), np.zeros(1))[0] == pytest.approx(1.0)
    x, y = np.meshgrid(np.linspace(-83, 83, 99), np.linspace(-83, 83, 99))
    assert light.at(x, y).min() > 0.0
    if config.illumination_tilt == 0.3:
        flat = Illumination.of(SimulatedScopeConfig())
        assert (light.at(x, y) / flat.at(x, y))[:, -1] == pytest.approx(1.3, abs=0.01)


def one_cell() -> Nuclei:
    one = np.ones(1)
    return Nuclei(
        ids=np.arange(1), parents=np.full(1, -1), keys=np.ones(1, np.uint64), x_um=8.0 * one,
        y_um=-5.0 * one, long_um=4.0 * one, short_um=3.5 * one, angle=0.4 * one, dye=one,
        condensed=0.0 * one, phase=np.zeros(1, np.int8), born_s=0.0 * one, damage=0.0 * one,
    )  # fmt: skip


def by_lamp(kind: str, focus_um: float, seconds: float = 0.01) -> NDArray[np.float64]:
    optics = Optics(EVEN.model_copy(update={"transmitted": kind}))
    image = optics.transmitted(one_cell(), seconds, (0.0, 0.0), focus_um, Window(0, 0, 256, 256))
    return image.astype(float)


def test_by_the_lamp_the_cell_is_dark_in_phase_contrast_and_has_a_bright_halo() -> None:
    image = by_lamp("phase", 0.0)
    background = np.median(image)
    assert background == pytest.approx(2000.0, rel=0.01)
    y, x = ndimage.center_of_mass(np.clip(background - image, 0, None) > 0.05 * background)
    assert (x, y) == pytest.approx((127.5 + 8 / 0.325, 127.5 - 5 / 0.325), abs=4.0)
    assert image.min() < 0.9 * background
    assert image.max() > 1.01 * background


def test_in_brightfield_a_cell_vanishes_in_focus_and_turns_over_through_it() -> None:
    below, sharp, above = (by_lamp("brightfield", z) - 2000.0 for z in (-4.0, 0.0, 4.0))
    assert np.abs(sharp).max() < 1e-3 * np.abs(above).max() + 1e-2
    assert np.corrcoef(below.ravel(), above.ravel())[0, 1] < -0.99
    assert not by_lamp("brightfield", 0.0, seconds=0.0).any()
