"""The exported truth as traccuracy reads it: against itself it is perfect, and errors are seen."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from lightloop.simulate import simulate
from realtime.run_file import RunReader
from realtime.truth import TruthReader
from realtime.truth.ctc import export_ctc
from realtime.truth.geff import GRAPH, LABELS, export_geff

CONFIG = SimulatedScopeConfig(
    height=160, width=160, n_cells=14, field_scale=1.5, cycle_h=3.0, seed=4
)
PLANES = SimulatedScopeConfig(height=96, width=96, n_cells=6, specimen_depth_um=10.0, seed=2)


@pytest.fixture(scope="module", params=["flat", "deep"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    movie = Movie(CONFIG, 24, 300.0, 20.0, 0.2)
    if request.param == "deep":
        movie = Movie(PLANES, 3, 300.0, 20.0, 0.2, planes=7, step_um=2.0)
    done = simulate(movie, "test", folder / "m.h5")
    with TruthReader(Path(done.truth)) as truth, RunReader(Path(done.path)) as run:
        export_ctc(truth, folder / "ctc", run)
        if _has_geff():
            assert export_geff(truth, folder / "m.zarr") > 0
    return folder


def _has_geff() -> bool:
    import importlib.util

    return importlib.util.find_spec("geff") is not None


def _quietly(what, *words, **more):  # its warnings are not ours
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return what(*words, **more)


def _loaded(folder: Path, kind: str):
    loaders = _quietly(pytest.importorskip, "traccuracy.loaders")
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # its thread would outlive the test
    if kind == "ctc":
        return _quietly(loaders.load_ctc_data, str(folder / "ctc" / "01_GT" / "TRA"))
    graph, labels = (str(folder / "m.zarr" / name) for name in (GRAPH, LABELS))
    return _quietly(loaders.load_geff_data, graph, seg_path=labels, seg_property="label")


def _scores(truth, found) -> dict[str, float]:
    from traccuracy import run_metrics
    from traccuracy.matchers import CTCMatcher
    from traccuracy.metrics import CTCMetrics, DivisionMetrics

    results, _ = _quietly(
        run_metrics, truth, found, CTCMatcher(), [CTCMetrics(), DivisionMetrics()]
    )
    tracking, divisions = (one["results"] for one in results)
    return tracking | divisions["Frame Buffer 0"]


def test_geff_is_valid_by_its_own_rules(exported: Path) -> None:
    pytest.importorskip("geff")
    from geff import GeffReader, validate_structure

    graph = exported / "m.zarr" / GRAPH
    _quietly(validate_structure, graph)
    seen = _quietly(GeffReader, graph).metadata
    assert [axis.name for axis in seen.axes] == (["t", "z", "y", "x"] if "deep" in str(exported)
                                                 else ["t", "y", "x"])  # fmt: skip


@pytest.mark.score
@pytest.mark.parametrize(("one", "other"), [("ctc", "ctc"), ("geff", "geff"), ("ctc", "geff")])
def test_the_truth_against_itself_is_perfect(exported: Path, one: str, other: str) -> None:
    truth, found = _loaded(exported, one), _loaded(exported, other)
    scores = _scores(truth, found)
    assert (scores["TRA"], scores["DET"], scores["LNK"], scores["AOGM"]) == (1.0, 1.0, 1.0, 0.0)
    if "flat" in str(exported):
        assert scores["Total GT Divisions"] > 3
        assert scores["Division F1"] == 1.0


@pytest.mark.score
def test_a_link_that_is_missing_is_noticed(exported: Path) -> None:
    truth, found = _loaded(exported, "ctc"), _loaded(exported, "geff")
    found.graph.remove_edge(*next(iter(found.graph.edges)))
    scores = _scores(truth, found)
    assert scores["TRA"] < 1.0
    assert scores["fn_edges"] == 1
