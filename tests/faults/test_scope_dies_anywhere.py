"""The scope dies at every instruction of a shot that matters: the meter says that it is dark."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lightloop.bench.faults_facts import Facts
from lightloop.bench.faults_judge import BEFORE, DEATH_MS
from lightloop.bench.faults_mines import DEATH, PLACES
from lightloop.bench.faults_stand import Stand
from lightloop.bench.faults_table import FAULTS

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]
OWN = next(fault for fault in FAULTS if fault.name == "scope killed")
DARK_FROM_THE_START = {"before the keeper is told", "told, not yet confirmed"}


def die(place: str, folder: Path) -> tuple[Facts, int]:
    """Let the scope die at a place of a shot; return what was noted, and when it died."""
    with Stand(folder, OWN.config(folder)) as stand:
        stand.wait_for_exposures(BEFORE)
        stand.strike()
        assert not stand.say("scope", "die", place)
        facts = stand.finish()
    return facts, int((folder / DEATH).read_text("ascii"))


def _row(place: str) -> object:
    quick = ("confirmed, still dark", "just opened", "just closed")
    return pytest.param(place, marks=[pytest.mark.slow] * (place not in quick))


@pytest.mark.parametrize("place", [_row(place) for place in PLACES])
def test_a_scope_that_dies_in_a_shot_leaves_the_light_off(place: str, tmp_path: Path) -> None:
    facts, died_ns = die(place, tmp_path)
    assert "scope process died" in facts.said
    assert facts.exit_code == 1
    assert facts.is_dark
    assert "DARK NOT CONFIRMED" not in facts.said
    assert facts.lit_outside_s == 0.0
    last_ns = max(end for _, end in facts.lit)
    assert last_ns - died_ns < DEATH_MS * 1e6
    if place in DARK_FROM_THE_START:
        assert last_ns < died_ns
