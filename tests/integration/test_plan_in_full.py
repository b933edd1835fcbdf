"""A plan with almost everything in it, through the real processes, and what its file then says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from acquire.frame import FrameInfo
from lightloop.config import parse
from lightloop.predict.prediction import predict
from lightloop.supervision.supervisor import Supervisor
from realtime.run_file.reader import RunReader
from tests.run_helpers import SMALL, task

PLAN = """
[plan]
time_plan = { interval = { seconds = 600 }, loops = 3 }
z_plan = { range = 2, step = 1 }
autofocus_plan = { axes = ["t", "p"] }
setup = { properties = [["Wheel", "Label", "488"]], roi = [16, 16, 96, 96] }

[[plan.stage_positions]]
x = 0
y = 0
z = 0
[[plan.stage_positions]]
x = 20
y = 0
z = 0
properties = [["Camera", "RealTime", "Off"]]
sequence = { grid_plan = { rows = 1, columns = 2, fov_width = 10, fov_height = 10 } }
[policy]
"""
RED = """exposure_step_ms = 8.0
[[channel]]
name = "late"
light = "488"
exposure_ms = 16.0
power_fraction = 0.1
z_offset_um = 1.5
do_stack = false
acquire_every = 2
[stage]
settle_ms = 1.0
backlash_um = 3.0
z_backlash_um = 1.0
[focus]
method = "software"
exposure_ms = 5.0
power_fraction = 0.2
[plan]
"""


def config() -> str:
    text = SMALL.replace("n_cells = 6", "n_cells = 6\nfocus_drift_um_h = 9.0")
    head, _, tail = text.partition("[plan]\n")
    return head + RED.replace("[plan]\n", PLAN.lstrip()) + tail.partition("[policy]\n")[2]


@pytest.fixture(scope="module")
def infos(tmp_path_factory: pytest.TempPathFactory) -> list[FrameInfo]:
    folder = tmp_path_factory.mktemp("run")
    outcome = Supervisor(task(folder, config=config())).run()
    assert outcome.summary is not None
    assert outcome.summary.status == "complete", outcome.summary.reason
    assert outcome.summary.is_dark
    with RunReader(Path(folder / "run.h5")) as run:
        assert run.end is not None
        taken = sum(info.applied.dose_j_cm2 for info in run.infos)
        assert run.start.cameras[0].roi == (16, 16, 96, 96)
        assert run.end.dose_j_cm2["488"] > 1.05 * taken  # the searches' light is booked, too
        return list(run.infos)


def test_every_exposure_of_the_plan_is_there_and_no_other(infos: list[FrameInfo]) -> None:
    assert [info.seq for info in infos] == list(range(len(infos)))
    taken = Counter((info.shot.position, info.applied.channel) for info in infos)
    assert taken == {(p, "GFP"): 9 for p in range(3)} | {(p, "late"): 2 for p in range(3)}
    assert len(infos) == predict(parse(config())).frames == 33
    assert {(info.height, info.width) for info in infos} == {(96, 96)}  # the setup's region


def test_every_exposure_is_a_multiple_of_its_step_and_says_so(infos: list[FrameInfo]) -> None:
    stepped = [info.applied for info in infos if info.applied.channel == "GFP"]
    assert all(one.exposure_ms % 8 == pytest.approx(0) for one in stepped)
    assert "no multiple of exposure_step_ms 8: 16 ms" in stepped[0].clamped


def test_every_place_follows_its_focus_as_it_drifts(infos: list[FrameInfo]) -> None:
    middle = [info for info in infos if info.applied.channel == "GFP" and info.index.z == 1]
    for info in middle:
        drifted_um = 9.0 * info.t_s / 3600.0
        assert info.position_um[2] == pytest.approx(drifted_um, abs=0.6)
    searched = {info.focus for info in middle if info.shot.position in (0, 1)}
    assert searched == {"found"}


def test_the_other_channel_stands_off_the_focus_by_its_offset(infos: list[FrameInfo]) -> None:
    for info in infos:
        if info.applied.channel == "late":
            home = next(
                one for one in infos if one.shot.number == info.shot.number and one.index.z == 1
            )
            assert info.position_um[2] - home.position_um[2] == pytest.approx(1.5)
            assert (info.index.t, info.index.z) in {(0, 1), (2, 1)}
