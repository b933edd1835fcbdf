"""Hardware sequences: what the meter and the frames say of exposures, powers and places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from useq import MDAEvent

from acquire.simulated import LASER
from tests.simulated_scope import Scope

EXPOSURES_MS = [2.0, 5.0, 8.0, 11.0, 2.0, 5.0, 8.0, 11.0]
PERCENTS = [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 80.0]
FULL_W_CM2 = 5.0
TRUTH_J_CM2 = [
    FULL_W_CM2 * percent / 100.0 * ms * 1e-3
    for ms, percent in zip(EXPOSURES_MS, PERCENTS, strict=True)
]


@pytest.fixture
def scope() -> Iterator[Scope]:
    scope = Scope()
    yield scope
    scope.close()


def load(scope: Scope) -> None:
    core = scope.core
    core.loadExposureSequence("Camera", EXPOSURES_MS)
    core.loadPropertySequence(LASER, "Power", [str(percent) for percent in PERCENTS])
    core.startExposureSequence("Camera")
    core.startPropertySequence(LASER, "Power")
    core.setShutterOpen(True)


def test_a_burst_gives_what_was_planned_frame_by_frame(scope: Scope) -> None:
    load(scope)
    frames = scope.take(8)
    assert scope.dose() == pytest.approx(sum(TRUTH_J_CM2), rel=1e-9)
    for (_, tags), ms, percent, dose in zip(
        frames, EXPOSURES_MS, PERCENTS, TRUTH_J_CM2, strict=True
    ):
        assert float(tags["ExposureUsed_ms"]) == pytest.approx(ms)
        assert float(tags["Power"]) == pytest.approx(percent)
        assert float(tags["Fluence_J_cm2"]) == pytest.approx(dose)


def test_a_burst_in_real_time_gives_the_same_light_within_one_per_cent(scope: Scope) -> None:
    scope.core.setProperty("Camera", "RealTime", "On")
    load(scope)
    assert len(scope.take(8)) == 8
    assert scope.dose() == pytest.approx(sum(TRUTH_J_CM2), rel=0.01)


def test_the_engine_of_pymmcore_plus_makes_one_burst_of_it(scope: Scope) -> None:
    core = scope.core
    core.setShutterOpen(True)
    events = [
        MDAEvent.model_validate(
            {"index": {"t": t}, "exposure": ms, "properties": [(LASER, "Power", str(percent))]}
        )
        for t, (ms, percent) in enumerate(zip(EXPOSURES_MS, PERCENTS, strict=True))
    ]
    seen: list[dict[str, str]] = []

    def note(image: object, event: object, meta: dict[str, dict[str, str]]) -> None:
        seen.append(meta["camera_metadata"])

    core.mda.events.frameReady.connect(note)
    core.mda.run(events)
    scope.until(lambda: len(seen) == 8)  # they come by a thread of the runner's
    assert scope.dose() == pytest.approx(sum(TRUTH_J_CM2), rel=0.01)
    assert [float(tags["ExposureUsed_ms"]) for tags in seen] == pytest.approx(EXPOSURES_MS)
    assert [float(tags["Power"]) for tags in seen] == pytest.approx(PERCENTS)


def test_after_a_power_sequence_the_power_of_before_is_back(scope: Scope) -> None:
    scope.core.setProperty(LASER, "Power", "3")
    load(scope)
    scope.take(2)
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(PERCENTS[1])
    scope.core.stopPropertySequence(LASER, "Power")
    assert float(scope.core.getProperty(LASER, "Power")) == pytest.approx(3.0)


def test_dark_ends_a_power_sequence(scope: Scope) -> None:
    load(scope)
    scope.take(1)
    before = scope.dose()
    assert scope.box.dark().is_dark
    scope.core.setShutterOpen(True)
    scope.take(4)
    assert scope.dose() == before


def test_a_sequence_that_will_give_light_later_is_not_called_dark(scope: Scope) -> None:
    core = scope.core
    core.loadPropertySequence(LASER, "Power", ["0", "50"])
    core.startPropertySequence(LASER, "Power")
    core.setShutterOpen(True)
    scope.take(1)
    assert scope.dose() == 0.0
    assert float(core.getProperty(LASER, "Power")) == 0.0
    assert not scope.box.state().is_dark


@pytest.mark.parametrize("powers", [["101"], ["-1"], ["nan"], ["much"], []])
def test_a_power_sequence_beyond_the_limits_is_refused(scope: Scope, powers: list[str]) -> None:
    with pytest.raises(ValueError, match=r"range|numeric|steps"):
        scope.core.loadPropertySequence(LASER, "Power", powers)
    with pytest.raises(ValueError, match="load one first"):
        scope.core.startPropertySequence(LASER, "Power")


def test_an_exposure_sequence_beyond_the_limits_is_refused(scope: Scope) -> None:
    with pytest.raises(ValueError, match=r"range|exposure must be"):
        scope.core.loadExposureSequence("Camera", [5.0, 1e9])


def test_stages_step_with_the_exposures(scope: Scope) -> None:
    core = scope.core
    scope.shine(50.0, 10.0)
    core.loadStageSequence("Z", [0.0, 6.0, 12.0])
    core.loadXYStageSequence("XY", [0.0, 1.0, 2.0], [0.0, 0.0, -2.0])
    core.startStageSequence("Z")
    core.startXYStageSequence("XY")
    frames = [image.astype(float) for image, _ in scope.take(3)]
    assert core.getPosition() == 12.0
    assert core.getXYPosition() == (2.0, -2.0)
    spread = [np.percentile(frame, 99.5) for frame in frames]
    assert spread[0] > spread[1] > spread[2]
    core.stopStageSequence("Z")
    core.stopXYStageSequence("XY")
    scope.take(1)
    assert core.getPosition() == 12.0


def test_a_stream_goes_through_the_exposures_again_and_again(scope: Scope) -> None:
    core = scope.core
    scope.shine(10.0, 10.0)
    core.loadExposureSequence("Camera", [1.0, 2.0])
    core.startExposureSequence("Camera")
    used = [float(tags["ExposureUsed_ms"]) for _, tags in scope.take(5)]
    assert used == pytest.approx([1.0, 2.0, 1.0, 2.0, 1.0])
    core.stopExposureSequence("Camera")
    assert float(scope.take(1)[0][1]["ExposureUsed_ms"]) == pytest.approx(10.0)
