"""Drivers that need long to start: who ends the light in a hurry gives them the time they need."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from acquire.keeper.keep import TRY_S
from acquire.keeper.pulse import Pulse
from lightloop.config import parse
from lightloop.processes.keeper import ALL
from lightloop.processes.link import Ready, pack
from lightloop.rehearse.kept import LineFigures, Rehearsal, doubts, save
from lightloop.rehearse.stand import stand_sha256
from lightloop.supervision import beginning
from lightloop.supervision.children import SPAWN, Child
from lightloop.supervision.driver_time import (
    MOST_S,
    PATIENT,
    TIMES,
    first_try_s,
    last_try_s,
    rehearsed_s,
)
from tests.lasting_stand import config_of

CONFIG = parse(config_of("stand.cfg"), "stand.toml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIGHTLOOP_REHEARSALS", str(tmp_path))
    return tmp_path


def line(keeper_ms: float | None) -> LineFigures:
    return LineFigures(
        "laser", 0.01, "camera", 5.0, 1.0, 1.0, keeper_ms, 0.0, 0.01, 0.0, 0.01, 0.0, "J/cm2"
    )


def rehearsed(*keeper_ms: float | None) -> None:
    lines = tuple(map(line, keeper_ms))
    save(Rehearsal("2026-01-01", "stand.toml", stand_sha256(CONFIG), "Cam", "by us", lines))


def test_a_stand_that_was_never_rehearsed_is_given_what_most_drivers_need() -> None:
    assert rehearsed_s(CONFIG) == 0.0
    assert first_try_s(CONFIG) == TRY_S
    assert last_try_s(TRY_S, 1.0) == PATIENT * TRY_S


@pytest.mark.parametrize(
    ("keeper_ms", "try_s"),
    [
        ((300.0,), TRY_S),
        ((300.0, 20_000.0, None), TIMES * 20.0),
        ((None,), TRY_S),
        ((1e9,), MOST_S),
    ],
)
def test_a_keeper_may_try_for_twice_as_long_as_it_took_when_it_was_rehearsed(
    keeper_ms: tuple[float | None, ...], try_s: float
) -> None:
    rehearsed(*keeper_ms)
    assert first_try_s(CONFIG) == try_s


def test_a_rehearsal_waits_for_drivers_that_it_has_just_seen_start_slowly() -> None:
    assert first_try_s(CONFIG, once_s=25.0) == TIMES * 25.0


def test_the_last_care_is_no_shorter_than_the_scope_that_had_to_start_the_same_drivers() -> None:
    assert last_try_s(TRY_S, 40.0) == TIMES * 40.0
    assert last_try_s(50.0, 40.0) == PATIENT * 50.0
    assert last_try_s(MOST_S, 1e9) == PATIENT * MOST_S


def test_a_rehearsal_that_cannot_be_read_costs_no_run(folder: Path) -> None:
    rehearsed(20_000.0)
    (only,) = folder.glob("*.json")
    only.write_text("{}", "utf-8")
    assert first_try_s(CONFIG) == TRY_S


def test_a_process_knows_how_long_it_took_to_begin() -> None:
    ours, theirs = SPAWN.Pipe()
    scope = Child("scope", None, ours, started_s=time.monotonic() - 20.0)  # type: ignore[arg-type]
    assert scope.hear() is None
    assert scope.start_s == 0.0
    theirs.send_bytes(pack(Ready()))
    scope.hear()
    assert scope.start_s == pytest.approx(20.0, abs=5.0)
    ours.close()
    theirs.close()


class Family:
    """Writes down who is started, with what."""

    def __init__(self) -> None:
        self.started: dict[str, tuple[Any, ...]] = {}

    def start(self, name: str, *pipes: Any) -> Any:
        self.started[name] = pipes
        for pipe in pipes[:2]:
            pipe.close()
        return Child(name, self, None)  # type: ignore[arg-type]

    pid = 1


def test_the_keeper_of_a_run_promises_as_long_as_its_rehearsal_took() -> None:
    rehearsed(20_000.0)
    family = Family()
    beginning.start_scope(family, CONFIG, Pulse())  # type: ignore[arg-type]
    assert family.started["keeper"][-2:] == (ALL, TIMES * 20.0)


@pytest.mark.parametrize(("keeper_ms", "is_said"), [(400.0, False), (8000.0, True), (None, False)])
def test_a_slow_driver_is_told_as_the_time_that_a_dead_scope_leaves_the_light_on(
    keeper_ms: float | None, is_said: bool
) -> None:
    said = doubts(CONFIG.light[0], line(keeper_ms))
    assert any("8 s to start" in one and "interlock" in one for one in said) == is_said
