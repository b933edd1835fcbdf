"""The sidecar of a live run: every frame finds its exposure, and nobody waits for a disk."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import RunFileError
from realtime.truth import TruthReader
from realtime.truth.sidecar import Sidecar
from tests.unit.truth_samples import HEIGHT, WIDTH, about, info, nuclei, seen

CELLS = nuclei((0, -1, -6, -3), (1, -1, 6, 4))


def test_frames_find_their_exposures_past_lost_and_cut_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    sidecar = Sidecar(path, about())
    for k, (is_lost, exposed_s) in enumerate(
        [(False, 0.02), (True, 0.02), (False, 0.013), (False, 0.02), (False, 0.02)]
    ):
        sidecar.witness(seen(CELLS, float(k), is_lost=is_lost, exposed_s=exposed_s))
    for seq in (0, 1, 2):
        sidecar.frame(info(seq))
    sidecar.close(is_complete=True)
    assert not sidecar.failure
    with TruthReader(path) as truth:
        assert truth.status == "complete"
        assert truth.exposures["seq"].tolist() == [0, -1, -1, 1, 2]
        assert truth.exposures["t"].tolist() == [0, -1, -1, 1, 2]
        last = truth.cells(4)["dose_j_cm2"]
        np.testing.assert_allclose(last, 5 * np.array([[0.6, 0.25], [0.3, 0.125]]))


def test_a_frame_that_the_loop_threw_away_shifts_nobody(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path / "a.h5", about())
    for t_s in (0.0, 60.0, 120.0, 120.02):
        sidecar.witness(seen(CELLS, t_s))
    for seq, t in ((0, 0), (2, 120), (3, 120)):
        sidecar.frame(info(seq, t))
    sidecar.close(is_complete=True)
    with TruthReader(tmp_path / "a.h5") as truth:
        assert truth.exposures["seq"].tolist() == [0, -1, 2, 3]


def test_a_slow_disk_costs_images_that_are_declared_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    sidecar = Sidecar(path, about(), room_bytes=2 * 4 * HEIGHT * WIDTH)
    go, began = threading.Event(), threading.Event()
    write = sidecar._writer.exposure

    def slowly(*what: object) -> None:
        began.set()
        assert go.wait(10.0)
        write(*what)  # type: ignore[arg-type]

    monkeypatch.setattr(sidecar._writer, "exposure", slowly)
    for k in range(6):  # returns though nothing is written: else this test never ends
        sidecar.witness(seen(CELLS, float(k)))
        sidecar.frame(info(k))
    assert began.wait(10.0)
    go.set()
    sidecar.close(is_complete=True)
    assert (sidecar.n_exposures, sidecar.n_missed) == (6, 4)
    with TruthReader(path) as truth:
        assert truth.status == "partial"
        assert truth.exposures["seq"].tolist() == list(range(6))
        assert truth.exposures["image_row"].tolist() == [0, 1, -1, -1, -1, -1]
        np.testing.assert_allclose(truth.cells(1)["dose_j_cm2"][0], [1.2, 0.5])


def test_the_work_waits_for_the_decision_unless_room_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.truth.sidecar.HOLD_S", 1e6)
    sidecar = Sidecar(tmp_path / "a.h5", about(), room_bytes=16 * 4 * HEIGHT * WIDTH)
    done: list[int] = []
    changed = threading.Condition()

    def note(number: int, *_: object) -> None:
        with changed:
            done.append(number)
            changed.notify()

    def until(count: int) -> bool:
        with changed:
            return changed.wait_for(lambda: len(done) >= count, 10.0)

    monkeypatch.setattr(sidecar._writer, "exposure", note)
    sidecar.witness(seen(CELLS))
    assert sidecar._held_s() > 0.0
    assert not done
    sidecar.rest()
    assert until(1)
    for k in range(1, 7):
        sidecar.witness(seen(CELLS, float(k)))
    assert done == [0]
    for k in range(7, 9):  # half of the room is taken
        sidecar.witness(seen(CELLS, float(k)))
    assert until(2)
    sidecar.close(is_complete=True)  # nobody waits at the end
    assert done == list(range(9))


def test_a_full_disk_ends_the_truth_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    sidecar = Sidecar(path, about())

    def fail(*_: object) -> None:
        raise RunFileError("the truth cannot be written: no space left on device")

    monkeypatch.setattr(sidecar._writer, "exposure", fail)
    for k in range(3):
        sidecar.witness(seen(CELLS, float(k)))
        sidecar.frame(info(k))
    sidecar.close(is_complete=True)
    sidecar.close(is_complete=True)
    assert "no space left" in sidecar.failure
    with TruthReader(path) as truth:
        assert truth.status == "recording"


def test_a_truth_that_cannot_be_told_is_never_called_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    sidecar = Sidecar(path, about())

    def slip(*_: object) -> None:
        raise TypeError("a cell of no shape")

    monkeypatch.setattr(sidecar._writer, "exposure", slip)
    for k in range(3):
        sidecar.witness(seen(CELLS, float(k)))
        sidecar.frame(info(k))
    sidecar.close(is_complete=True)
    assert sidecar.failure == "the truth cannot be told: TypeError: a cell of no shape"
    with TruthReader(path) as truth:
        assert truth.status == "recording"


def test_a_frame_without_an_exposure_is_nobodys(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path / "a.h5", about())
    sidecar.frame(info(0))
    sidecar.close(is_complete=False)
    with TruthReader(tmp_path / "a.h5") as truth:
        assert truth.status == "partial"
        assert len(truth.exposures) == 0
