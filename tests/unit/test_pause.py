from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from acquire.errors import LightNotDark
from acquire.loop.pause import Pause
from acquire.loop.time_watch import JUMP_S, STILL_S, TICK_S, TimeWatch
from lightloop.orders import Orders


def test_a_run_that_is_not_paused_is_not_kept() -> None:
    pause = Pause()
    pause.wait(lambda: pytest.fail("nobody had to look"))
    assert not pause.is_on


def test_a_paused_run_waits_until_it_may_go_on() -> None:
    pause, passed = Pause(), threading.Event()
    pause.begin("tea")

    def go() -> None:
        pause.wait(lambda: False)
        passed.set()

    thread = threading.Thread(target=go)
    thread.start()
    assert not passed.is_set()
    assert (pause.is_on, pause.reason) == (True, "tea")
    pause.end()
    thread.join(5.0)
    assert passed.is_set()
    assert pause.reason == ""


def test_a_paused_run_can_be_ended() -> None:
    pause = Pause()
    pause.begin("tea")
    pause.wait(lambda: True)
    assert pause.is_on


def test_who_listens_hears_when_it_is_asked_for_when_it_waits_and_when_it_goes_on() -> None:
    said: list[str] = []
    pause = Pause(lambda why: said.append(f"told {why}"), lambda why: said.append(f"rests {why}"))
    pause.wait(lambda: True)
    pause.end()
    assert said == []
    pause.begin("tea")
    pause.wait(lambda: True)
    pause.end()
    assert said == ["told tea", "rests tea", "told "]


@dataclass
class Times:
    """Two clocks that a test sets."""

    host: int = 0
    utc: int = 10**18
    told: list[str] = field(default_factory=list)

    def watch(self) -> TimeWatch:
        return TimeWatch(self.told.append, lambda: self.host, lambda: self.utc)

    def let_pass(self, host_s: float, utc_s: float) -> None:
        self.host += round(host_s * 1e9)
        self.utc += round(utc_s * 1e9)


@pytest.mark.parametrize(
    ("host_s", "utc_s", "word"),
    [
        (TICK_S, TICK_S, ""),
        (TICK_S, TICK_S + 0.9 * JUMP_S, ""),
        (TICK_S, TICK_S + 1.1 * JUMP_S, "slept"),  # Linux: the host's clock stands still meanwhile
        (TICK_S, TICK_S - 1.1 * JUMP_S, "set back"),
        (TICK_S + 0.9 * STILL_S, TICK_S + 0.9 * STILL_S, ""),
        (TICK_S + 1.1 * STILL_S, TICK_S + 1.1 * STILL_S, "stood still"),  # Windows: it goes on
    ],
)
def test_a_sleep_or_a_jump_is_noticed_once(host_s: float, utc_s: float, word: str) -> None:
    times = Times()
    watch = times.watch()
    times.let_pass(host_s, utc_s)
    said = watch.look()
    assert word in said
    assert bool(said) == bool(word)
    times.let_pass(TICK_S, TICK_S)
    assert watch.look() == ""


def test_the_watch_tells_from_its_own_thread_and_ends() -> None:
    told = threading.Event()
    slept = iter([0, 0, 5 * 10**9])
    watch = TimeWatch(lambda what: told.set(), lambda: 0, lambda: next(slept, 5 * 10**9))
    watch.start()
    assert told.wait(5.0)
    watch.close()
    watch.close()


class Guard:
    """As much of a guard as orders need."""

    def __init__(self, *, is_dark: bool = True) -> None:
        self.is_stopped, self.is_dark = False, is_dark

    def go_dark(self) -> bool:
        self.is_stopped = True
        return self.is_dark

    def rearm(self) -> None:
        if not self.is_dark:
            raise LightNotDark("light '488' will not go dark")
        self.is_stopped = False

    def dark_text(self) -> str:
        return "every light is read back dark"


class Held:
    """As much of the feedback as orders need."""

    is_held = False


def orders(*, is_dark: bool = True) -> tuple[Orders, Guard, Pause, list[str]]:
    guard, pause, ended = Guard(is_dark=is_dark), Pause(), []
    made = Orders(guard, pause, Held(), ended.append)  # type: ignore[arg-type]  # stand-ins
    return made, guard, pause, ended


def test_after_a_sleep_it_is_dark_and_the_run_waits_for_a_person() -> None:
    obeys, guard, pause, ended = orders()
    text, is_dark = obeys.ask("the computer slept")
    assert is_dark
    assert "the light is off" in text
    assert guard.is_stopped
    assert pause.is_on
    assert obeys.obey("resume").is_ok
    assert not guard.is_stopped
    assert not pause.is_on
    assert ended == []


def test_who_comes_late_is_told_that_the_run_is_paused_and_why() -> None:
    obeys, _, _, _ = orders()
    assert obeys.obey("state").text == ""
    obeys.ask("the computer slept")
    reply = obeys.obey("state")
    assert reply.is_ok
    assert reply.text == "the computer slept"


def test_a_run_does_not_go_on_while_a_light_does_not_obey() -> None:
    obeys, _, pause, _ = orders(is_dark=False)
    text, is_dark = obeys.ask("the computer slept")
    assert "NOT known" in text
    assert not is_dark
    reply = obeys.obey("resume")
    assert not reply.is_ok
    assert "will not go dark" in reply.text
    assert pause.is_on


def test_resume_does_not_undo_a_stop_of_the_light() -> None:
    obeys, guard, _, ended = orders()
    assert obeys.obey("stop_light").is_dark
    reply = obeys.obey("resume")
    assert not reply.is_ok
    assert "was stopped" in reply.text
    assert guard.is_stopped
    assert ended == ["STOP LIGHT was pressed"]


@pytest.mark.parametrize("begin", ["pause", "sleep"])
def test_resume_does_not_undo_a_stop_of_the_light_in_a_pause_either(begin: str) -> None:
    obeys, guard, pause, _ = orders()
    obeys.ask("the computer slept") if begin == "sleep" else obeys.obey("pause")
    obeys.obey("stop_light")
    assert not obeys.obey("resume").is_ok
    assert guard.is_stopped
    assert not pause.is_on  # so that the run comes to its end


@pytest.mark.parametrize("then", ["pause", "sleep"])
def test_resume_does_not_undo_what_the_keeper_ordered(then: str) -> None:
    obeys, guard, _, _ = orders()
    guard.go_dark()  # the keeper's order: a lease passed its deadline
    obeys.ask("the computer slept") if then == "sleep" else obeys.obey("pause")
    assert not obeys.obey("resume").is_ok
    assert guard.is_stopped


def test_the_run_is_told_to_wait_before_its_light_is_stopped() -> None:
    obeys, guard, pause, _ = orders()
    was_on: list[bool] = []
    guard.go_dark = lambda: not was_on.append(pause.is_on)  # type: ignore[method-assign]
    obeys.ask("the computer slept")
    assert was_on == [True], "else the run might end at a light that is stopped without a reason"


@pytest.mark.parametrize(("name", "is_aborted"), [("stop", False), ("abort", True)])
def test_a_stop_is_an_end_in_order_and_an_abort_counts_as_failed(
    name: str, is_aborted: bool
) -> None:
    obeys, _, _, ended = orders()
    assert obeys.obey(name).is_ok
    assert len(ended) == 1
    assert obeys.is_aborted == is_aborted


def test_hold_and_pause_are_two_things() -> None:
    obeys, _, pause, _ = orders()
    for name, is_held, is_paused in (
        ("hold", True, False), ("pause", True, True), ("release", False, True),
        ("resume", False, False),
    ):  # fmt: skip
        assert obeys.obey(name).is_ok
        assert (obeys._feedback.is_held, pause.is_on) == (is_held, is_paused)


def test_an_unknown_word_is_refused() -> None:
    assert not orders()[0].obey("more light").is_ok
