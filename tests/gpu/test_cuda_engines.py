"""Engines of the graphics card: compile, keep, load, parity, CUDA graph, and their latencies."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.engines import gate
from models.engines.gpu import find_gpu
from models.engines.rtx_build import TARGETS
from models.engines.survey import time_frames
from models.engines.tensorrt import TensorRtEngine
from models.engines.tensorrt_rtx import TensorRtRtxEngine
from models.engines.torch_cuda import TorchCudaEngine
from models.errors import EngineUnavailable
from models.package import Package, shipped
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


def why_not(kind: str) -> str:
    """Say what is not installed, or what the card is too old or new for; empty if nothing is.

    Only that is a reason to skip: an engine that is all there and does not compile is broken.
    """
    if find_spec("torch") is None:
        return "torch is not installed"
    import torch

    if not torch.cuda.is_available():
        return f"torch {torch.__version__} cannot use the card"
    if kind.startswith("tensorrt-rtx"):
        if not any(find_spec(name) for name in ("tensorrt_rtx", "tensorrt_rtx_bindings")):
            return 'TensorRT-RTX is not installed (pip install -e ".[rtx]")'
        if "SM" + find_gpu().sm.replace(".", "") not in TARGETS:
            return f"TensorRT-RTX is not made for generation {find_gpu().sm}"
    elif kind.startswith("tensorrt") and find_spec("torch_tensorrt") is None:
        return 'torch-tensorrt is not installed (pip install -e ".[tensorrt]")'
    return ""


def opened(kind: str, package: Package, folder: Path, shape: tuple[int, int] = SHAPE) -> Any:
    """Open an engine through the parity gate, or skip with the reason why it cannot be here."""
    reason = why_not(kind)
    if reason:
        pytest.skip(reason)
    return gate.open_checked(KINDS[kind](PlanCache(folder)), package, shape, "fp16", 1)


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
    if why_not("torch-cuda"):
        pytest.skip(why_not("torch-cuda"))
    eager = gate.open_checked(_with(TorchCudaEngine, records=False), package, SHAPE, "fp16", 1)
    for name in ("torch eager", *KINDS):
        if why_not(name):
            lines.append(f"{name:24} not here: {why_not(name)}")
            continue
        engine = eager if name == "torch eager" else opened(name, package, tmp_path)
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


DATA_CENTRE = ("A100", "H100", "H200", "B100", "B200", "GH200", "L40")


@pytest.mark.parametrize("kind", ["torch-cuda", "tensorrt"])
def test_all_three_tasks_take_five_ms_together_on_a_data_centre_card(kind, tmp_path) -> None:
    if not any(name in find_gpu().name for name in DATA_CENTRE):
        pytest.skip(f"{find_gpu().name} is no data-centre card")
    total_ms = 0.0
    for name in ("denoise-best", "superres-fast", "axial-fast"):
        engine = opened(kind, Package.load(shipped(name)), tmp_path)
        total_ms += float(np.median(time_frames(engine, 300)))  # from host memory and back
        engine.close()
    assert total_ms <= 5.0


def test_the_compiler_is_asked_with_words_that_it_knows(package, tmp_path) -> None:
    reason = why_not("tensorrt")
    if reason:
        pytest.skip(reason)
    import torch_tensorrt

    convert = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine
    known = set(inspect.signature(convert).parameters)
    assert known >= {"arg_inputs", "min_block_size", "require_full_compilation"}
    assert known >= {"timing_cache_path"}


def test_a_plan_of_another_card_is_not_loaded(package, tmp_path) -> None:
    engine = opened("tensorrt", package, tmp_path)
    facts = engine.facts(SHAPE)
    engine.close()
    for fact in ("card", "sm", "driver"):
        assert PlanCache(tmp_path).get({**facts, fact: "another"}) is None
    assert PlanCache(tmp_path).get(facts) is not None
