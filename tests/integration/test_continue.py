"""A run that ended too soon is gone on with: the plan that is left, by the budget that is left."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from lightloop.cli.app import app
from lightloop.supervision.children import Child
from lightloop.supervision.supervisor import Supervisor
from realtime.run_file.reader import RunReader
from tests.run_helpers import SMALL, run_and, task

pytestmark = pytest.mark.timeout(240)

SHOTS, SHOT_J_CM2 = 40, 0.02
CONFIG = (
    SMALL.replace("loops = 5000", f"loops = {SHOTS}")
    .replace("budget_j_cm2 = 500.0", f"budget_j_cm2 = {SHOTS * SHOT_J_CM2 * 1.001}")
    .replace('kind = "snr"', 'kind = "fixed"')
    .replace("power_mw_at_maximum = 0.0865", "power_mw_at_maximum = 0.086550")
)


def interrupt(children: dict[str, Child], supervisor: Supervisor) -> None:
    supervisor._interrupts += 1


def kill_scope(children: dict[str, Child], supervisor: Supervisor) -> None:
    psutil.Process(children["scope"].process.pid).kill()


def told(path: Path) -> tuple[list[int], float]:
    """Return the numbers of a file's shots, and the light of its frames."""
    with RunReader(path) as run:
        infos = run.infos
        return [i.shot.number for i in infos], sum(i.applied.dose_j_cm2 for i in infos)


def go_on(with_file: Path, out: Path) -> str:
    words = ["run", "--continue", str(with_file), "--headless", "--out", str(out)]
    return CliRunner().invoke(app, words).output


def test_a_stopped_run_goes_on_with_the_shots_and_the_budget_that_are_left(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("run.h5", "rest.h5", "more.h5"))
    assert run_and(task(tmp_path, config=CONFIG), 8, interrupt).exit_code == 130
    go_on(first, second)
    numbers, dose = told(first)
    rest, more = told(second)
    assert 8 <= len(numbers) < SHOTS
    assert [*numbers, *rest] == list(range(SHOTS))
    assert dose + more == pytest.approx(SHOTS * SHOT_J_CM2, rel=1e-3)
    with RunReader(second) as run:
        assert run.start.goes_on_with == str(first)
        assert run.status == "complete"
    assert "nothing is left to go on with" in go_on(second, third)
    assert not third.exists()
    assert "rest.h5 went on with it already" in go_on(first, third).replace("\n", "")
    assert not third.exists(), "the budget that it left is spent once"


def test_after_a_kill_no_shot_is_taken_twice_and_the_budget_is_never_passed(tmp_path: Path) -> None:
    first, second = tmp_path / "run.h5", tmp_path / "rest.h5"
    assert run_and(task(tmp_path, config=CONFIG), 8, kill_scope).exit_code == 1
    go_on(first, second)
    numbers, dose = told(first)
    rest, more = told(second)
    assert 8 <= len(numbers) < SHOTS
    assert not set(numbers) & set(rest)
    assert SHOTS - 2 <= len(numbers) + len(rest) < SHOTS, "the shot that was cut short is booked"
    assert dose + more < SHOTS * SHOT_J_CM2
