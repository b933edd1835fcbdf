"""The table of faults: whatever is broken from outside, what is declared comes true."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lightloop.bench.faults_judge import break_run, objections
from lightloop.bench.faults_table import FAULTS, Fault

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, prlimit"),
]


def _row(fault: Fault) -> object:
    marks = [pytest.mark.slow] * fault.is_slow
    if fault.not_yet:
        marks.append(pytest.mark.xfail(reason=fault.not_yet, strict=True, raises=AssertionError))
    return pytest.param(fault, id=fault.name.replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("fault", [_row(fault) for fault in FAULTS])
def test_what_is_declared_of_a_fault_comes_true(fault: Fault, tmp_path: Path) -> None:
    facts = break_run(fault, tmp_path)
    assert not objections(fault, facts), facts.said
