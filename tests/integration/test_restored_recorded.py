"""Restored images go from the worker through its ring and the recorder into the run file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightloop.supervision.supervisor import supervise
from lightloop.task import RunTask
from realtime.run_file import RunReader, examine
from tests.integration.test_modes_recorded import EVENT, decides_the_same

CONFIG = f"{EVENT}\n[record]\nrestored = true\n"


@pytest.mark.timeout(300)
def test_restored_images_are_recorded_beside_raw_ones_and_replay_is_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    outcome = supervise(RunTask(CONFIG, "restored.toml", str(path), ends_with_run=True))
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        entries = list(run.restored_entries())
        assert [entry.shot for entry in entries] == list(range(40))
        kept = [entry.shot for entry in entries if entry.is_kept]
        assert len(kept) > 30, "the camera is slow here: nearly all are in time"
        known = run.start.cameras[0].calibration
        seq_of = {info.shot.number: info.seq for info in run.infos}
        for shot in kept:  # without a network, restored is what the camera counted, in e-
            photons = (run.pixels(seq_of[shot]) - known.offset_adu) / known.gain_adu_per_e
            np.testing.assert_allclose(run.restored(shot), photons, rtol=1e-3, atol=1e-2)
    verdict = examine(path)
    assert verdict.is_whole, verdict.faults
    assert verdict.n_restored == len(kept)
    assert decides_the_same(path)
