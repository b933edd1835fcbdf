"""What was measured to be fastest on this machine is tried first."""

from __future__ import annotations

import pytest

from models.engines import order, survey, table
from models.engines.gpu import Gpu
from models.engines.table import Choice
from models.errors import EngineUnavailable, ParityError
from models.package import Package, shipped
from models.plan_cache import PlanCache

SHAPE = (64, 64)
CHOICES = (Choice("openvino", "bf16"), Choice("openvino", "f32"), Choice("onnxruntime", "f32"))


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


def test_the_fastest_measured_comes_first_and_the_unmeasured_last(package, tmp_path) -> None:
    cache = PlanCache(tmp_path)
    order.remember(package, SHAPE, 1, {CHOICES[2]: 3.0, CHOICES[1]: 2.0}, cache)
    found = order.remembered(package, SHAPE, 1, CHOICES, cache)
    assert found == (CHOICES[1], CHOICES[2], CHOICES[0])


@pytest.mark.parametrize(("shape", "threads"), [((64, 72), 1), (SHAPE, 2)])
def test_other_frames_or_threads_were_not_measured(package, tmp_path, shape, threads) -> None:
    cache = PlanCache(tmp_path)
    order.remember(package, SHAPE, 1, {CHOICES[2]: 3.0}, cache)
    assert order.remembered(package, shape, threads, CHOICES, cache) == CHOICES


def test_another_library_was_not_measured(package, tmp_path, monkeypatch) -> None:
    cache = PlanCache(tmp_path)
    order.remember(package, SHAPE, 1, {CHOICES[2]: 3.0}, cache)
    monkeypatch.setattr(order, "_version", lambda name: "99.0")
    assert order.remembered(package, SHAPE, 1, CHOICES, cache) == CHOICES


def test_with_another_card_nothing_was_measured(package, tmp_path, monkeypatch) -> None:
    cache = PlanCache(tmp_path)
    order.remember(package, SHAPE, 1, {CHOICES[2]: 3.0}, cache)
    monkeypatch.setattr(order, "find_gpu", lambda: Gpu("NVIDIA H200", "9.0", "580.65"))
    assert order.remembered(package, SHAPE, 1, CHOICES, cache) == CHOICES


class Stub:
    """An engine that answers at once."""

    def __init__(self, package, shape, precision, threads) -> None:
        import numpy as np

        self.name, self.precision, self.closed = "stub", precision, False
        self.frames = np.zeros((1, 1, *shape), np.float32)
        self._vector = package.test_vector()
        self.parity_rms = float("nan")

    def infer(self, frames):
        return self._vector[1] if frames.shape == self._vector[0].shape else frames

    def info(self):
        from models.engines import EngineInfo

        return EngineInfo("stub", "1", self.precision, 1, self.parity_rms)

    def close(self) -> None:
        self.closed = True


def test_a_survey_tells_who_runs_and_why_others_do_not(package, monkeypatch) -> None:
    def opener(name):
        def refuse(*given):
            raise (ParityError if name == "torch" else EngineUnavailable)(f"no {name}")

        return Stub if name == "openvino" else refuse

    monkeypatch.setattr(table, "opener", opener)
    begun: list[Choice] = []
    tried = list(survey.survey(package, SHAPE, frames=7, begun=begun.append))
    assert tuple(begun) == table.FASTEST_FIRST == tuple(one.choice for one in tried)
    for one in tried:
        if one.choice.engine == "openvino":
            assert one.reason == ""
            assert len(one.times_ms) == 7
            assert one.parity_rms == 0.0
        else:
            assert one.reason == f"no {one.choice.engine}"
            assert one.is_wrong == (one.choice.engine == "torch")
