"""What is killed, and what then must be true. The table of the blueprint, section 2."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil
import pytest

from acquire.frame import FrameInfo
from lightloop.supervision.children import Child
from lightloop.supervision.supervisor import Outcome, Supervisor
from realtime.run_file import RunReader
from realtime.truth import TruthReader, truth_path
from realtime.wire import Result
from tests.run_helpers import run_and, scatter, task

pytestmark = pytest.mark.timeout(300)
LONG = 400  # shots: each waits for its deadline while a new worker begins, slowly where others work


def kill(name: str) -> Callable[[dict[str, Child], Supervisor], None]:
    def act(children: dict[str, Child], _: Supervisor) -> None:
        children[name].process.kill()

    return act


@pytest.fixture(scope="module")
def scope_killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A run that lists the truth beside its frames, and whose scope is killed."""
    folder = tmp_path_factory.mktemp("scope")
    wanted = msgspec.structs.replace(task(folder), truth=True)
    return run_and(wanted, 30, kill("scope")), folder / "run.h5"


def test_a_killed_scope_ends_in_the_dark_with_a_readable_file(
    scope_killed: tuple[Outcome, Path],
) -> None:
    outcome, path = scope_killed
    assert outcome.exit_code == 1
    assert "scope process died" in outcome.reason
    assert "LIGHT WAS STILL ON" not in outcome.reason
    with RunReader(path) as reader:
        assert reader.status == "partial"
        assert [info.seq for info in reader.infos] == list(range(len(reader.infos)))
        assert len(reader.infos) >= 10
        for info in reader.infos:
            assert reader.pixels(info.seq).shape == (128, 128)


def test_a_killed_scope_leaves_a_truth_that_can_be_read(
    scope_killed: tuple[Outcome, Path],
) -> None:
    with RunReader(scope_killed[1]) as run, TruthReader(truth_path(run.path)) as truth:
        assert truth.status == "recording"
        assert len(truth.exposures) >= 10
        assert scatter(run, truth, 5) == pytest.approx(1.0, abs=0.05)


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A run that loses its recorder, then its worker, and then hears one Ctrl-C."""
    folder = tmp_path_factory.mktemp("struck")

    def strike(children: dict[str, Child], supervisor: Supervisor) -> None:
        kill_and_wait(children, "recorder", lambda child: child.is_ready)
        kill_and_wait(children, "worker", lambda child: child.has_answered)
        supervisor._interrupts += 1

    return run_and(task(folder), 20, strike), folder / "run.h5"


def kill_and_wait(
    children: dict[str, Child], name: str, works: Callable[[Child], bool], patience_s: float = 120.0
) -> None:
    """Kill a process, and wait until the one in its place works."""
    first, until = children[name], time.monotonic() + patience_s
    first.process.kill()
    while children[name] is first or not works(children[name]):
        assert time.monotonic() < until, f"no other {name} came"
        time.sleep(0.01)


def test_a_killed_recorder_loses_nothing(struck: tuple[Outcome, Path]) -> None:
    outcome, path = struck
    assert path.with_name("run.001.h5").exists()
    with RunReader(path) as reader:
        assert reader.status == "complete"
        assert outcome.summary is not None
        assert [info.seq for info in reader.infos] == list(range(outcome.summary.frames))
        results = [d for d in reader.documents() if isinstance(d, Result)]
    anew = max(result.shot for result in results if result.is_fresh)
    by_the_first_worker = {result.shot for result in results if result.shot < anew}
    assert sorted(by_the_first_worker) == list(range(len(by_the_first_worker)))
    assert len(by_the_first_worker) > 20, "it lived through the death of the recorder"


def test_a_killed_worker_is_started_again_and_the_run_goes_on(
    struck: tuple[Outcome, Path],
) -> None:
    with RunReader(struck[1]) as reader:
        fresh = [result.shot for result in reader.results if result.is_fresh]
        assert len(fresh) == 2
        assert fresh[0] == 0
        assert reader.infos[-1].shot.number >= fresh[1], "there was light after it"


def test_one_interrupt_ends_in_order(struck: tuple[Outcome, Path]) -> None:
    outcome, path = struck
    assert outcome.exit_code == 130, outcome.reason
    assert outcome.summary is not None
    assert outcome.summary.is_dark
    assert outcome.summary.status == "complete"
    with RunReader(path) as reader:
        assert reader.status == "complete"
        assert len(reader.infos) == outcome.summary.frames


def test_a_run_that_asks_for_no_truth_has_none(struck: tuple[Outcome, Path]) -> None:
    assert not truth_path(struck[1]).exists()


def test_two_interrupts_end_at_once_and_in_the_dark(tmp_path: Path) -> None:
    def interrupt(_: dict[str, Child], supervisor: Supervisor) -> None:
        supervisor._interrupts += 2
        struck_s.append(time.monotonic())

    struck_s: list[float] = []
    outcome = run_and(task(tmp_path), 20, interrupt)
    assert outcome.exit_code == 1
    assert "LIGHT WAS STILL ON" not in outcome.reason
    assert "a second Ctrl-C" in outcome.reason
    assert time.monotonic() - struck_s[0] < 30.0, "its start is not counted"
    with RunReader(tmp_path / "run.h5") as reader:
        assert len(reader.infos) >= 10


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_hanging_worker_means_hold_then_less_light_then_dark(tmp_path: Path) -> None:
    def hang(children: dict[str, Child], _: Supervisor) -> None:
        psutil.Process(children["worker"].process.pid).suspend()

    outcome = run_and(task(tmp_path, shots=LONG), 20, hang)
    assert outcome.exit_code == 0, outcome.reason
    assert outcome.summary is not None
    assert outcome.summary.is_dark
    with RunReader(tmp_path / "run.h5") as reader:
        late = longest_wait(reader.infos)
        doses = [info.applied.dose_j_cm2 for info in late]
        assert doses == sorted(doses, reverse=True), "late never means more light"
        assert doses[-1] < 0.3 * doses[0]
        assert len(late) <= 10
        assert any(a.refused for a in reader.applied), "after that it was dark"
        assert len([r for r in reader.results if r.is_fresh]) >= 2, "the worker was started anew"


def longest_wait(infos: Sequence[FrameInfo]) -> list[FrameInfo]:
    """Return the frames of the longest time without a decision; a busy machine has short ones."""
    waits: list[list[FrameInfo]] = [[]]
    for info in infos:
        if info.applied.late <= (waits[-1][-1].applied.late if waits[-1] else 0):
            waits.append([])
        if info.applied.late:
            waits[-1].append(info)
    return max(waits, key=len)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_keeper_that_dies_while_a_hung_scope_is_to_stop_makes_the_end_come_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lightloop.supervision.supervisor.LAST_WORDS_S", 90.0
    )  # the patience with a live keeper
    died_at: list[float] = []

    def act(children: dict[str, Child], supervisor: Supervisor) -> None:
        psutil.Process(children["scope"].process.pid).suspend()
        supervisor._interrupts += 1
        until = time.monotonic() + 60.0
        while not supervisor._stop_reason and time.monotonic() < until:
            time.sleep(0.01)
        children["keeper"].process.kill()
        died_at.append(time.monotonic())

    outcome = run_and(task(tmp_path), 20, act)
    assert outcome.exit_code == 1
    assert time.monotonic() - died_at[0] < 45.0, "half of the patience that it would have had"
