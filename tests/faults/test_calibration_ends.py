"""A calibration on a stand whose light outlives programs: its keeper has the last word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acquire.errors import LightNotDark
from acquire.keeper.pulse import Pulse
from lightloop.calibrate import stand as calibration_stand
from lightloop.config import parse
from lightloop.processes.link import Failed, pack
from lightloop.supervision.children import SPAWN, Child
from lightloop.supervision.keeper_watch import KeeperWatch
from tests.lasting_light import LastingLight
from tests.lasting_stand import config_of, write_system

pytestmark = pytest.mark.timeout(300)
OWNER_S = 60.0  # so long would they wait; what has to be done takes a busy machine no half of it


@pytest.fixture
def box() -> Iterator[LastingLight]:
    box = LastingLight()
    yield box
    box.close()


@pytest.fixture
def text(box: LastingLight, tmp_path: Path) -> str:
    return config_of(write_system(tmp_path, box.port))


def test_a_light_that_comes_on_as_its_driver_is_unloaded_is_ended_by_the_keeper(
    box: LastingLight, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unload, left_ns = calibration_stand._unload, [0]

    def unload_and_light(core: object) -> None:
        unload(core)  # type: ignore[arg-type]
        box.is_lit, left_ns[0] = True, time.perf_counter_ns()

    monkeypatch.setattr(calibration_stand, "_unload", unload_and_light)
    monkeypatch.setattr(calibration_stand, "OWNER_S", OWNER_S)
    with calibration_stand.open_stand(parse(text, "stand.toml"), text, "stand.toml", "laser"):
        assert not box.is_lit
    assert not box.is_lit
    took_s = (time.perf_counter_ns() - left_ns[0]) * 1e-9
    assert took_s < OWNER_S / 2, "keeper and owner do not wait for each other"


def test_a_keeper_that_cannot_end_the_light_is_believed() -> None:
    ours, theirs = SPAWN.Pipe()
    theirs.send_bytes(pack(Failed("DARK NOT CONFIRMED", may_be_lit=True)))
    process = SPAWN.Process(target=time.monotonic)
    process.start()
    with pytest.raises(LightNotDark, match="DARK NOT CONFIRMED"):
        calibration_stand._hear_out(Child("keeper", process, ours), KeeperWatch(Pulse()))
    theirs.close()
    process.close()


def test_a_calibration_whose_keeper_hangs_at_the_end_says_so_and_soon(
    box: LastingLight, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_stand, "KEEPER_S", 3600.0)
    with (
        pytest.raises(LightNotDark, match="hung"),
        calibration_stand.open_stand(parse(text, "stand.toml"), text, "stand.toml", "laser"),
    ):
        box.ignores = 1  # the next program whose driver is started: the keeper's own way
    assert not box.is_lit
