"""Engines of the graphics card: compile, keep, load, parity, CUDA graph, and their latencies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import EngineUnavailable, Package, shipped
from models.engines import gate
from models.engines.survey import time_frames
from models.engines.tensorrt import TensorRtEngine
from models.engines.tensorrt_rtx import TensorRtRtxEngine
from models.engines.torch_cuda import TorchCudaEngine
from models.plan_cache import PlanCache

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]
SHAPE = (512, 512)
KINDS = {
    "torch-cuda": lambda cache: TorchCudaEngine,
    "tensorrt": lambda cache: _with(TensorRtEngine, cache=cache),
    "tensorrt, any size": lambda cache: _with(TensorRtEngine, cache=cache, is_dynamic=True),
    "tensorrt-rtx": lambda cache: _with(TensorRtRtxEngine, cache=cache),
    "tensorrt-rtx, any size": lambda cache: _with(TensorRtRtxEngine, cache=cache, is_dynamic=True),
}


def _with(kind: Any, **options: Any) -> Callable[..., Any]:
    return lambda *given: kind(*given, **options)


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


def opened(kind: str, package: Package, folder: Path, shape: tuple[int, int] = SHAPE) -> Any:
    """Open an engine through the parity gate, or skip with its reason."""
    try:
        return gate.open_checked(KINDS[kind](PlanCache(folder)), package, shape, "fp16", 1)
    except EngineUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("kind", KINDS)
def test_passes_the_gate_and_answers_any_size(kind, package, tmp_path) -> None:
    engine = opened(kind, package, tmp_path)
    assert engine.parity_rms <= gate.tolerance_rms(package, "fp16")
    frames, wanted = package.test_vector()
    out = engine.infer(frames)
    assert np.sqrt(np.mean((out - wanted) ** 2)) <= gate.tolerance_rms(package, "fp16")
    assert engine.infer(engine.frames).shape == (1, package.manifest.outputs, *SHAPE)
    engine.close()
    engine.close()
    with pytest.raises(EngineUnavailable, match="closed"):
        engine.infer(frames)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_frame_gives_the_same_answer_after_others(kind, package, tmp_path) -> None:
    engine = opened(kind, package, tmp_path)
    noise = np.random.default_rng(1).normal(0, 1, engine.frames.shape).astype(np.float32)
    first = engine.infer(noise).copy()
    engine.infer(-noise)
    np.testing.assert_array_equal(engine.infer(noise), first)
    engine.close()


@pytest.mark.parametrize("kind", ["tensorrt", "tensorrt, any size"])
def test_a_plan_is_kept_loaded_and_built_anew_when_it_is_damaged(kind, package, tmp_path) -> None:
    engine = opened(kind, package, tmp_path)
    assert not engine.was_cached
    path = PlanCache(tmp_path).path(engine.facts(SHAPE))
    engine.close()
    again = opened(kind, package, tmp_path)
    assert again.was_cached
    again.close()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    anew = opened(kind, package, tmp_path)
    assert not anew.was_cached
    anew.close()


@pytest.mark.parametrize("kind", ["torch-cuda", "tensorrt", "tensorrt, any size"])
def test_a_frame_is_one_cuda_graph(kind, package, tmp_path) -> None:
    engine = opened(kind, package, tmp_path)
    assert engine.has_graph
    engine.close()


def test_tensorrt_takes_half_the_time_of_eager_torch_at_most(package, tmp_path, capsys) -> None:
    medians: dict[str, float] = {}
    lines: list[str] = []
    eager = gate.open_checked(_with(TorchCudaEngine, records=False), package, SHAPE, "fp16", 1)
    for name in ("torch eager", *KINDS):
        try:
            engine = eager if name == "torch eager" else opened(name, package, tmp_path)
        except pytest.skip.Exception as reason:
            lines.append(f"{name:24} not here: {reason}")
            continue
        times_ms = time_frames(engine, 300)
        medians[name] = float(np.median(times_ms))
        p99_ms = np.percentile(times_ms, 99)
        lines.append(f"{name:24} median {medians[name]:6.3f} ms, p99 {p99_ms:6.3f} ms")
        engine.close()
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert medians["torch-cuda"] <= medians["torch eager"]
    if "tensorrt" not in medians:
        pytest.skip("TensorRT is not here")
    assert medians["tensorrt"] <= medians["torch eager"] / 2
    assert medians["tensorrt"] <= 5.0
