"""The processes of a run as the supervisor sees them."""

from __future__ import annotations

import time

import pytest

from lightloop.children import READY_S, SPAWN, Child
from lightloop.outcome import Verdict
from lightloop.processes.link import Trouble
from lightloop.status import NOT_DARK
from lightloop.supervise import Supervisor
from lightloop.task import RunTask
from tests.run_helpers import SMALL


class Process:
    """A process that only notes that it was killed."""

    was_killed = False

    def is_alive(self) -> bool:
        return True

    def kill(self) -> None:
        self.was_killed = True


@pytest.mark.parametrize(
    ("is_ready", "age_s", "is_stopped"),
    [(True, 0.0, True), (False, 0.0, False), (False, READY_S + 1.0, True)],
)
def test_a_silent_worker_is_stopped_but_not_while_it_begins(
    is_ready: bool, age_s: float, is_stopped: bool
) -> None:
    ours, theirs = SPAWN.Pipe()
    process = Process()
    worker = Child("worker", process, ours, is_ready, started_s=time.monotonic() - age_s)  # type: ignore[arg-type]
    scope = Child("scope", Process(), theirs)  # type: ignore[arg-type]
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    supervisor._family.children |= {"scope": scope, "worker": worker}
    supervisor._note(scope, Trouble("worker", "no decision for 10 shots in a row"))
    assert process.was_killed == is_stopped
    for end in (ours, theirs):
        end.close()


def test_shared_memory_that_cannot_be_removed_does_not_hide_how_the_run_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(name: str) -> bool:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("lightloop.beginning.remove", full)
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    supervisor._rings = ["ll_one"]
    supervisor._verdict = Verdict("the light may be on", may_be_lit=True)
    supervisor._leave_nothing()
    assert supervisor._outcome().exit_code == NOT_DARK
    assert "ll_one is left behind" in caplog.text
