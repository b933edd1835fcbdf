"""Every mode through the real processes: recorded, replayed, and decided the same again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lightloop.supervision.supervisor import Outcome, supervise
from lightloop.task import ReplayTask, RunTask
from realtime.run_file import RunReader
from tests.run_helpers import SMALL

EVENT = SMALL.replace("loops = 5000", "loops = 40")
BURST = SMALL.replace("loops = 5000", "loops = 12")
BURST = BURST.replace("max_exposure_ms = 100.0", "max_exposure_ms = 100.0\nmin_exposure_ms = 0.01")
BURST = BURST.replace(
    "deadline_ms = 300.0",
    'deadline_ms = 300.0\nmode = "burst"\nburst_frames = 4\n'
    "burst_exposures = [1.0, 0.5, 0.25]\nburst_powers = [1.0, 0.8]",
)
# No decision is late by the clock of a busy machine: what counts is whose decision a shot has.
PATIENT = EVENT.replace("deadline_ms = 300.0", "deadline_ms = 60000.0")
STREAM = SMALL.replace("interval = { seconds = 120 }, loops = 5000", "interval = 0, loops = 100")
STREAM = STREAM.replace('clock = "simulated"\npace_s = 0.01', 'clock = "host"\nmode = "stream"')
# A camera whose machine is busy is waited for: patience is not what is looked at.
STREAM += "\n[guard]\nlease_margin_ms = 20000\n"


def record(config: str, path: Path, *, with_window: bool = False) -> Outcome:
    return supervise(
        RunTask(config, "modes.toml", str(path), with_window=with_window, ends_with_run=True)
    )


def decides_the_same(path: Path) -> bool:
    with RunReader(path) as run:
        task = RunTask(
            run.start.config_toml, path.name, "", replay=ReplayTask(str(path), "step", verify=True)
        )
    outcome = supervise(task)
    assert outcome.summary is not None
    return outcome.exit_code == 0 and "are equal to the recorded ones" in outcome.reason


@pytest.mark.timeout(300)
def test_with_the_window_open_a_decision_is_that_of_the_shot_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get("DISPLAY"):
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = tmp_path / "run.h5"
    outcome = record(PATIENT, path, with_window=True)
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        lags = [info.shot.number - 1 - info.applied.decision_id for info in run.infos]
        lates = [info.applied.late for info in run.infos]
    assert len(lags) == 40
    assert lags == [0] * 40, "shots of lag"
    assert lates == [0] * 40


@pytest.mark.timeout(300)
def test_bursts_are_recorded_frame_by_frame_and_decide_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    outcome = record(BURST, path)
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        infos, applied, end = run.infos, run.applied, run.end
        assert run.start.mode == "burst"
    assert len(infos) == 48
    assert [info.shot.number - 1 for info in infos] == [i.applied.decision_id for i in infos]
    for first in range(0, 48, 4):
        frames = [info.applied for info in infos[first : first + 4]]
        assert [a.exposure_ms / frames[0].exposure_ms for a in frames] == pytest.approx(
            [1.0, 0.5, 0.25, 1.0]
        )
        assert [a.power_fraction / frames[0].power_fraction for a in frames] == pytest.approx(
            [1.0, 0.8, 1.0, 0.8]
        )
    assert [len(message.applied) for message in applied] == [4] * 12
    assert end is not None
    assert sum(i.applied.dose_j_cm2 for i in infos) == pytest.approx(end.dose_j_cm2["488"])
    assert decides_the_same(path)


@pytest.mark.timeout(300)
def test_a_stream_is_recorded_with_every_change_and_decides_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    outcome = record(STREAM, path)
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        infos, applied, end, gaps = run.infos, run.applied, run.end, run.gaps
        results, decisions = run.results, run.decisions
        assert run.start.mode == "stream"
    assert [info.seq for info in infos] == list(range(100))
    assert gaps == []
    assert len(decisions) == len(results) > 20
    by_seq = {info.seq: info.applied for info in infos}
    assert len(applied) > 5
    for message in applied:
        now = by_seq[message.first_seq]
        used = message.applied[0]  # its power may change again in the midst of this frame
        assert (now.decision_id, now.exposure_ms) == (message.decision_id, used.exposure_ms)
        assert by_seq.get(message.first_seq - 1, now).decision_id <= message.decision_id
    assert all(message.stale >= 0 for message in applied)
    assert infos[-1].applied.exposure_ms < 20.0, "it was steered"
    assert end is not None
    assert sum(i.applied.dose_j_cm2 for i in infos) == pytest.approx(
        end.dose_j_cm2["488"], rel=0.01
    )
    assert decides_the_same(path)
