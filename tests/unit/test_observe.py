"""What a policy sees is the median of the cells that can be believed."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.settings import ChannelSettings
from realtime.detections import Detections
from realtime.observe import observe
from realtime.policy import Observation, Trust
from realtime.wire import TrackEvent, Tracks
from tests.unit.policy_samples import applied

EMPTY = np.empty(0)
TRUST = Trust(is_trusted=True, why="")


def look(tracks: Tracks, events: tuple[TrackEvent, ...] = ()) -> Observation:
    none = Detections(EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, 3.0, 1.5)
    return observe(
        shot=7,
        position=2,
        t_s=1.5,
        seqs=(70, 71),
        applied=(applied(ChannelSettings("gfp", 20.0, 0.2)),),
        detections=none,
        tracks=tracks,
        events=events,
        trust=TRUST,
        saturated_fraction=0.25,
        dose_j_cm2={"laser": 0.5},
    )


def cells(ages: tuple[int, ...], missed: tuple[int, ...], photons: tuple[float, ...]) -> Tracks:
    n = len(ages)
    return Tracks(
        ids=tuple(range(n)),
        parents=(-1,) * n,
        y_px=(0.0,) * n,
        x_px=(0.0,) * n,
        vy_px=(3.0,) * n,
        vx_px=(4.0,) * n,
        ages=ages,
        missed=missed,
        photons=photons,
        area_px=(100.0,) * n,
    )


def test_facts_of_the_shot_are_passed_on() -> None:
    seen = look(Tracks())
    assert (seen.shot, seen.position, seen.t_s, seen.seqs) == (7, 2, 1.5, (70, 71))
    assert (seen.trust, seen.saturated_fraction) == (TRUST, 0.25)
    assert seen.dose_j_cm2 == {"laser": 0.5}
    assert seen.background_e == 3.0


def test_without_cells_every_number_is_zero() -> None:
    seen = look(Tracks())
    assert (seen.n_tracks, seen.n_confirmed) == (0, 0)
    assert (seen.snr, seen.signal_e, seen.motion_px) == (0.0, 0.0, 0.0)


def test_only_confirmed_cells_that_were_seen_now_count() -> None:
    seen = look(cells((9, 3, 2, 9), (0, 0, 0, 1), (200.0, 400.0, 9e9, 9e9)))
    assert (seen.n_tracks, seen.n_confirmed) == (4, 3)
    assert seen.signal_e == 3.0
    assert seen.motion_px == 5.0


def test_snr_is_that_of_the_camera() -> None:
    seen = look(cells((5,), (0,), (200.0,)))
    assert seen.snr == pytest.approx(2.0 * 100 / np.sqrt((2.0 + 3.0 + 1.5**2) * 100))


def test_a_division_counts_when_first_seen_and_not_again_at_its_verdict() -> None:
    first, verdict = TrackEvent("division", 5, 1), TrackEvent("division", 5, 1, True)
    assert look(Tracks(), (first, TrackEvent("birth", 6))).n_divisions == 1
    assert look(Tracks(), (verdict,)).n_divisions == 0
