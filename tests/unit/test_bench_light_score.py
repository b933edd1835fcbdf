"""The light bench's score: traccuracy's numbers, and what it must say of known forests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lightloop.bench.light_score import Forest, count_divisions, count_links, match
from tests.light_forests import culture, distorted

REACH_PX = 10.0

# What traccuracy 0.4.3 says of culture(seed) and distorted(culture(seed), seed): links right, true,
# claimed; divisions right with a frame buffer of 0, 1, 2; divisions true, claimed.
TRACCURACY = {
    0: (830, 927, 865, 12, 20, 20, 23, 42),
    1: (708, 799, 739, 5, 10, 10, 12, 30),
    2: (861, 972, 903, 7, 16, 17, 21, 35),
    3: (809, 920, 849, 4, 14, 15, 22, 39),
}


def ours(truth: Forest, found: Forest) -> tuple[int, ...]:
    partner = match(truth, found, REACH_PX)
    units = (np.zeros(len(truth), np.intp), np.zeros(len(found), np.intp))
    links = count_links(truth, found, partner, units, 1)
    splits = [count_divisions(truth, found, partner, units, 1, buffer) for buffer in range(3)]
    counts = (links.right, links.true, links.claimed, *(split.right for split in splits))
    return tuple(int(c[0]) for c in (*counts, splits[0].true, splits[0].claimed))


def theirs(truth: Forest, found: Forest) -> tuple[int, ...]:
    traccuracy = pytest.importorskip("traccuracy", reason="its numbers of 0.4.3 are kept above")
    from traccuracy.matchers import PointMatcher
    from traccuracy.metrics import BasicMetrics, DivisionMetrics

    graphs = [_graph(traccuracy, forest) for forest in (truth, found)]
    metrics = [BasicMetrics(), DivisionMetrics(max_frame_buffer=2)]
    results, _ = traccuracy.run_metrics(*graphs, PointMatcher(REACH_PX), metrics)
    links, splits = results[0]["results"], results[1]["results"]
    right = [splits[f"Frame Buffer {b}"]["True Positive Divisions"] for b in range(3)]
    last = splits["Frame Buffer 0"]
    kinds = ("True Positive Edges", "Total GT Edges", "Total Pred Edges")
    numbers = [*(links[k] for k in kinds), *right]
    numbers += [last["Total GT Divisions"], last["Total Predicted Divisions"]]
    return tuple(int(n) for n in numbers)


def _graph(traccuracy: Any, forest: Forest) -> Any:
    import networkx

    graph = networkx.DiGraph()
    for node, (y, x) in enumerate(forest.place_px.tolist()):
        graph.add_node(node, t=int(forest.shot[node]), y=y, x=x)
    links = ((before, node) for node, before in enumerate(forest.before.tolist()) if before >= 0)
    graph.add_edges_from(links)
    return traccuracy.TrackingGraph(graph, frame_key="t", location_keys=("y", "x"))


@pytest.mark.parametrize("seed", TRACCURACY)
def test_links_and_divisions_are_counted_as_traccuracy_counts_them(seed: int) -> None:
    truth = culture(seed)
    assert ours(truth, distorted(truth, seed)) == TRACCURACY[seed]


@pytest.mark.filterwarnings("default")  # of foreign packages
@pytest.mark.parametrize("seed", range(4, 8))
def test_traccuracy_itself_says_the_same_where_it_is_installed(seed: int) -> None:
    truth = culture(seed)
    found = distorted(truth, seed)
    assert ours(truth, found) == theirs(truth, found)


def test_the_truth_against_itself_is_perfect() -> None:
    truth = culture(0)
    right, true, claimed, *splits = ours(truth, truth)
    assert right == true == claimed
    assert len(set(splits)) == 1


def test_nobody_found_scores_nothing() -> None:
    truth = culture(0)
    nobody = Forest(np.empty(0, np.int64), np.empty((0, 2)), np.empty(0, np.int64))
    assert ours(truth, nobody)[0] == 0
    assert ours(truth, nobody)[2] == 0
    units = (np.zeros(len(truth), np.intp), np.zeros(0, np.intp))
    links = count_links(truth, nobody, match(truth, nobody, REACH_PX), units, 1)
    assert links.f1() == 0.0


def test_swapped_identities_cost_links_but_no_cell() -> None:
    truth = culture(1)
    rng = np.random.default_rng(0)
    before = truth.before.copy()
    for shot in range(1, int(truth.shot.max()) + 1):
        here = np.flatnonzero(truth.shot == shot)
        before[here] = rng.permutation(before[here])
    shuffled = Forest(truth.shot, truth.place_px, before)
    assert (match(truth, shuffled, REACH_PX) == np.arange(len(truth))).all()
    right, true, *_ = ours(truth, shuffled)
    assert right < 0.2 * true


def test_counts_are_kept_apart_by_unit_and_add_up() -> None:
    truth = culture(2)
    found = distorted(truth, 2)
    partner = match(truth, found, REACH_PX)
    whole = (np.zeros(len(truth), np.intp), np.zeros(len(found), np.intp))
    halves = (
        (truth.place_px[:, 0] > 100).astype(np.intp),
        (found.place_px[:, 0] > 100).astype(np.intp),
    )
    for count in (count_links, count_divisions):
        one, two = count(truth, found, partner, whole, 1), count(truth, found, partner, halves, 2)
        for kind in ("right", "true", "claimed"):
            assert getattr(two, kind).sum() == getattr(one, kind).sum()
            assert (getattr(two, kind) > 0).all()
        assert two.f1() == one.f1()


def test_a_forest_without_some_nodes_keeps_the_links_of_the_others() -> None:
    shot = np.array([0, 1, 2, 2])
    forest = Forest(shot, np.zeros((4, 2)), np.array([-1, 0, 1, 1]))
    left = forest.without(np.array([False, False, True, False]))
    assert left.before.tolist() == [-1, 0, 1]
    left = forest.without(np.array([False, True, False, False]))
    assert left.before.tolist() == [-1, -1, -1]
    assert left.shot.tolist() == [0, 2, 2]
