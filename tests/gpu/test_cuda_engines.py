"""Engines of the graphics card: compile, keep, load, parity, CUDA graph."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.engines import gate
from models.errors import EngineUnavailable
from models.package import Package, shipped
from models.plan_cache import PlanCache
from tests.gpu.cards import KINDS, SHAPE, opened, why_not

# What torch and its compilers deprecate is theirs: as an error it would look like a broken engine.
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


@pytest.mark.parametrize("kind", KINDS)
def test_passes_the_gate_and_answers_any_size(kind, package, plans) -> None:
    engine = opened(kind, package, plans)
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
def test_the_same_frame_gives_the_same_answer_after_others(kind, package, plans) -> None:
    engine = opened(kind, package, plans)
    noise = np.random.default_rng(1).normal(0, 1, engine.frames.shape).astype(np.float32)
    first = engine.infer(noise).copy()
    engine.infer(-noise)
    np.testing.assert_array_equal(engine.infer(noise), first)
    engine.close()


@pytest.mark.parametrize("kind", ["tensorrt", "tensorrt, any size"])
def test_a_plan_is_kept_loaded_and_built_anew_when_it_is_damaged(
    kind, package, plans, tmp_path
) -> None:
    for timings in plans.glob("tensorrt-timing-*.bin"):  # so that to compile again takes seconds
        shutil.copy(timings, tmp_path)
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
def test_a_frame_is_one_cuda_graph(kind, package, plans) -> None:
    engine = opened(kind, package, plans)
    assert engine.has_graph
    engine.close()


@pytest.mark.parametrize("kind", ["tensorrt-rtx", "tensorrt-rtx, any size"])
def test_what_the_library_translated_for_this_card_is_kept(kind, package, tmp_path) -> None:
    def kept() -> set[Path]:
        return set(tmp_path.glob("*.plan"))

    opened(kind, package, tmp_path).close()
    after_one = kept()
    assert len(after_one) >= 2  # the plan, and its translation
    opened(kind, package, tmp_path).close()
    assert kept() == after_one


def test_the_compiler_is_asked_with_words_that_it_knows() -> None:
    reason = why_not("tensorrt")
    if reason:
        pytest.skip(reason)
    import torch_tensorrt

    convert = torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine
    known = set(inspect.signature(convert).parameters)
    assert known >= {"arg_inputs", "min_block_size", "require_full_compilation"}
    assert known >= {"timing_cache_path"}


def test_a_plan_of_another_card_is_not_loaded(package, plans) -> None:
    engine = opened("tensorrt", package, plans)
    facts = engine.facts(SHAPE)
    engine.close()
    for fact in ("card", "sm", "driver"):
        assert PlanCache(plans).get({**facts, fact: "another"}) is None
    assert PlanCache(plans).get(facts) is not None
