"""The supervisor's last care, where the system itself refuses: what cannot die, or be started."""

from __future__ import annotations

import math
import multiprocessing.process
from typing import Any

import pytest

from lightloop.processes.keeper import OWNER_S
from lightloop.status import NOT_DARK
from lightloop.supervision import driver_time, lights_out, stand_ins
from lightloop.supervision.children import KILLED_S, SPAWN, Child, Family
from lightloop.supervision.keeper_watch import LOOKS
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.outcome import Verdict
from lightloop.supervision.stand_ins import BEGIN_S, OTHERS
from lightloop.task import RunTask
from tests.lasting_stand import config_of

GREEN = """
[[light]]
name = "green"
wavelength_nm = 561.0
shutter_device = "Green"

[light.limits]
budget_j_cm2 = 10.0

[[channel]]
"""
TWO = config_of("stand.cfg").replace("\n[[channel]]\n", GREEN)


class Stuck:
    """A process that waits in the kernel for a device: no signal reaches it."""

    def __init__(self) -> None:
        self.waited: list[float | None] = []

    pid = exitcode = None

    def is_alive(self) -> bool:
        return True

    def kill(self) -> None:
        pass

    def join(self, timeout: float | None = None) -> None:
        self.waited.append(timeout)


class Stand:
    """A run of two lights, and its supervisor's last care."""

    def __init__(self) -> None:
        self.family, self.verdict = Family(RunTask(TWO, "two.toml", "")), Verdict()
        self.heard: list[str] = []
        self.lights = LightsOut(self.family, self.verdict, lambda child: None)
        self._pipes = [SPAWN.Pipe() for _ in range(2)]
        for name, (ours, _) in zip(("scope", "keeper"), self._pipes, strict=True):
            self.family.children[name] = Child(name, Stuck(), ours)  # type: ignore[arg-type]

    @property
    def keeper(self) -> Child:
        return self.family.children["keeper"]

    def close(self) -> None:
        for pair in self._pipes:
            for end in pair:
                end.close()


@pytest.fixture
def stand() -> Any:
    made = Stand()
    yield made
    made.close()


def test_a_process_that_no_signal_ends_is_waited_for_neither_now_nor_at_our_own_end() -> None:
    stuck = Stuck()
    multiprocessing.process._children.add(stuck)  # type: ignore[attr-defined]
    ours, theirs = SPAWN.Pipe()
    child = Child("keeper", stuck, ours)  # type: ignore[arg-type]
    assert not child.kill()
    child.end(0.0)
    assert None not in stuck.waited
    assert sum(filter(None, stuck.waited)) <= 2 * KILLED_S
    assert stuck not in multiprocessing.process._children  # type: ignore[attr-defined]
    theirs.close()


def test_where_scope_and_keeper_cannot_be_killed_others_try_every_light_all_the_same(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        stand.family, "start", lambda name, *pipes, called="": started.append(called)
    )
    monkeypatch.setattr(lights_out, "HEAR_S", 0.0)
    stand.lights.pulse.promise(1)
    for _ in range(3 * LOOKS):
        stand.lights.wait([], 0.03)
    assert started == [OTHERS + "laser", OTHERS + "green"]
    scope = stand.family.children["scope"].process
    assert len(scope.waited) == 1, "it is given up once"  # type: ignore[attr-defined]


def test_a_keeper_that_cannot_be_started_for_one_light_leaves_no_other_without(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(name: str, *pipes: Any, called: str = "") -> None:
        if called == OTHERS + "laser":
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(called)

    monkeypatch.setattr(stand.family, "start", start)
    stand.lights._replace()
    assert started == [OTHERS + "green"]
    code, reason = stand.verdict.told("", is_interrupted=False)
    assert code == NOT_DARK
    assert "light 'laser'" in reason
    assert "by hand" in reason


@pytest.mark.parametrize("what", ["Pulse", "make_pipes"])
def test_no_lack_of_memory_or_files_ends_the_care_for_the_other_lights(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        stand.family, "start", lambda name, *pipes, called="": started.append(called)
    )
    made, lacks = getattr(stand_ins, what), iter([True])

    def make() -> Any:
        if next(lacks, False):
            raise MemoryError
        return made()

    monkeypatch.setattr(stand_ins, what, make)
    stand.lights._replace()
    assert started == [OTHERS + "green"]
    assert "light 'laser'" in stand.verdict.told("", is_interrupted=False)[1]


def test_a_keeper_that_still_starts_is_not_said_to_hang(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.lights, "_wake_the_keeper", lambda: None)
    watch = stand.lights._watches["keeper"]
    stand.lights.take_over()
    assert watch.look() == pytest.approx(BEGIN_S, abs=1.0)
    stand.keeper.is_ready = True
    stand.lights.take_over()
    assert watch.look() == pytest.approx(OWNER_S, abs=1.0)
    assert not math.isinf(watch.look())


def test_a_keeper_in_anothers_place_has_its_time_from_when_it_was_started(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(lights_out.time, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(stand.family, "start", lambda name, *pipes, called="": None)
    now_s[0] = lights_out.KEEPER_S - 1.0  # the first one hung until shortly before its end
    stand.lights._replace()
    slowest_s = BEGIN_S + driver_time.TRY_S * driver_time.PATIENT
    assert stand.lights._until_s >= now_s[0] + slowest_s
