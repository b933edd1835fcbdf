"""The stated error of a network, scaled on known frames, holds the true one as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from models.conformal import (
    UNKNOWN,
    Conformal,
    contrast_of,
    fit,
    octave,
)
from models.conformal_pairs import fit_from_pairs, squared_error


def frames(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stated and true error and light of frames; their ratio goes with the light."""
    mean_e = 2.0 ** rng.uniform(0, 6, n)
    stated = rng.uniform(0.2, 3.0, n)
    true = stated * (1.3 - 0.05 * np.log2(mean_e)) * rng.lognormal(0.0, 0.12, n)
    return stated, true, mean_e


def test_the_interval_holds_the_true_error_of_four_out_of_five_new_frames() -> None:
    rng = np.random.default_rng(1)
    scales = fit("cells", *frames(rng, 3_000)) | fit("background", *frames(rng, 3_000))
    expect = Conformal(scales)
    assert expect.is_known
    told = [(expect(s, m, cells=True), t) for s, t, m in zip(*frames(rng, 3_000), strict=True)]
    inside = np.mean([e.low_e <= true <= e.high_e for e, true in told])
    assert inside == pytest.approx(0.8, abs=0.03)
    assert np.median([e.rmse_e / true for e, true in told]) == pytest.approx(1.0, abs=0.02)


def test_a_second_noisy_frame_gives_the_same_scales_as_the_truth() -> None:
    rng, pixels = np.random.default_rng(2), 4_000
    stated, true, mean_e = frames(rng, 3_000)
    chance = mean_e * np.sqrt(2 / pixels)  # of a squared error at this light: the noise's variance
    squared = true**2 + chance * rng.standard_normal(len(true))
    by_truth = fit("cells", stated, true, mean_e)
    by_pairs = fit_from_pairs("cells", stated, squared, chance, mean_e)
    keys = [key for key in by_truth if key.split(".")[1] in ("0", "1", "2")]
    assert len(keys) == 9
    for key in keys:
        assert by_pairs[key] == pytest.approx(by_truth[key], rel=0.06), key


def test_the_squared_error_against_a_noisy_frame_has_the_true_one_as_its_mean() -> None:
    rng, read_e = np.random.default_rng(3), 1.6
    truth = rng.uniform(0.1, 40.0, (400, 400))
    estimate = truth + rng.normal(0.3, 1.0, truth.shape)
    again = rng.poisson(truth) + read_e * rng.standard_normal(truth.shape)
    found = squared_error(estimate, again, read_e)
    error = found.std() / np.sqrt(found.size)
    assert abs(found.mean() - np.mean((estimate - truth) ** 2)) < 4 * error


def test_what_has_no_scale_is_not_known() -> None:
    assert not Conformal({}).is_known
    assert Conformal({})(1.0, 5.0, cells=True) == UNKNOWN
    scales = {f"cells.3.{part}": 1.0 for part in ("low", "middle", "high")}
    assert Conformal(scales)(float("nan"), 5.0, cells=True) == UNKNOWN
    assert Conformal(scales)(2.0, 5.0, cells=True).rmse_e == 2.0


@pytest.mark.parametrize(("mean_e", "wanted"), [(0.0, -5), (1.0, 0), (7.9, 2), (8.0, 3), (1e9, 9)])
def test_octaves_are_powers_of_two_within_bounds(mean_e: float, wanted: int) -> None:
    assert octave(mean_e) == wanted


def test_an_octave_with_few_frames_gets_no_scale_of_its_own() -> None:
    few = np.full(10, 3.0)
    assert fit("cells", few, few, few) == {}


def scenes(
    rng: np.random.Generator, n: int, contrast: float, spread: float = 0.2
) -> tuple[np.ndarray, ...]:
    """Frames of faint or clear scenes: what is faint is stated less sharply."""
    stated, true, mean_e = frames(rng, n)
    beside = contrast + spread * rng.standard_normal(n)
    true = true * rng.lognormal(0.0, 0.2 * np.exp(-0.4 * beside), n)
    return stated, true, mean_e, beside


def share_inside(expect: Conformal, rows: tuple[np.ndarray, ...], *, is_asked: bool) -> float:
    told = [
        (expect(s, m, cells=True, contrast=c if is_asked else None), t)
        for s, t, m, c in zip(*rows, strict=True)
    ]
    return float(np.mean([e.low_e <= true <= e.high_e for e, true in told]))


def test_intervals_hold_for_faint_and_for_clear_scenes_alone() -> None:
    rng = np.random.default_rng(5)
    expect = Conformal(fit("cells", *scenes(rng, 8_000, 0.0, 1.0)))
    for contrast in (-1.0, 1.0):
        new = scenes(rng, 2_000, contrast)
        assert share_inside(expect, new, is_asked=True) == pytest.approx(0.8, abs=0.05)
        assert abs(share_inside(expect, new, is_asked=False) - 0.8) > 0.06


def test_few_frames_that_count_much_outvote_many() -> None:
    stated, mean_e = np.ones(1_000), np.full(1_000, 3.0)
    true = np.where(np.arange(1_000) < 100, 2.0, 1.0)
    heavy = fit("cells", stated, true, mean_e, weight=np.where(true > 1.5, 100.0, 1.0))
    assert heavy["cells.1.middle"] == 2.0
    assert fit("cells", stated, true, mean_e)["cells.1.middle"] == 1.0


def test_contrast_is_bounded_and_none_where_a_region_is_missing() -> None:
    assert contrast_of(20.0, 2.0) == pytest.approx(np.log(10.0))
    assert contrast_of(1e9, -1.0) == 3.0
    assert contrast_of(0.0, 1e9) == -3.0
    assert contrast_of(float("nan"), 2.0) == 0.0


def test_beyond_the_contrasts_that_were_measured_the_last_scale_holds() -> None:
    scales = fit("cells", *scenes(np.random.default_rng(6), 3_000, 0.0))
    expect = Conformal(scales)
    far, further = (expect(1.0, 6.0, cells=True, contrast=c) for c in (5.0, 50.0))
    assert far == further
    assert expect(1.0, 6.0, cells=True, contrast=-5.0) != far
