"""A keeper that hangs in a driver, or hangs at all: its promise is broken, and others act."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from acquire.core_loading import load_system
from acquire.keeper.pipes import make_pipes
from acquire.light.port import LightPort
from lightloop.processes.link import Failed, Finished
from lightloop.supervision import driver_time, lights_out
from lightloop.supervision.children import Child, Family, wait_until_ready
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.outcome import Verdict
from lightloop.supervision.stand_ins import NOBODY
from lightloop.task import RunTask
from tests.faults.test_lights_apart import BLUE, GREEN, SECOND, system_of
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of

pytestmark = pytest.mark.timeout(300)

TRY_S = 2.0  # instead of the five seconds that a driver is given in earnest
FOR_EVER = 10  # programs that are ignored


@pytest.fixture
def boxes() -> Iterator[tuple[LastingLight, LastingLight]]:
    found = LastingLight(), LastingLight()
    yield found
    for box in found:
        box.close()


class Watched:
    """The last care of a supervisor, over a keeper whose owner is gone and has left light on."""

    def __init__(self, folder: Path, boxes: tuple[LastingLight, LastingLight]) -> None:
        system = system_of(folder, boxes[0].port, boxes[1].port)
        core = load_system(system)
        port = LightPort(core, [BLUE, GREEN])
        assert port.set_open(BLUE, True)
        assert port.set_open(GREEN, True)
        core.unloadAllDevices()
        text = config_of(system).replace("\n[[channel]]\n", SECOND)
        self.verdict = Verdict()
        self.family = Family(RunTask(text, "two.toml", ""))
        self.lights = LightsOut(self.family, self.verdict, self._drain)
        ours, theirs = make_pipes()
        pulse = self.lights.pulse
        self.keeper = self.family.start(
            "keeper", theirs.leases, theirs.orders, None, NOBODY, 1.0, pulse, "", TRY_S
        )
        self._owner = ours
        wait_until_ready(self.keeper)

    def die(self) -> None:
        """Be the owner, and die."""
        self._owner.close()

    def end(self) -> None:
        self.lights.take_over()
        self.lights.wait_for_the_keeper(was_lit=True)

    def _drain(self, child: Child) -> None:
        while (message := child.hear()) is not None:
            child.has_finished |= isinstance(message, Finished)
            if isinstance(message, Failed):
                self.verdict.may_be_lit |= message.may_be_lit


@pytest.fixture
def watched(
    boxes: tuple[LastingLight, LastingLight], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Watched:
    monkeypatch.setattr(driver_time, "TRY_S", TRY_S)
    monkeypatch.setattr(driver_time, "PATIENT", 5.0)
    return Watched(tmp_path, boxes)


def test_a_driver_that_hangs_once_keeps_no_light_on(
    boxes: tuple[LastingLight, LastingLight], watched: Watched
) -> None:
    boxes[0].ignores = 1
    watched.die()
    watched.end()
    assert [box.is_lit for box in boxes] == [False, False]
    assert not watched.verdict.may_be_lit
    assert "the keeper hung" in watched.verdict.problem


def test_a_driver_that_hangs_for_ever_keeps_only_its_own_light_on_and_is_named(
    boxes: tuple[LastingLight, LastingLight], watched: Watched
) -> None:
    boxes[0].ignores = FOR_EVER
    watched.die()
    watched.end()
    assert [box.is_lit for box in boxes] == [True, False]
    assert watched.verdict.may_be_lit
    assert "the driver of light 'laser' hangs" in watched.verdict.problem
    code, reason = watched.verdict.told("", is_interrupted=False)
    assert code == 3
    assert reason.startswith("DARK NOT CONFIRMED")


@pytest.mark.slow
def test_a_keeper_that_stands_still_before_its_owner_ends_is_not_waited_for_long(
    boxes: tuple[LastingLight, LastingLight], watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LightsOut, "_wake_the_keeper", lambda self: None)  # it is stuck for good
    monkeypatch.setattr(lights_out, "OWNER_S", 0.5)
    psutil.Process(watched.keeper.process.pid).suspend()
    watched.die()
    began_s = time.monotonic()
    watched.end()
    assert time.monotonic() - began_s < lights_out.BEGIN_S + lights_out.KEEPER_S
    assert [box.is_lit for box in boxes] == [False, False]
    assert not watched.verdict.may_be_lit
