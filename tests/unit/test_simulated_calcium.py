"""Calcium transients: how often, how bright, how long."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from acquire.simulated.presets import preset
from acquire.simulated.specimen.calcium import RISE, activity
from acquire.simulated.specimen.draws import root_keys
from acquire.simulated.specimen.specimen import Specimen

KEYS = root_keys(5, 400)


def test_the_mean_is_that_of_a_poisson_train() -> None:
    """Campbell's theorem: the mean is the rate times the area of one flash."""
    levels = np.array([activity(KEYS, t, 6.0, 2.0, 3.0) for t in np.arange(100.0, 700.0, 7.0)])
    decay = 3.0
    peak = np.max(np.exp(-np.linspace(0, 3, 9999)) * -np.expm1(-np.linspace(0, 3, 9999) / RISE))
    area_s = decay * (1.0 - RISE / (1.0 + RISE)) / peak
    assert levels.mean() == pytest.approx(1.0 + 6.0 / 60.0 * 2.0 * area_s, rel=0.02)


def test_single_flashes_peak_as_high_and_fade_as_fast_as_they_should() -> None:
    t_s = np.arange(0.0, 300.0, 0.1)
    trace = np.array([activity(KEYS[:1], t, 0.6, 2.5, 2.0)[0] for t in t_s]) - 1.0
    peak = int(np.argmax(trace))
    assert trace[peak] == pytest.approx(2.5, rel=0.02)
    later = trace[peak + 30] / trace[peak + 10]  # both when the rise is over, 2 s apart
    assert later == pytest.approx(np.exp(-2.0 / 2.0), rel=0.01)
    assert trace.min() == 0.0


def test_the_times_between_flashes_are_exponential() -> None:
    t_s = np.arange(0.0, 600.0, 0.2)
    traces = np.array([activity(KEYS[:40], t, 3.0, 1.0, 0.2) for t in t_s])
    begins = (np.diff(traces, axis=0) > 0.1) & (traces[:-1] < 1.1)
    gaps = np.concatenate([np.diff(t_s[:-1][begins[:, i]]) for i in range(40)])
    assert gaps.mean() == pytest.approx(20.0, rel=0.1)
    long = gaps[gaps > 1.0] - 1.0  # nearer flashes cannot be told apart
    assert stats.kstest(long, stats.expon(scale=20.0).cdf).pvalue > 0.01


@given(st.floats(0.0, 1e6))
def test_a_time_has_one_answer_whoever_else_is_asked(t_s: float) -> None:
    assert np.array_equal(
        activity(KEYS[:30], t_s, 3.0, 2.0, 2.0)[7:8], activity(KEYS[7:8], t_s, 3.0, 2.0, 2.0)
    )
    assert (activity(KEYS[:30], t_s, 3.0, 2.0, 2.0) >= 1.0).all()


@pytest.mark.parametrize(("rate", "gain"), [(0.0, 2.0), (3.0, 0.0)])
def test_cells_without_calcium_stay_as_bright_as_they_are(rate: float, gain: float) -> None:
    assert (activity(KEYS, 12.3, rate, gain, 2.0) == 1.0).all()


def test_cells_of_the_preset_flash_each_by_itself() -> None:
    specimen = Specimen(preset("calcium"))
    traces = []
    for t_s in np.arange(0.0, 120.0, 1.0):
        specimen.advance_to(float(t_s))
        truth = specimen.truth()
        assert truth.dye == pytest.approx(specimen.dye())
        traces.append(truth.activity)
    levels = np.array(traces)
    assert (levels.max(axis=0) > 2.0).mean() > 0.9
    assert np.abs(np.corrcoef(levels[:, :20].T) - np.eye(20)).mean() < 0.15
