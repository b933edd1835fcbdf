from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.light.trace import Level, Trace, is_seen, leak

MS = 1_000_000


def seen(on_ms: float, off_ms: float, *, frame_ms: float = 5.0, noise: float = 0.0) -> Trace:
    """What a camera sees of a light of 50 counts over a dark of 100, integrated frame by frame."""
    edges_ms = np.arange(0.0, 1000.0, frame_ms)
    lit_ms = np.clip(np.minimum(edges_ms[1:], off_ms) - np.maximum(edges_ms[:-1], on_ms), 0, None)
    counts = 100.0 + 50.0 * lit_ms / frame_ms
    counts += np.random.default_rng(1).normal(0, noise, len(counts)) if noise else 0.0
    return Trace([round(t * MS) for t in edges_ms[1:]], counts.tolist())


@given(
    on_ms=st.floats(205.0, 290.0),
    off_ms=st.floats(605.0, 690.0),
    frame_ms=st.floats(1.0, 20.0),
)
def test_a_change_is_found_to_a_fraction_of_a_frame(
    on_ms: float, off_ms: float, frame_ms: float
) -> None:
    trace = seen(on_ms, off_ms, frame_ms=frame_ms)
    dark, lit = trace.level(0, 200 * MS), trace.level(400 * MS, 600 * MS)
    assert trace.came_ns(dark, lit, 200 * MS, 400 * MS) / MS == pytest.approx(on_ms, abs=0.01)
    assert trace.went_ns(dark, lit, 600 * MS, 900 * MS) / MS == pytest.approx(off_ms, abs=0.01)


def test_noise_moves_a_change_by_no_more_than_it_must() -> None:
    trace = seen(233.0, 641.0, noise=1.0)  # 2 % of the light in each frame
    dark, lit = trace.level(0, 200 * MS), trace.level(400 * MS, 600 * MS)
    assert trace.came_ns(dark, lit, 200 * MS, 400 * MS) / MS == pytest.approx(233.0, abs=3.0)
    assert trace.went_ns(dark, lit, 600 * MS, 800 * MS) / MS == pytest.approx(641.0, abs=3.0)


def test_frames_that_did_not_come_are_no_delay_and_no_number() -> None:
    nothing = Trace([], [])
    assert math.isnan(nothing.period_ms)
    level = nothing.level(0, MS)
    assert not is_seen(level, level)
    assert math.isnan(nothing.came_ns(Level(1, 0, 9), Level(2, 0, 9), 0, MS))
    assert math.isnan(leak(level, level, level).share)


def test_a_light_is_seen_only_beyond_the_noise_of_a_frame() -> None:
    dark = Level(100.0, 0.1, 100)  # so the noise of one frame is 1 count
    assert is_seen(dark, Level(110.0, 0.1, 100))
    assert not is_seen(dark, Level(104.0, 0.1, 100))
    assert not is_seen(dark, Level(math.nan, math.inf, 0))


def test_a_leak_is_a_share_of_the_light_that_was_switched() -> None:
    dark, lit = Level(100.0, 0.01, 100), Level(600.0, 0.5, 100)
    found = leak(dark, lit, Level(105.0, 0.01, 100))
    assert found.share == pytest.approx(0.01)
    assert found.is_seen
    assert not leak(dark, lit, Level(100.02, 0.01, 100)).is_seen
