"""A movie on disk: both files or none, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from lightloop.simulate import simulate
from realtime.errors import RunFileError
from realtime.run_file import RunReader
from realtime.truth import TruthReader

CONFIG = SimulatedScopeConfig(height=32, width=48, n_cells=2)
MOVIE = Movie(CONFIG, 3, 60.0, 10.0, 0.5, planes=2, step_um=1.0)


def test_every_frame_says_what_was_done_to_get_it(tmp_path: Path) -> None:
    done = simulate(MOVIE, "test", tmp_path / "m.h5")
    assert (done.n_frames, done.path) == (6, str(tmp_path / "m.h5"))
    with RunReader(tmp_path / "m.h5") as run:
        assert run.status == "complete"
        assert run.shots() == [(0, 1), (2, 3), (4, 5)]
        assert [(info.index.t, info.index.z) for info in run.infos] == [
            (t, z) for t in range(3) for z in range(2)
        ]
        for info in run.infos:
            used = info.applied
            assert used.dose_j_cm2 == pytest.approx(0.5 * CONFIG.max_irradiance_w_cm2 * 0.01)
            assert used.calibrated
        assert run.infos[2].t_s == 60.0
        assert run.start.origin == "simulated movie: test, seed 1"
        assert run.end is not None
        assert run.end.dose_j_cm2 == pytest.approx(done.dose_j_cm2)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RunFileError, MemoryError])
def test_a_movie_that_fails_on_the_way_leaves_nothing(
    tmp_path: Path, trouble: type[BaseException]
) -> None:
    def fail(done: int, _: int) -> None:
        if done == 3:
            raise trouble

    with pytest.raises(trouble):
        simulate(MOVIE, "test", tmp_path / "m.h5", fail)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m.h5", "m.truth.h5"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(RunFileError, match="exists already"):
        simulate(MOVIE, "test", tmp_path / "m.h5")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_what_a_killed_movie_left_is_written_over(tmp_path: Path) -> None:
    for name in ("m.h5.unfinished", "m.truth.h5.unfinished", "m.h5.unfinished.new"):
        (tmp_path / name).write_text("left")
    done = simulate(MOVIE, "test", tmp_path / "m.h5")
    assert {path.name for path in tmp_path.iterdir()} == {"m.h5", "m.truth.h5"}
    with TruthReader(Path(done.truth)) as truth:
        assert truth.status == "complete"
        assert len(truth.exposures) == 6


def test_the_same_movie_is_written_the_same(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        simulate(MOVIE, "test", tmp_path / name)
    with TruthReader(tmp_path / "a.truth.h5") as one, TruthReader(tmp_path / "b.truth.h5") as other:
        assert one.exposures.tobytes() == other.exposures.tobytes()
        assert one.lineages.tobytes() == other.lineages.tobytes()
        assert one.cells(5).tobytes() == other.cells(5).tobytes()
