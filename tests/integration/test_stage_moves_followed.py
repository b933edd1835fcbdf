"""The simulated stage is told to move inside a field, its camera looks, and the loop follows."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import ChannelSettings, Settings
from acquire.simulated import SimulatedScopeConfig
from acquire.stand.habits import StageHabits
from acquire.stand.stage import Stage
from models.denoise import Passthrough
from realtime.detect import Detector
from realtime.detecting.config import DetectorConfig
from realtime.pipeline import Pipeline
from realtime.policy import Trust
from realtime.policy.fixed import FixedPolicy
from realtime.steps import Steps
from realtime.tracker.config import TrackerConfig
from realtime.tracker.doubts import JUMPED
from realtime.tracker.tracker import Tracker
from realtime.wire import Result
from tests.simulated_scope import Scope
from tests.unit.run_samples import applied

SIDE_PX = 256
CONFIG = SimulatedScopeConfig(
    height=SIDE_PX,
    width=SIDE_PX,
    pixel_um=0.65,
    n_cells=40,
    field_scale=1.0,
    cycle_h=1000.0,
    seed=3,
)
STEP_UM = 21.0
"""Farther than a cell is wide, and than cells are apart: who is not told mistakes them."""
FIRST, SECOND = 8, 12
"""Shots before which the stage goes by +x, then by +y."""
RIM_PX = 20.0
"""Whoever is nearer to the rim may be cut by it, or wander out."""


class Mirrored(Tracker):
    """Is told the wrong sign."""

    def carry(self, y_px: float, x_px: float) -> None:
        super().carry(-y_px, -x_px)


class Untold(Tracker):
    """Is told nothing."""

    def carry(self, y_px: float, x_px: float) -> None:
        pass


def pipeline_of(kind: type[Tracker]) -> Pipeline:
    camera = (CONFIG.gain_adu_per_e, CONFIG.offset_adu, CONFIG.read_noise_e)
    return Pipeline(
        Steps(
            Passthrough((SIDE_PX, SIDE_PX), *camera),
            Detector(DetectorConfig(diameter_px=18.0), CONFIG.read_noise_e),
            lambda: kind(TrackerConfig()),
            lambda _, __: Trust(is_trusted=True, why=""),
            FixedPolicy(Settings((ChannelSettings("gfp", 50.0, 0.5),))),
            None,
            saturation_adu=65535.0,
            pixel_um=CONFIG.pixel_um,
        )
    )


def film(scope: Scope, kind: type[Tracker]) -> list[Result]:
    pipeline, results = pipeline_of(kind), []
    stage = Stage(scope.core, StageHabits(), lambda _: None)
    scope.shine(50.0, 50.0)
    for n in range(16):
        scope.t_s = 60.0 * n
        stage.move_to(STEP_UM * (n >= FIRST), STEP_UM * (n >= SECOND), 0.0)
        ((adu, _),) = scope.take()
        info = FrameInfo(
            n, "Camera", n, n, scope.t_s, Shot(n, 0, 1), 0, Index(t=n), SIDE_PX, SIDE_PX,
            stage.known_um(), applied(),
        )  # fmt: skip
        pipeline.see(info, adu)
        results.append(pipeline.answer()[0])
    return results


def films(kind: type[Tracker]) -> list[Result]:
    scope = Scope(CONFIG)
    try:
        return film(scope, kind)
    finally:
        scope.close()


def places(result: Result) -> dict[int, tuple[float, float]]:
    tracks = result.tracks
    seen = [missed == 0 for missed in tracks.missed]
    all_cells = zip(tracks.ids, tracks.y_px, tracks.x_px, seen, strict=True)
    return {name: (y, x) for name, y, x, is_seen in all_cells if is_seen}


def test_whoever_stays_in_view_keeps_its_name_when_the_stage_is_told_to_move() -> None:
    results = films(Tracker)
    step_px = STEP_UM / CONFIG.pixel_um
    for at, axis in ((FIRST, 1), (SECOND, 0)):
        before, after = places(results[at - 1]), places(results[at])
        stay = {
            name for name, place in before.items()
            if place[axis] > step_px + RIM_PX
            and min(place) > RIM_PX and max(place) < SIDE_PX - RIM_PX
        }  # fmt: skip
        assert len(stay) >= 12
        assert stay <= set(after)
        way = np.array([np.subtract(after[name], before[name]) for name in stay])
        went = np.zeros(2)
        went[axis] = -step_px
        np.testing.assert_allclose(np.median(way, axis=0), went, atol=1.0)
        assert np.abs(way - went).max() < 8.0  # all of them, and not the neighbour's place
    kinds = {event.kind for result in results[FIRST:] for event in result.events}
    assert not kinds & {"birth", "division"}
    assert not any(JUMPED in result.tracks.flags for result in results)


@pytest.mark.parametrize("kind", [Mirrored, Untold])
def test_a_move_that_is_told_wrongly_is_a_jump(kind: type[Tracker]) -> None:
    results = films(kind)
    assert [n for n, r in enumerate(results) if JUMPED in r.tracks.flags] == [FIRST, SECOND]
