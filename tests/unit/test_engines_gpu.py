"""The graphics card is asked of its driver; what is missing is a reason, never a traceback."""

from __future__ import annotations

import ctypes

import pytest

from models.engines import gpu
from models.errors import EngineUnavailable


class Driver:
    """A driver's library; a call named in ``broken`` answers an error."""

    def __init__(self, cards: int = 1, broken: str = "") -> None:
        self._cards, self._broken = cards, broken

    def __getattr__(self, name):
        return lambda *given: 100 if name == self._broken else self._answer(name, *given)

    def _answer(self, name, *given) -> int:
        values = {"cuDeviceGetCount": self._cards, "cuDeviceGet": 0, "cuDriverGetVersion": 13000}
        if name in values:
            given[0]._obj.value = values[name]
        elif name == "cuDeviceGetName":
            given[0].value = b"NVIDIA H200"
        elif name == "cuDeviceGetAttribute":
            given[0]._obj.value = {75: 9, 76: 0}[given[1]]
        return 0


def test_a_card_says_its_name_generation_and_driver() -> None:
    assert gpu.ask(Driver(), "580.65") == gpu.Gpu("NVIDIA H200", "9.0", "580.65")
    assert gpu.ask(Driver(), "").driver == "cuda 13000"


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (Driver(broken="cuInit"), r"cannot start \(CUDA error 100\)"),
        (Driver(cards=0), "finds no graphics card"),
        (Driver(broken="cuDeviceGetAttribute"), "generation"),
    ],
)
def test_a_driver_that_fails_is_a_reason(driver, reason) -> None:
    with pytest.raises(EngineUnavailable, match=reason):
        gpu.ask(driver, "")


def test_a_missing_driver_is_a_reason(monkeypatch) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    gpu.find_gpu.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", absent)
    with pytest.raises(EngineUnavailable, match=r"no NVIDIA (driver|graphics card)"):
        gpu.find_gpu()
    gpu.find_gpu.cache_clear()
