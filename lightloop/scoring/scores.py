"""How right tracks are: the scores of the Cell Tracking Challenge, and of links and divisions.

Both packages get the same pairs of cells (`lightloop.scoring.match`). TRA, LNK, CHOTA, BIO:
py-ctcmetrics. Edge and division F1: traccuracy. All go up to 1.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lightloop.scoring.match import match
from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lightloop.scoring.match import Match
    from lightloop.scoring.sides import Side

CTC, TRACCURACY = "py-ctcmetrics", "traccuracy"
STRANGE = 0.1
"""Share of the true cells that were found from below which two films are meant (proposed)."""
ALL = {
    "edge_f1": ("Edge F1", TRACCURACY, "links that are right"),
    "division_f1": ("Division F1", TRACCURACY, "divisions that are right, to the frame"),
    "division_f1_within_2": ("Division F1 (2)", TRACCURACY, "the same, up to 2 frames off"),
    "lnk": ("LNK", CTC, "links, by the work it would take to mend them"),
    "tra": ("TRA", CTC, "the same with cells and links; detection dominates it"),
    "det": ("DET", CTC, "cells alone"),
    "chota": ("CHOTA", CTC, "whole families"),
    "bio": ("BIO(0)", CTC, "biology: mean of CT, TF, BC(0) and CCA"),
    "ct": ("CT", CTC, "tracks that are right from end to end"),
    "tf": ("TF", CTC, "longest right part of a track, on average"),
}
"""By key: name, who computes it, and what it says."""


class Scores(NamedTuple):
    """What came out.

    Attributes
    ----------
    values
        By the keys of `ALL`; NaN where the film has nothing to score, such as divisions.
    n_truth, n_result, n_matched
        Cells in frames: true ones, found ones, and those that are both.
    links, divisions
        True and told.
    """

    how: str
    values: dict[str, float]
    n_truth: int
    n_result: int
    n_matched: int
    links: tuple[int, int]
    divisions: tuple[int, int]

    @property
    def is_strange(self) -> bool:
        """Whether so few cells were found that the two are hardly of the same film."""
        return self.n_matched < STRANGE * self.n_truth


def check_installed() -> None:
    """Say what to install, before any work is done.

    Raises
    ------
    RunFileError
        If a package is missing.
    """
    if any(importlib.util.find_spec(name) is None for name in ("ctc_metrics", "traccuracy")):
        raise RunFileError('scores need two more packages: pip install -e ".[score]"')


def score(result: Side, truth: Side) -> Scores:
    """Score a result against the truth.

    Raises
    ------
    RunFileError
        If a package is missing, the truth is empty, or the two are not of the same film.
    """
    check_installed()
    if not len(truth.t):
        raise RunFileError(f"{truth.what} holds no cell, so nothing can be scored")
    found = match(truth, result)
    with _in_silence():
        values = _traccuracy(result, truth, found) | _ctc(result, truth, found)
    return Scores(
        found.how,
        {key: values.get(key, math.nan) for key in ALL},
        len(truth.t),
        len(result.t),
        len(found.one_to_one()),
        (len(truth.edges()), len(result.edges())),
        (truth.n_divisions, result.n_divisions),
    )


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """Keep what the packages print and warn of from the person."""
    logger = logging.getLogger(TRACCURACY)
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of films without divisions; "none" says that here
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _traccuracy(result: Side, truth: Side, found: Match) -> dict[str, float]:
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # its thread would outlive us
    import traccuracy
    from traccuracy.matchers._base import Matcher
    from traccuracy.metrics import BasicMetrics, DivisionMetrics

    pairs = [(int(a), int(b)) for a, b in found.one_to_one()]

    class Given(Matcher):  # type: ignore[misc]
        """The pairs that we found."""

        _matching_type = "one-to-one"

        def _compute_mapping(self, gt_graph: Any, pred_graph: Any) -> list[tuple[int, int]]:
            return pairs

    graphs = [_graph(traccuracy, side) for side in (truth, result)]  # each is good for one use
    metrics = [BasicMetrics(), DivisionMetrics(max_frame_buffer=2)]
    basic, divisions = (
        one["results"] for one in traccuracy.run_metrics(*graphs, Given(), metrics)[0]
    )
    return {
        "edge_f1": _number(basic["Edge F1"]) if len(result.edges()) else 0.0,
        "division_f1": _f1(divisions["Frame Buffer 0"], truth),
        "division_f1_within_2": _f1(divisions["Frame Buffer 2"], truth),
    }


def _graph(traccuracy: Any, side: Side) -> Any:
    import networkx as nx

    graph: Any = nx.DiGraph()
    for node, (t, place) in enumerate(zip(side.t.tolist(), side.places.tolist(), strict=True)):
        graph.add_node(node, t=t, z=place[0], y=place[1], x=place[2])
    graph.add_edges_from(side.edges().tolist())
    return traccuracy.TrackingGraph(graph, frame_key="t", location_keys=("z", "y", "x"))


def _f1(divisions: dict[str, Any], truth: Side) -> float:
    """Return the F1 of divisions; where none was told and some are true it is 0, not nothing."""
    value = _number(divisions["Division F1"])
    return 0.0 if math.isnan(value) and truth.n_divisions else value


def _ctc(result: Side, truth: Side, found: Match) -> dict[str, float]:
    from ctc_metrics.scripts.evaluate import calculate_metrics

    n_times = max(truth.n_times, result.n_times)
    if not len(result.t):
        return dict.fromkeys(("lnk", "tra", "det", "chota", "bio", "ct", "tf"), 0.0)
    matched = found.pairs
    at = truth.t[matched[:, 0]]
    together = {
        "labels_ref": _by_time(truth.t, truth.labels, n_times),
        "labels_comp": _by_time(result.t, result.labels, n_times),
        "mapped_ref": _by_time(at, truth.labels[matched[:, 0]], n_times, is_sorted=False),
        "mapped_comp": _by_time(at, result.labels[matched[:, 1]], n_times, is_sorted=False),
    }
    tables = [np.array(side.lines, np.int64).reshape(-1, 4) for side in (result, truth)]
    wanted = ["DET", "LNK", "TRA", "BIO", "CT", "TF", "BC", "CCA"]
    if all(together["labels_ref"]):  # py-ctcmetrics 1.3.3 fails where a time point has no true cell
        wanted.append("CHOTA")
    got = calculate_metrics(*tables, together, {}, wanted, is_valid=True)
    keys = {"lnk": "LNK", "tra": "TRA", "det": "DET", "chota": "CHOTA", "bio": "BIO(0)",
            "ct": "CT", "tf": "TF"}  # fmt: skip
    return {key: _number(got.get(name)) for key, name in keys.items()}


def _by_time(
    t: NDArray[np.int64], labels: NDArray[np.int64], n_times: int, *, is_sorted: bool = True
) -> list[list[int]]:
    """Return the labels of each time point."""
    order = np.lexsort((labels, t)) if is_sorted else np.argsort(t, kind="stable")
    cuts = np.searchsorted(t[order], np.arange(1, n_times))
    return [part.tolist() for part in np.split(labels[order], cuts)]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
