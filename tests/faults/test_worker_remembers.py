"""A worker is killed in mid-run: the next one goes on with the same cells and their light."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightloop.supervision.children import Child
from lightloop.supervision.supervisor import Supervisor, supervise
from lightloop.task import ReplayTask, RunTask
from realtime.run_file import RunReader
from realtime.wire import Notice, Result
from tests.run_helpers import SMALL, run_and, task

pytestmark = pytest.mark.timeout(240)

CULTURE = (
    SMALL.replace("n_cells = 6", "n_cells = 24")
    .replace("128", "256")
    .replace("0.0865", "0.779")  # nine times the area, lit as brightly: all cells are in the light
    .replace("1731.0", "15579.0")
    .replace("seconds = 120", "seconds = 10")
    .replace("deadline_ms = 300.0", "deadline_ms = 20000.0")  # the new worker answers in time
)
FIELDS = CULTURE.replace(
    "time_plan = { interval = { seconds = 10 }, loops = 5000 }",
    'time_plan = { interval = { seconds = 10 }, loops = 5000 }\naxis_order = ["t", "p", "c", "z"]\n'
    "stage_positions = [{ x = 0, y = 0 }, { x = 30, y = 0 }, { x = 0, y = 30 }]",
)


def kill_worker(children: dict[str, Child], _: Supervisor) -> None:
    children["worker"].process.kill()


def handover(results: list[Result], position: int) -> tuple[list[Result], Result]:
    """Return what the old worker said of a field, and what the new one said first."""
    of = [r for r in results if r.position == position]
    first = next(n for n, r in enumerate(of) if n and r.recalled is not None)
    return of[:first], of[first]


def dose(result: Result) -> dict[int, float]:
    """Return what each cell has taken."""
    assert result.cell_dose is not None
    return dict(zip(result.cell_dose.ids, result.cell_dose.dose["488"], strict=True))


def replayed(path: Path) -> str:
    with RunReader(path) as run:
        again = RunTask(
            run.start.config_toml, path.name, "", replay=ReplayTask(str(path), "step", verify=True)
        )
    outcome = supervise(again)
    assert outcome.exit_code == 0, outcome.reason
    return outcome.reason


@pytest.mark.parametrize(("config", "fields"), [(CULTURE, 1), (FIELDS, 3)])
def test_a_killed_worker_is_followed_by_one_that_knows_the_same_cells(
    tmp_path: Path, config: str, fields: int
) -> None:
    outcome = run_and(task(tmp_path, shots=90, config=config), 60, kill_worker)
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(tmp_path / "run.h5") as reader:
        results, infos = list(reader.results), reader.infos
        said = [d.text for d in reader.documents() if isinstance(d, Notice)]
    assert len([r for r in results if r.is_fresh]) == 2
    assert len([text for text in said if "goes on with the cells" in text]) == 1
    for position in range(fields):
        before, after = handover(results, position)
        assert after.recalled is not None
        assert 0 <= after.recalled.shot < after.shot
        assert after.recalled.learnt == ("policy", "focus")
        lived = [r for r in before if r.shot >= min(after.recalled.shot, before[-6].shot)]
        old = set.intersection(*({*r.tracks.ids} for r in lived))
        assert len(old) > 5
        assert len(old & {*after.tracks.ids}) >= 0.95 * len(old), "cells keep their names"
        ever = {name for r in before for name in r.tracks.ids}
        assert max(ever) < after.recalled.first_name
        of_field = [r for r in results if r.position == position]
        later = {name for r in of_field if r.shot > after.shot for name in r.tracks.ids}
        assert all(name >= after.recalled.first_name for name in later - ever)
        if fields == 1:  # else fields overlap
            light = sum(i.applied.dose_j_cm2 for i in infos if i.shot.number <= after.shot)
            for name in old & {*after.tracks.ids}:
                rate = dose(before[-1])[name] / sum(
                    i.applied.dose_j_cm2 for i in infos if i.shot.number <= before[-1].shot
                )
                assert dose(after)[name] == pytest.approx(rate * light, rel=0.01)
    if fields > 1:
        assert "are equal to the recorded ones" in replayed(tmp_path / "run.h5")
