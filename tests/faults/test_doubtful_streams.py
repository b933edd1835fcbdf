"""Streams that are to end or to wait while the camera runs on: real processes, judged by the box.

The rows are those of the table of faults (`lightloop.bench.faults_table`), but of a stream: its
light is one lease that is renewed, so that the end has to come in the midst of it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightloop.bench import faults_harms as harms
from lightloop.bench.faults_deeds import LASER
from lightloop.bench.faults_facts import Facts
from lightloop.bench.faults_judge import break_run, objections
from lightloop.bench.faults_stand import Stand
from lightloop.bench.faults_table import Fault, Outcome
from realtime.run_file import RunReader
from tests.faults_in_turn import break_in_turn, pause_and_go_on

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
]
BUDGET_J_CM2 = 2.0
"""Some seconds of the stream's light: 5 W/cm2 x 0.2 for 30 ms a frame."""
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class StreamFault(Fault):
    """A row for a run that streams, by the host's clock, with light that the camera blanks."""

    budget_j_cm2: float = 500.0

    def config(self, folder: Path) -> str:
        """Return the run config for it, as TOML."""
        text = Fault.config(self, folder)
        for before, after in (
            ('gate = "software"', 'gate = "camera"'),
            ("interval = { seconds = 120 }, loops = 5000", "interval = 0, loops = 100000"),
            ('clock = "simulated"\npace_s = 0.06', 'clock = "host"\nmode = "stream"'),
            ("deadline_ms = 80.0", "deadline_ms = 500.0"),
            ("budget_j_cm2 = 500.0", f"budget_j_cm2 = {self.budget_j_cm2}"),
        ):
            assert before in text
            text = text.replace(before, after)
        return text


DOUBTS = (
    StreamFault("clock jumps", harms.clock_jumps, Outcome.RESUMES),
    StreamFault("paused", pause_and_go_on, Outcome.RESUMES),
)


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    return break_in_turn(DOUBTS, tmp_path_factory.mktemp("turn"))


@pytest.mark.parametrize("fault", DOUBTS, ids=lambda fault: fault.name)
def test_a_stream_in_doubt_is_dark_at_once_and_goes_on(
    fault: StreamFault, in_turn: dict[str, Facts]
) -> None:
    facts = in_turn[fault.name]
    assert not objections(fault, facts), facts.said


def test_a_stream_whose_supervisor_is_killed_is_dark_at_once(tmp_path: Path) -> None:
    fault = StreamFault("supervisor killed", harms.kill_supervisor, Outcome.ENDS, -9)
    facts = break_run(fault, tmp_path)
    assert not objections(fault, facts), facts.said


def test_a_budget_that_ends_in_mid_stream_is_kept_to_the_last_frame(tmp_path: Path) -> None:
    metered = [0.0]

    def look_until_it_is_spent(stand: Stand) -> None:
        stand.strike()
        until_s = time.monotonic() + 60.0
        while not stand._has_ended("scope") and time.monotonic() < until_s:
            metered[0] = stand.box.meter()[LASER].dose_j_cm2
            time.sleep(LOOK_S)  # who asks without a pause takes the processor from the run
        metered[0] = stand.box.meter()[LASER].dose_j_cm2  # the box ends after all others

    fault = StreamFault(
        "budget spent", look_until_it_is_spent, Outcome.ENDS, 0, "budget spent",
        runs_on=10**6, budget_j_cm2=BUDGET_J_CM2,
    )  # fmt: skip
    facts = break_run(fault, tmp_path)
    assert not objections(fault, facts), facts.said
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.end is not None
        (told,) = reader.end.dose_j_cm2.values()
    assert metered[0] <= told * 1.01
    assert 0.7 * BUDGET_J_CM2 < told <= BUDGET_J_CM2, "windows are bought, and halved at the end"
