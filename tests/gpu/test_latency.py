"""How long the networks take on the graphics card; what is measured is said in tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from models.engines.gpu import find_gpu
from models.engines.survey import time_frames
from models.package import Package, shipped
from tests.gpu.cards import EAGER, KINDS, SHAPE, opened

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(500),  # the first test compiles and measures for all of them
    pytest.mark.filterwarnings("default"),
]
TOGETHER = ("denoise-best", "superres-fast", "axial-fast")
NETWORKS = ("denoise-2d", *TOGETHER)
FRAMES = 300
SIDES_PX = (512, 1024, 2048)
DATA_CENTRE = ("A100", "H100", "H200", "B100", "B200", "GH200", "L40")


class Times(NamedTuple):
    """Of one network on one engine, ms: from host memory and back, and without the copies."""

    median_ms: float
    p99_ms: float
    alone_ms: float


Measured = dict[tuple[str, str], Times | str]
"""By engine and network; a reason where there is no time."""


@pytest.fixture(scope="module")
def measured(plans: Path, say: Callable[[str], None]) -> Measured:
    """Time every network on every engine."""
    gpu = find_gpu()
    say(f"{gpu.name}, driver {gpu.driver}; {SHAPE[0]} x {SHAPE[1]} px, fp16, {FRAMES} frames")
    say("")
    say("| engine | network | median, ms | p99, ms | without copies, ms | eager torch takes |")
    say("| --- | --- | --- | --- | --- | --- |")
    found: Measured = {}
    for kind in (EAGER, *KINDS):
        for name in NETWORKS:
            found[kind, name] = here = _times(kind, name, plans)
            if isinstance(here, str):
                say(f"| {kind} | {name} | {here} | | | |")
                continue
            eager = found[EAGER, name]
            times = f"{eager.alone_ms / here.alone_ms:.2f} x" if isinstance(eager, Times) else ""
            say(
                f"| {kind} | {name} | {here.median_ms:.3f} | {here.p99_ms:.3f} "
                f"| {here.alone_ms:.3f} | {times} |"
            )
        together = _together(found, kind)
        if isinstance(together, float):
            say(f"| {kind} | {', '.join(TOGETHER)} together | {together:.3f} | | | |")
    return found


def _times(kind: str, name: str, plans: Path) -> Times | str:
    try:
        engine = opened(kind, Package.load(shipped(name)), plans)
    except pytest.skip.Exception as reason:
        return str(reason)
    except Exception as err:  # the other engines are measured all the same; the test below fails
        return f"FAILED: {err}"
    try:
        times_ms = time_frames(engine, FRAMES)
        alone_ms = _alone_ms(engine)
    finally:
        engine.close()
    return Times(float(np.median(times_ms)), float(np.percentile(times_ms, 99)), alone_ms)


def _alone_ms(engine: Any) -> float:
    """Return the median time of the network without copies, launching included."""
    lane = engine._lane
    times_ms = []
    with lane._torch.inference_mode(), lane._torch.cuda.stream(lane._stream):
        for _ in range(FRAMES):
            start = time.perf_counter_ns()
            lane._compute() if lane._graph is None else lane._graph.replay()
            lane._stream.synchronize()
            times_ms.append((time.perf_counter_ns() - start) * 1e-6)
    return float(np.median(times_ms))


def _together(found: Measured, kind: str) -> float | str:
    total_ms = 0.0
    for name in TOGETHER:
        one = found[kind, name]
        if isinstance(one, str):
            return one
        total_ms += one.median_ms
    return total_ms


@pytest.mark.parametrize("kind", [EAGER, *KINDS])
def test_every_network_runs_on_every_engine_that_is_here(kind, measured) -> None:
    reasons = [one for name in NETWORKS if isinstance(one := measured[kind, name], str)]
    assert not [reason for reason in reasons if reason.startswith("FAILED")]
    if reasons:
        pytest.skip(reasons[0])


@pytest.mark.parametrize("kind", ["torch-cuda", "tensorrt"])
def test_all_three_tasks_take_five_ms_together_on_a_data_centre_card(kind, measured) -> None:
    if not any(name in find_gpu().name for name in DATA_CENTRE):
        pytest.skip(f"{find_gpu().name} is no data-centre card")
    together = _together(measured, kind)
    if isinstance(together, str):
        pytest.skip(together)
    assert together <= 5.0  # from host memory and back


def test_a_recorded_graph_is_no_slower_than_eager_torch(measured) -> None:
    for name in NETWORKS:
        graph, eager = measured["torch-cuda", name], measured[EAGER, name]
        if isinstance(graph, str) or isinstance(eager, str):
            pytest.skip(str(graph))
        assert graph.median_ms <= eager.median_ms


@pytest.mark.parametrize("name", NETWORKS)
def test_tensorrt_takes_half_the_time_of_eager_torch_at_most(name, measured) -> None:
    plan, eager = measured["tensorrt", name], measured[EAGER, name]
    if isinstance(plan, str) or isinstance(eager, str):
        pytest.skip(str(plan))
    assert plan.alone_ms <= eager.alone_ms / 2  # copies are the same for both
    if name == "denoise-2d":
        assert plan.median_ms <= eager.median_ms / 2


@pytest.mark.parametrize("kind", ["torch-cuda", "tensorrt, any size", "tensorrt-rtx, any size"])
def test_the_time_is_linear_in_pixels_up_to_2048(kind, plans, say) -> None:
    package = Package.load(shipped("denoise-best"))
    medians_ms = {}
    for side in SIDES_PX:
        engine = opened(kind, package, plans, (side, side))
        medians_ms[side] = float(np.median(time_frames(engine, FRAMES // 3)))
        engine.close()
        per_px = 1e6 * medians_ms[side] / side**2
        say(f"{kind}, denoise-best, {side} px: {medians_ms[side]:.3f} ms, {per_px:.2f} ns a pixel")
    # A launch costs the same for every size, so that small ones cost more a pixel, never less.
    before, largest = SIDES_PX[-2:]
    assert medians_ms[largest] <= 1.25 * (largest / before) ** 2 * medians_ms[before]
