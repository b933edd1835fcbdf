"""The truth beside a live run: every frame finds its own, also of planes and fields."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lightloop.supervision.supervisor import Supervisor
from realtime.run_file import RunReader
from realtime.truth import TruthReader, truth_path
from tests.run_helpers import SMALL, scatter, task

STACKS = SMALL.replace(
    "loops = 5000 }",
    """loops = 3 }
z_plan = { range = 4, step = 2 }
stage_positions = [{ x = 0, y = 0, z = 0 }, { x = 30, y = 0, z = 0 }]""",
)


def with_truth(folder: Path, shots: int = 0, config: str = SMALL):
    return msgspec.structs.replace(task(folder, shots, config), truth=True)


def agrees(run: RunReader, truth: TruthReader) -> None:
    """Look whether frames and exposures that belong together are of one image."""
    for info in run.infos:
        at = truth.of_frame(info.seq)
        row = truth.exposures[at]
        assert (row["t"], row["z"], row["p"]) == (info.index.t, info.index.z, info.index.p)
        assert (row["x_um"], row["y_um"], row["z_um"]) == info.position_um
        assert row["fluence_j_cm2"][0] == pytest.approx(info.applied.dose_j_cm2, rel=0.02)
        assert scatter(run, truth, info.seq) == pytest.approx(1.0, abs=0.05)


def test_every_frame_of_a_live_run_finds_its_exposure(tmp_path: Path) -> None:
    outcome = Supervisor(with_truth(tmp_path, 12)).run()
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(tmp_path / "run.h5") as run, TruthReader(truth_path(run.path)) as truth:
        assert (run.status, truth.status) == ("complete", "complete")
        assert truth.about.session_id == run.start.session_id
        assert truth.exposures["seq"].tolist() == list(range(12))
        assert not run.notices
        agrees(run, truth)
        booked = sum(info.applied.dose_j_cm2 for info in run.infos)
        assert truth.exposures["fluence_j_cm2"].sum() == pytest.approx(booked, rel=0.02)
        cells = truth.cells(11)
        assert 0 < cells["dose_j_cm2"].max() <= booked * 1.02


def test_planes_and_fields_of_a_live_run_find_their_exposures(tmp_path: Path) -> None:
    outcome = Supervisor(with_truth(tmp_path, config=STACKS)).run()
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(tmp_path / "run.h5") as run, TruthReader(truth_path(run.path)) as truth:
        assert len(run.infos) == len(truth.exposures) == 3 * 3 * 2
        agrees(run, truth)
