"""Sharpness is a property of the image, not of its light; a field that loses it is not believed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics.optics import Optics, Window
from models.focus import Sharpness, SharpnessMeter
from models.stabiliser import PixelMaps
from realtime.judging.focus import FocusGate
from realtime.policy import Trust
from tests.unit.test_simulated_optics import nuclei

GAIN, OFFSET, READ_NOISE_E = 2.0, 100.0, 1.6
SIDE = 256
OPTICS = Optics(SimulatedScopeConfig(height=SIDE, width=SIDE))
METER = SharpnessMeter(GAIN, OFFSET, READ_NOISE_E, 20.0)
TRUSTED = Trust(is_trusted=True, why="")
FLUENCES = [0.001, 0.004, 0.02]


def expected(fluence: float, defocus_um: float = 0.0) -> NDArray[np.float32]:
    """Nuclei on a grid, photo-electrons, (Y, X)."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-30, 30, 4), np.linspace(-30, 30, 4)))
    seen = nuclei(list(x), list(y), 4.0, 3.0, 0.6)
    window = Window(0, 0, SIDE, SIDE)
    return OPTICS.expected(seen, seen.dye, fluence, (0.0, 0.0), defocus_um, window)


def frame(mean_e: NDArray[np.float32], seed: int = 1) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    noisy = rng.poisson(mean_e) + rng.normal(0, READ_NOISE_E, mean_e.shape)
    return np.clip(np.rint(noisy * GAIN + OFFSET), 0, 65535).astype(np.uint16)


@pytest.mark.parametrize("fluence", FLUENCES)
def test_sharpness_does_not_depend_on_the_light(fluence: float) -> None:
    sharp = METER(frame(expected(fluence)))
    without_noise = METER(frame(expected(1.0))).ratio
    assert sharp.ratio == pytest.approx(without_noise, abs=4 * sharp.error + 0.02 * without_noise)


@pytest.mark.parametrize("fluence", FLUENCES)
def test_the_error_is_that_of_repeated_exposures(fluence: float) -> None:
    mean_e = expected(fluence)
    seen = [METER(frame(mean_e, seed)) for seed in range(30)]
    spread = float(np.std([s.ratio for s in seen]))
    assert 0.3 * spread < seen[0].error < 20 * spread


@pytest.mark.parametrize("fluence", FLUENCES)
def test_blur_lowers_it_more_with_every_micrometre(fluence: float) -> None:
    ratios = [METER(frame(expected(fluence, um))).ratio for um in (0.0, 3.0, 5.0)]
    assert ratios[0] > ratios[1] > ratios[2]
    assert ratios[2] < 0.5 * ratios[0]


def test_it_is_what_a_plain_computation_gives() -> None:
    mean_e = expected(0.02)
    small = mean_e[:255, :255].reshape(51, 5, 51, 5).mean((1, 3)).astype(float)
    soft, softest = (ndimage.gaussian_filter(small, s, mode="mirror") for s in (1.0, 3.2))
    plain = np.mean((small - soft) ** 2) / np.mean((soft - softest) ** 2)
    assert METER(frame(mean_e)).ratio == pytest.approx(plain, rel=0.03)


def test_where_there_is_only_noise_nothing_is_measured() -> None:
    assert METER(frame(np.full((SIDE, SIDE), 3.0, np.float32))) == Sharpness(0.0, np.inf)


# the gate --------------------------------------------------------------------------------------


def gate_that_knows(fluence: float, shots: int = 20) -> FocusGate:
    gate = FocusGate(METER)
    for seed in range(shots):
        assert gate(0, 0, frame(expected(fluence), seed), TRUSTED).is_trusted
    return gate


@pytest.mark.parametrize("fluence", FLUENCES)
def test_a_field_that_loses_focus_is_not_believed_until_it_is_sharp_again(fluence: float) -> None:
    gate = gate_that_knows(fluence)
    blurred, sharp = expected(fluence, 5.0), expected(fluence)
    lost = [gate(0, 0, frame(blurred, 50 + n), TRUSTED) for n in range(12)]
    assert not lost[-1].is_trusted
    assert lost[-1].why.startswith("out of focus")
    found = [gate(0, 0, frame(sharp, 80 + n), TRUSTED) for n in range(12)]
    assert found[-1].is_trusted


def test_in_too_little_light_to_tell_nothing_is_believed_again() -> None:
    gate = gate_that_knows(0.004)
    for seed in range(3):
        gate(0, 0, frame(expected(0.004, 5.0), seed), TRUSTED)
    dark = [gate(0, 0, frame(expected(2e-5, 5.0), n), TRUSTED) for n in range(30)]
    assert not any(trust.is_trusted for trust in dark)


def test_each_position_and_plane_is_compared_with_itself() -> None:
    gate = gate_that_knows(0.02)
    blurred = [frame(expected(0.02, 5.0), n) for n in range(12)]
    assert all(gate(1, 0, adu, TRUSTED).is_trusted for adu in blurred)
    assert all(gate(0, 1, adu, TRUSTED).is_trusted for adu in blurred)
    assert not gate(0, 0, blurred[0], TRUSTED).is_trusted


def test_images_that_are_not_believed_anyway_teach_nothing_and_keep_their_reason() -> None:
    gate, doubted = FocusGate(METER), Trust(is_trusted=False, why="the network invents")
    for seed in range(20):
        seen = gate(0, 0, frame(expected(0.02, 5.0), seed), doubted)
        assert seen == doubted
    assert gate(0, 0, frame(expected(0.02)), TRUSTED).focus == 0.0  # nothing to compare with yet


# a step ----------------------------------------------------------------------------------------


def test_one_depth_of_field_is_told_within_ten_frames_and_forgiven_when_it_is_gone() -> None:
    gate = gate_that_knows(0.02)
    blurred, sharp = expected(0.02, 1.3), expected(0.02)
    told = [gate(0, 0, frame(blurred, 50 + n), TRUSTED) for n in range(10)]
    assert "out-of-focus" in told[0].flags
    assert "everywhere at once" in told[0].why
    found = [gate(0, 0, frame(sharp, 80 + n), TRUSTED) for n in range(3)]
    assert found[-1].is_trusted


def test_one_place_that_changes_is_no_loss_of_focus() -> None:
    gate, sharp, blurred = gate_that_knows(0.02), expected(0.02), expected(0.02, 3.0)
    mixed = sharp.copy()
    mixed[:100, :100] = blurred[:100, :100]  # a fifth of the field
    assert all(gate(0, 0, frame(mixed, 50 + n), TRUSTED).is_trusted for n in range(6))


def lasting(gate: FocusGate, **about: bool) -> list[Trust]:
    duller = expected(0.02, 1.3)
    return [gate(0, 0, frame(duller, 50 + n), TRUSTED, **about) for n in range(40)]


def test_a_small_loss_that_lasts_is_believed_again_but_stays_told() -> None:
    gate = gate_that_knows(0.02)
    told = lasting(gate)
    assert not told[0].is_trusted
    assert all(trust.is_trusted for trust in told[-10:])
    assert all(trust.flags == ("duller",) for trust in told[-10:])
    assert "refocus, or look at the cells" in told[-1].why
    found = [gate(0, 0, frame(expected(0.02), 200 + n), TRUSTED) for n in range(3)]
    assert found[-1].flags == ()


def test_a_focus_that_is_held_is_evidence_that_the_cells_have_changed() -> None:
    told = lasting(gate_that_knows(0.02), is_held=True)
    assert not told[0].is_trusted
    assert all(trust.is_trusted and not trust.flags for trust in told[-10:])


def test_a_lock_that_speaks_later_explains_a_lasting_loss() -> None:
    gate = gate_that_knows(0.02)
    assert lasting(gate)[-1].flags == ("duller",)
    held = gate(0, 0, frame(expected(0.02, 1.3), 300), TRUSTED, is_held=True)
    after = gate(0, 0, frame(expected(0.02, 1.3), 301), TRUSTED)
    assert (held.flags, after.flags) == ((), ())


def test_tiles_without_a_body_are_not_told() -> None:
    METER(frame(np.full((SIDE, SIDE), 3.0, np.float32)))
    assert np.isnan(METER.tiles).all()


# -- maps ------------------------------------------------------------------------------------------


def test_a_fixed_pattern_is_no_sharpness_where_the_maps_are_known() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:256, :256]
    light = 2.0 + 20.0 * np.exp(-((((y - 120) ** 2 + (x - 130) ** 2) / 300.0) ** 2))
    offset = OFFSET + 8.0 * GAIN * rng.standard_normal(light.shape)
    good = rng.random(light.shape) > 0.002
    maps = PixelMaps(offset, np.full(light.shape, READ_NOISE_E), None, good)

    def take() -> np.ndarray:
        noisy = rng.poisson(light) + READ_NOISE_E * rng.standard_normal(light.shape)
        adu = np.where(good, noisy * GAIN + offset, 60_000.0)
        return np.clip(np.rint(adu), 0, 65535).astype(np.uint16)

    clean = rng.poisson(light) + READ_NOISE_E * rng.standard_normal(light.shape)
    right = METER(np.clip(np.rint(clean * GAIN + OFFSET), 0, 65535).astype(np.uint16)).ratio
    known = SharpnessMeter(GAIN, OFFSET, READ_NOISE_E, 20.0, maps)
    assert known(take()).ratio == pytest.approx(right, abs=0.03)
    assert METER(take()).ratio > right + 0.1
