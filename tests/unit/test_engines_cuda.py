"""The way to the graphics card and back, on one that is none; the real ones: tests/gpu."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from models.engines import gate, tensorrt, tensorrt_rtx
from models.engines.tensorrt import TensorRtEngine
from models.engines.tensorrt_rtx import TensorRtRtxEngine
from models.engines.torch_cuda import TorchCudaEngine
from models.errors import EngineUnavailable
from models.package import Package, shipped
from models.plan_cache import PlanCache

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]  # torch's own are its own
SHAPE = (64, 72)


@pytest.fixture
def card(monkeypatch):
    pytest.importorskip("torch")
    from tests import fake_card

    fake_card.install(monkeypatch)
    return fake_card


@pytest.fixture
def trt(card, monkeypatch):
    fake = card.FakeTrt()
    for name in ("tensorrt", "torch_tensorrt"):
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setattr(tensorrt, "USUAL_PX", 64)
    return fake


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


def noisy(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (1, 1, *shape)).astype(np.float32)


def reference(package: Package, frames: np.ndarray) -> np.ndarray:
    import torch

    from models.engines.torch_net import torch_net

    with torch.inference_mode():
        answer: np.ndarray = torch_net(package)(torch.from_numpy(frames)).numpy()
    return answer


def opened(kind: str, package: Package, folder):
    cache = PlanCache(folder)
    openers = {
        "torch-cuda": TorchCudaEngine,
        "torch eager": lambda *given: TorchCudaEngine(*given, records=False),
        "tensorrt": lambda *given: TensorRtEngine(*given, cache=cache),
        "any size": lambda *given: TensorRtEngine(*given, cache=cache, is_dynamic=True),
    }
    return gate.open_checked(openers[kind], package, SHAPE, "fp16", 1)


@pytest.mark.parametrize("kind", ["torch-cuda", "torch eager", "tensorrt", "any size"])
def test_a_frame_goes_to_the_card_and_back(kind, package, trt, tmp_path) -> None:
    engine = opened(kind, package, tmp_path)
    assert engine.has_graph is (kind != "torch eager")
    for size in (SHAPE, (64, 64), (80, 64), SHAPE):
        out = engine.infer(noisy(size))
        assert out.dtype == np.float32
        assert np.sqrt(np.mean((out - reference(package, noisy(size))) ** 2)) < 0.01
    engine.frames[...] = noisy()
    np.testing.assert_array_equal(engine.infer(engine.frames), engine.infer(noisy()))
    engine.close()
    engine.close()
    with pytest.raises(EngineUnavailable, match="closed"):
        engine.infer(noisy())


def test_a_plan_is_compiled_once_for_a_size_and_kept(package, trt, tmp_path) -> None:
    opened("tensorrt", package, tmp_path).close()
    compiled = len(trt.asked)
    again = opened("tensorrt", package, tmp_path)
    assert again.was_cached
    assert len(trt.asked) == compiled
    again.close()


def test_one_plan_serves_any_size_and_does_not_hang_on_the_first(package, trt, tmp_path) -> None:
    engine = opened("any size", package, tmp_path)
    engine.infer(noisy((80, 64)))
    (asked,) = trt.asked
    (given,) = asked["arg_inputs"]
    assert given["opt_shape"] == (1, 1, 64, 64)  # the usual size, whatever came first
    assert asked["require_full_compilation"]
    assert asked["min_block_size"] == 1
    engine.close()


def test_kept_timings_that_are_damaged_cost_one_more_try_and_no_engine(
    package, trt, tmp_path, caplog, monkeypatch
) -> None:
    opened("tensorrt", package, tmp_path).close()
    (timings,) = {asked["timing_cache_path"] for asked in trt.asked}
    Path(timings).write_bytes(b"half a fi")
    monkeypatch.setattr(gate, "parity", lambda engine, package: 0.0)  # its size is compiled, too
    converted = trt.convert_exported_program_to_serialized_trt_engine

    def stumbles(program, **given):
        if Path(given["timing_cache_path"]).exists():
            raise TypeError("set_timing_cache(): incompatible function arguments")
        return converted(program, **given)

    monkeypatch.setattr(trt, "convert_exported_program_to_serialized_trt_engine", stumbles)
    for plan in tmp_path.glob("*.plan"):
        plan.unlink()
    engine = opened("tensorrt", package, tmp_path)
    assert not engine.was_cached
    assert "are removed, once more" in caplog.text
    engine.close()


def test_what_cannot_be_recorded_is_said_and_runs_all_the_same(
    package, card, monkeypatch, tmp_path, caplog
) -> None:
    card.install(monkeypatch, refuses="capture is not permitted")
    with caplog.at_level(logging.WARNING):
        engine = opened("torch-cuda", package, tmp_path)
    assert not engine.has_graph
    assert "no CUDA graph, each frame is launched anew: capture is not permitted" in caplog.text
    assert np.isfinite(engine.infer(noisy())).all()
    engine.close()


@pytest.mark.parametrize("error", [Exception("no libnvinfer.so.11"), AssertionError("no CUDA")])
def test_whatever_an_import_of_the_compiler_raises_is_a_reason(
    package, card, monkeypatch, tmp_path, error
) -> None:
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torch_tensorrt":
                raise error
            return

    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(EngineUnavailable, match=r"no (libnvinfer|CUDA).*pip install .*tensorrt"):
        opened("tensorrt", package, tmp_path)


def test_a_generation_that_rtx_does_not_name_is_tried_with_every_plan_that_might_fit(
    package, card, monkeypatch, tmp_path
) -> None:
    asked = []

    def refuse(package, sizes, targets, cache, own):
        asked.append((tuple(targets), own))
        raise EngineUnavailable("not for this one")

    monkeypatch.setattr(tensorrt_rtx, "import_rtx", lambda: card.FakeTrt())
    monkeypatch.setattr(tensorrt_rtx, "rtx_plan", refuse)
    with pytest.raises(EngineUnavailable, match=r"CURRENT: not for this one; SM80, .*SM120: not"):
        TensorRtRtxEngine(package, SHAPE, "fp16", 1, cache=PlanCache(tmp_path))
    assert asked == [(("CURRENT",), "NVIDIA H200, driver 580.65"), (tensorrt_rtx.TARGETS, "")]
