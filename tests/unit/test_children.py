"""The processes of a run as the supervisor sees them."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from lightloop.processes.link import Answered, Failed, Ready, Trouble, pack
from lightloop.processes.session_end import SAVED_S, Ending
from lightloop.status import FAILED, NOT_DARK
from lightloop.summary import Summary
from lightloop.supervision import entry
from lightloop.supervision.children import READY_S, SPAWN, Child, Family
from lightloop.supervision.entry import enter
from lightloop.supervision.outcome import Verdict
from lightloop.supervision.supervisor import LAST_WORDS_S, Supervisor
from lightloop.task import RunTask
from tests.run_helpers import SMALL


class Process:
    """A process that only notes that it was killed."""

    was_killed = False

    def is_alive(self) -> bool:
        return True

    def kill(self) -> None:
        self.was_killed = True


def test_who_starts_a_process_imports_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []

    class Spawned(Process):
        def __init__(self, **how: Any) -> None:
            started.append((how["target"], how["args"][0], how["name"]))

        def start(self) -> None:
            pass

    monkeypatch.setattr(type(SPAWN), "Process", Spawned)
    family = Family(RunTask(SMALL, "test.toml", ""))
    family.start("of no such name", called="somebody").pipe.close()
    assert started == [(enter, "of no such name", "somebody")]


def test_a_process_that_cannot_be_imported_says_so_to_its_supervisor() -> None:
    ours, theirs = SPAWN.Pipe()
    with pytest.raises(ImportError):
        enter("of_no_such_name", b"", theirs)
    said = Child("somebody", Process(), ours).hear()  # type: ignore[arg-type]
    assert isinstance(said, Failed)
    assert "of_no_such_name process cannot start: No module named" in said.reason
    for end in (ours, theirs):
        end.close()


def test_no_garbage_is_looked_for_while_a_process_imports_its_parts_and_then_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[bool] = []

    class Part:
        @staticmethod
        def main(*_: object) -> None:
            looked.append(gc.isenabled())

    def find(_: str) -> type[Part]:
        looked.append(gc.isenabled())
        return Part

    monkeypatch.setattr(entry, "import_module", find)
    ours, theirs = SPAWN.Pipe()
    with ours, theirs:
        enter("somebody", b"", theirs)
    assert looked == [False, True]


@pytest.mark.parametrize(
    ("said", "age_s", "is_stopped"),
    [
        ([Ready(), Answered()], 0.0, True),
        ([Ready()], 0.0, False),  # its first shot takes long
        ([], 0.0, False),  # it still builds its network
        ([Ready()], READY_S + 1.0, True),
        ([], READY_S + 1.0, True),
    ],
)
def test_a_silent_worker_is_stopped_but_not_while_it_begins(
    said: list[Ready | Answered], age_s: float, is_stopped: bool
) -> None:
    ours, theirs = SPAWN.Pipe()
    process = Process()
    worker = Child("worker", process, ours, started_s=time.monotonic() - age_s)  # type: ignore[arg-type]
    scope = Child("scope", Process(), theirs)  # type: ignore[arg-type]
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    supervisor._family.children |= {"scope": scope, "worker": worker}
    for message in said:
        supervisor._heard.note(worker, message)
    supervisor._heard.note(scope, Trouble("worker", "no decision for 10 shots in a row"))
    assert process.was_killed == is_stopped
    for end in (ours, theirs):
        end.close()


def test_shared_memory_that_cannot_be_removed_does_not_hide_how_the_run_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(name: str) -> bool:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("lightloop.supervision.beginning.remove", full)
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    supervisor._heard.rings = ["ll_one"]
    supervisor._verdict = Verdict("the light may be on", may_be_lit=True)
    supervisor._leave_nothing()
    assert supervisor._outcome().exit_code == NOT_DARK
    assert "ll_one is left behind" in caplog.text


class Dead(Process):
    """A process that was killed."""

    exitcode = -9
    sentinel = pid = 0

    def is_alive(self) -> bool:
        return False

    def join(self, timeout_s: float = 0.0) -> None:
        """Return at once."""


def dead(name: str) -> Child:
    ours, theirs = SPAWN.Pipe()
    theirs.close()
    return Child(name, Dead(), ours, is_ready=True)  # type: ignore[arg-type]


def starting_the_dead(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Return a supervisor whose processes have died as soon as they are started."""
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))

    def start(name: str, *pipes: Any, called: str = "") -> None:
        supervisor._family.children[called or name] = dead(name)
        for end in pipes[:2]:
            end.close()

    monkeypatch.setattr(supervisor._family, "start", start)
    return supervisor


@pytest.mark.parametrize(
    ("has_gone", "summary_is_dark", "exit_code"),
    [(True, None, NOT_DARK), (False, None, FAILED), (True, True, FAILED), (True, False, NOT_DARK)],
)
def test_where_scope_and_keepers_died_and_nobody_saw_the_dark_it_is_not_confirmed(
    monkeypatch: pytest.MonkeyPatch,
    has_gone: bool,
    summary_is_dark: bool | None,
    exit_code: int,
) -> None:
    supervisor = starting_the_dead(monkeypatch)
    children = supervisor._family.children
    children |= {"scope": dead("scope"), "keeper": dead("keeper")}
    supervisor._heard.has_gone = has_gone
    if summary_is_dark is not None:
        told = Summary(1, 1, 0, 0, {}, {}, "relative", {}, "partial", "ended", summary_is_dark)
        supervisor._verdict.summary = told
    supervisor._leave_nothing()
    outcome = supervisor._outcome()
    assert outcome.exit_code == exit_code
    assert outcome.reason.startswith("DARK NOT CONFIRMED") == (exit_code == NOT_DARK)


@pytest.mark.parametrize("where", ["_watch", "_leave_nothing"])
@pytest.mark.parametrize(("has_gone", "exit_code"), [(True, NOT_DARK), (False, FAILED)])
def test_a_supervisor_that_fails_itself_says_that_a_light_may_be_on(
    monkeypatch: pytest.MonkeyPatch, where: str, has_gone: bool, exit_code: int
) -> None:
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    children = supervisor._family.children
    supervisor._heard.has_gone = has_gone

    def start(name: str, *pipes: Any, called: str = "") -> None:
        children[called or name] = dead(name)
        for end in pipes[:2]:
            end.close()

    def fail() -> None:
        raise OSError(12, "Cannot allocate memory")

    children |= {"scope": dead("scope"), "keeper": dead("keeper")}
    monkeypatch.setattr(supervisor._family, "start", start)
    monkeypatch.setattr(supervisor, "_start", lambda: None)
    monkeypatch.setattr(supervisor, where, fail)
    outcome = supervisor.run()
    assert outcome.exit_code == exit_code
    assert "Cannot allocate memory" in outcome.reason


def test_a_worker_that_fails_as_it_ends_hides_no_light(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = starting_the_dead(monkeypatch)
    children = supervisor._family.children
    ours, theirs = SPAWN.Pipe()
    theirs.send_bytes(pack(Failed("the network is gone")))
    theirs.close()
    worker = Child("worker", Dead(), ours, is_ready=True)  # type: ignore[arg-type]
    children |= {"scope": dead("scope"), "worker": worker, "keeper": dead("keeper")}
    supervisor._heard.has_gone = True
    supervisor._leave_nothing()
    assert worker.failure == "the network is gone"
    code, reason = supervisor._verdict.told("", is_interrupted=False)
    assert code == NOT_DARK
    assert reason.startswith("DARK NOT CONFIRMED: the scope process died")


def test_a_scope_that_says_that_it_hangs_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = Supervisor(RunTask(SMALL, "test.toml", ""))
    ours, theirs = SPAWN.Pipe()
    scope = supervisor._family.children["scope"] = Child("scope", Process(), ours)  # type: ignore[arg-type]
    supervisor._heard.has_gone = True
    monkeypatch.setattr(supervisor, "_patience_s", lambda: 0.0)
    monkeypatch.setattr(supervisor, "_listen", lambda: None)
    supervisor._heard.note(scope, Failed("an exposure does not end"))
    supervisor._watch()
    code, reason = supervisor._verdict.told("", is_interrupted=False)
    assert code == FAILED
    assert reason == "the scope did not stop: an exposure does not end"
    for end in (ours, theirs):
        end.close()


def test_a_run_whose_recorder_is_away_still_has_time_to_tell_its_summary() -> None:
    assert SAVED_S + 1.0 < LAST_WORDS_S


def test_a_run_that_was_not_recorded_to_its_last_word_is_partial_and_no_less_dark() -> None:
    whole = Ending("complete", "the plan is done", is_dark=True, has_failed=False)
    assert whole.as_saved(is_whole=True) is whole
    assert whole.as_saved(is_whole=False) == Ending(
        "partial", "the plan is done", is_dark=True, has_failed=False
    )
