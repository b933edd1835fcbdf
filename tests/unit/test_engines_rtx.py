"""TensorRT-RTX compiles every network of the family ahead of time, on a machine without a card."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.engines import rtx_build
from models.errors import EngineUnavailable
from models.package import Package, shipped
from models.plan_cache import PlanCache
from tests.engine_nets import random_package

NETS = {
    "shipped": None,
    "five frames": {"channels": 5, "base": 32},
    "superres": {"upscale": 2},
    "axial": {"channels": 4, "outputs": 2},
}


@pytest.fixture
def trt():
    try:
        return rtx_build.import_rtx()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))


def package_of(net: str, folder: Path) -> Package:
    if NETS[net] is None:
        return Package.load(shipped("denoise-2d"))
    pytest.importorskip("onnxruntime")
    return random_package(folder / "net", **NETS[net])


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("size", [None, (512, 512)], ids=["any size", "512 px"])
def test_one_plan_is_compiled_for_four_generations_of_cards(tmp_path, trt, net, size) -> None:
    package, cache = package_of(net, tmp_path), PlanCache(tmp_path / "cache")
    plan, was_there = rtx_build.rtx_plan(package, size, cache=cache)
    assert not was_there
    assert 100_000 < len(plan) < 20_000_000
    assert rtx_build.rtx_plan(package, size, cache=cache) == (plan, True)


@pytest.mark.parametrize("target", rtx_build.TARGETS)
def test_each_generation_has_a_plan_of_its_own(tmp_path, trt, target) -> None:
    package, cache = package_of("shipped", tmp_path), PlanCache(tmp_path / "cache")
    plan, _ = rtx_build.rtx_plan(package, (128, 128), (target,), cache)
    others = rtx_build.rtx_plan(package, (128, 128), cache=cache)
    assert others == (others[0], False)
    assert plan != others[0]


def test_an_unknown_generation_is_a_reason(tmp_path, trt) -> None:
    package, cache = package_of("shipped", tmp_path), PlanCache(tmp_path / "cache")
    with pytest.raises(EngineUnavailable, match="does not compile for SM10"):
        rtx_build.rtx_plan(package, (128, 128), ("SM10",), cache)


def test_what_is_no_network_is_a_reason(trt) -> None:
    with pytest.raises(EngineUnavailable, match="does not understand"):
        rtx_build.build(trt, b"no model", 1, (64, 64), rtx_build.TARGETS)


def test_a_missing_library_is_a_reason_with_its_cure(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", None)
    with pytest.raises(EngineUnavailable, match=r"pip install .*rtx"):
        rtx_build.import_rtx()


@pytest.mark.parametrize(
    "changed",
    [{"size": (512, 520)}, {"targets": ("SM86",)}, {"version": "1.8"}, {"card": "B", "size": None}],
)
def test_a_plan_depends_on_all_that_it_was_made_for(changed) -> None:
    from models.plan_cache import digest

    package = Package.load(shipped("denoise-2d"))
    usual = {"size": (512, 512), "targets": rtx_build.TARGETS, "version": "1.7", "card": ""}
    before = rtx_build.plan_facts(package, **usual)
    assert digest(before) != digest(rtx_build.plan_facts(package, **(usual | changed)))
