"""Who may have a truth beside a run, and what is said where not."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from acquire.simulated.bench import Bench
from acquire.simulated.light.local_light_box import LocalLightBox
from acquire.simulated.optics.optics import Window
from lightloop.build.witness import Witness, wants_truth
from lightloop.config import ConfigError, parse
from lightloop.task import RunTask
from realtime.truth import TruthReader
from tests.run_helpers import SMALL
from tests.unit.truth_samples import info

CONFIG = parse(SMALL)
SWITCHED = parse(SMALL.replace("[scope]", "[scope]\ntruth = true"))
REAL = parse(SMALL.replace('kind = "simulated"\nseed = 3\nn_cells = 6\nheight = 128\nwidth = 128',
                           'kind = "micro-manager"')
             .replace('clock = "simulated"', "").replace("pace_s = 0.01", ""))  # fmt: skip


def a_bench() -> Bench:
    return Bench(CONFIG.scope, LocalLightBox(CONFIG.scope.lines()), lambda: 0.0)


def expose(bench: Bench) -> None:
    out = np.empty((128, 128), np.uint16)
    bench.expose(0.02, Window(0, 0, 128, 128), out, lambda s: s or 0.0)


def test_the_truth_is_written_where_flag_or_config_ask_for_it(tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    assert wants_truth(CONFIG, out, "c", is_asked=True)
    assert wants_truth(SWITCHED, out, "c", is_asked=False)
    assert not wants_truth(CONFIG, out, "c", is_asked=False)
    assert not wants_truth(SWITCHED, None, "c", is_asked=False)
    assert not wants_truth(REAL, out, "c", is_asked=False)


def test_a_truth_that_cannot_be_is_refused_before_any_light(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="drives a real scope"):
        wants_truth(REAL, tmp_path / "run.h5", "c", is_asked=True)
    with pytest.raises(ConfigError, match="say --out"):
        wants_truth(CONFIG, None, "c", is_asked=True)
    (tmp_path / "run.truth.h5").write_text("old")
    with pytest.raises(ConfigError, match="exists already"):
        wants_truth(SWITCHED, tmp_path / "run.h5", "c", is_asked=False)


def test_what_the_bench_sees_is_in_the_file_beside_the_run(tmp_path: Path) -> None:
    bench, task = a_bench(), RunTask("", "c", str(tmp_path / "run.h5"), truth=True)
    witness = Witness.of(task, CONFIG, bench, "session-b")
    for seq in range(3):
        expose(bench)
        witness.frame(info(seq, 0))
    assert witness.close(is_complete=True) == []
    assert witness.close(is_complete=True) == []
    with TruthReader(tmp_path / "run.truth.h5") as truth:
        assert (truth.status, truth.about.session_id) == ("complete", "session-b")
        assert truth.exposures["seq"].tolist() == [0, 1, 2]
        assert (truth.mask(2) > 0).any()


def test_without_a_task_nobody_watches_the_bench(tmp_path: Path) -> None:
    bench, task = a_bench(), RunTask("", "c", str(tmp_path / "run.h5"))
    before = threading.active_count()
    witness = Witness.of(task, CONFIG, bench, "s")
    witness.frame(info(0))
    assert witness.close(is_complete=True) == []
    assert (
        Witness.of(msgspec.structs.replace(task, truth=True), REAL, None, "s").close(
            is_complete=True
        )
        == []
    )
    assert bench.witness is None
    assert threading.active_count() == before
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    bench, task = a_bench(), RunTask("", "c", str(tmp_path / "run.h5"), truth=True)
    witness = Witness.of(task, CONFIG, bench, "s")
    sidecar = witness._sidecar
    assert sidecar is not None
    sidecar._room = 0
    expose(bench)
    (told,) = witness.close(is_complete=True)
    assert "1 of 1 exposures" in told
