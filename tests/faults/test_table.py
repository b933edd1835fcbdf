"""The table of faults: whatever is broken from outside, what is declared comes true."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lightloop.bench.faults_facts import Facts
from lightloop.bench.faults_judge import break_run, objections
from lightloop.bench.faults_table import FAULTS, Fault, Outcome
from tests.faults_in_turn import break_in_turn, pause_and_go_on

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, prlimit"),
]

ROWS = {fault.name: fault for fault in FAULTS}
IN_TURN = (
    ROWS["decision NaN"],
    ROWS["read-back lies once"],
    ROWS["exception in a callback"],
    ROWS["config edited in mid-run"],
    ROWS["decision late"],
    Fault("paused", pause_and_go_on, Outcome.RESUMES),  # no fault: a person's own wish
    ROWS["clock jumps by an hour"],
    ROWS["cancel"],
)
"""These let a run go on, and the last ends it: they share one. The bench breaks a run for each."""
SAID_ELSEWHERE = {"scope killed": "test_scope_dies_anywhere: it dies where it has just opened"}


def _row(fault: Fault) -> object:
    marks = [pytest.mark.slow] * (fault.is_slow or fault.name in SAID_ELSEWHERE)
    if fault.not_yet:
        marks.append(pytest.mark.xfail(reason=fault.not_yet, strict=True, raises=AssertionError))
    return pytest.param(fault, id=fault.name.replace(" ", "-"), marks=marks)


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    return break_in_turn(IN_TURN, tmp_path_factory.mktemp("turn"))


@pytest.mark.parametrize("fault", IN_TURN, ids=lambda fault: fault.name.replace(" ", "-"))
def test_what_is_declared_comes_true_of_each_fault_of_one_run(
    fault: Fault, in_turn: dict[str, Facts]
) -> None:
    facts = in_turn[fault.name]
    assert not objections(fault, facts), facts.said


@pytest.mark.parametrize("fault", [_row(fault) for fault in FAULTS if fault not in IN_TURN])
def test_what_is_declared_of_a_fault_comes_true(fault: Fault, tmp_path: Path) -> None:
    facts = break_run(fault, tmp_path)
    assert not objections(fault, facts), facts.said
