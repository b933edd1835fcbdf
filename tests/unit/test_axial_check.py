"""What planes that were taken say of those that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from models.axial_check import AxialCheck, PlaneError

READ_E = 1.5
SHAPE = (128, 144)


def scene(level_e: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return level_e * (1.2 + np.sin(x / 7.0) * np.cos(y / 5.0))


def taken(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    return (rng.poisson(truth) + rng.normal(0.0, READ_E, SHAPE)).astype(np.float32)


def wave(rms: float, period_px: float) -> np.ndarray:
    """An error that is spread over the whole image."""
    _, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return rms * np.sqrt(2.0) * np.sin(2 * np.pi * x / period_px)


def checked(
    drawn_error: np.ndarray, blend_error: np.ndarray, planes: int = 4, level_e: float = 20.0
) -> PlaneError:
    rng, check, truth = np.random.default_rng(1), AxialCheck(), scene(level_e)
    drawn, blend = ((truth + error).astype(np.float32) for error in (drawn_error, blend_error))
    for _ in range(planes):
        said = check.add(taken(rng, truth), drawn, blend, READ_E)
    return said


def test_a_better_network_counts_whole() -> None:
    said = checked(wave(0.2, 9.0), wave(2.0, 23.0))
    assert said.weight > 0.95
    assert said.blend_error == pytest.approx(2.0, rel=0.1)
    assert said.error < 0.6


def test_a_network_that_only_adds_errors_counts_nothing() -> None:
    said = checked(wave(2.0, 9.0), wave(0.3, 23.0))
    assert said.weight < 0.1
    assert said.error == pytest.approx(2.0, rel=0.1)


def test_where_half_of_the_correction_is_right_half_of_it_counts() -> None:
    right, wrong = wave(2.0, 23.0), wave(2.0, 9.0)
    said = checked(wrong, right)  # the correction is -right + wrong
    assert said.weight == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("level_e", [2.0, 20.0, 200.0])
def test_the_noise_of_the_plane_is_no_error(level_e) -> None:
    truth = scene(level_e)
    error = 0.3 * truth.std()
    said = checked(wave(error, 23.0), wave(error, 23.0), planes=6, level_e=level_e)
    assert said.share == pytest.approx(0.3, abs=0.04)
    assert said.low <= said.share <= said.high
    assert said.planes == 6


def test_network_and_line_count_as_much_as_each_is_right() -> None:
    rng, check, truth = np.random.default_rng(4), AxialCheck(), scene(20.0)
    of_line, of_net = wave(2.0, 23.0), wave(2.0, 9.0)
    blend = (truth - 1.5 * of_line - 0.6 * of_net).astype(np.float32)
    line, drawn = ((blend + part).astype(np.float32) for part in (of_line, of_net))
    for _ in range(6):
        said = check.add(taken(rng, truth), drawn, blend, READ_E, line)
    assert said.line_weight == pytest.approx(1.5, abs=0.1)
    assert said.weight == pytest.approx(0.6, abs=0.1)
    assert said.share < 0.1


def test_a_network_that_says_what_the_line_says_is_no_news() -> None:
    rng, check, truth = np.random.default_rng(5), AxialCheck(), scene(20.0)
    blend = (truth - wave(2.0, 23.0)).astype(np.float32)
    line = truth.astype(np.float32)
    for _ in range(4):
        said = check.add(taken(rng, truth), line, blend, READ_E, line)
    assert said.weight + said.line_weight == pytest.approx(1.0, abs=0.1)


def test_the_line_counts_within_bounds() -> None:
    rng, check, truth = np.random.default_rng(6), AxialCheck(), scene(20.0)
    blend = (truth - 10.0 * wave(1.0, 23.0)).astype(np.float32)
    line = (blend + wave(1.0, 23.0)).astype(np.float32)
    assert check.add(taken(rng, truth), blend, blend, READ_E, line).line_weight == 3.0


def test_what_was_mended_is_believed_again() -> None:
    rng, check, truth = np.random.default_rng(2), AxialCheck(), scene(20.0)
    blend = (truth + wave(1.0, 23.0)).astype(np.float32)
    bad = (truth + wave(3.0, 9.0)).astype(np.float32)
    good = truth.astype(np.float32)
    for _ in range(10):
        said = check.add(taken(rng, truth), bad, blend, READ_E)
    assert said.weight < 0.2
    for _ in range(120):
        said = check.add(taken(rng, truth), good, blend, READ_E)
    assert said.weight > 0.8
