"""Coming to an exposure: autofocus, focus lock, and what a lost focus means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from acquire.errors import DeviceMissing, FocusLost, StageError
from acquire.frame import Index, Shot
from acquire.light.source import Channel
from acquire.loop.pause import Pause
from acquire.plan.events import Focusing
from acquire.plan.plan import PlannedExposure
from acquire.stand.arrival import Arrival
from acquire.stand.autofocus import DeviceFocus
from acquire.stand.focus_lock import FocusLock
from acquire.stand.focus_rules import FocusRules
from acquire.stand.scope import Scope
from tests.focus_stand import FakeCore, failing
from tests.light_bench import LASER


class Person(Pause):
    """Does something as soon as the run waits, and lets it go on."""

    def __init__(self, deed: Any) -> None:
        super().__init__()
        self.deed, self.asked = deed, 0

    def wait(self, should_stop: Any) -> None:
        if self.is_on:
            self.asked += 1
            self.deed()
            self.end()


@dataclass
class Bench:
    core: FakeCore = field(default_factory=FakeCore)
    rules: FocusRules = field(default_factory=FocusRules)
    pause: Pause = field(default_factory=Pause)
    told: list[str] = field(default_factory=list)
    is_ended: bool = False

    def arrival(self) -> Arrival:
        core = cast("Any", self.core)
        scope = Scope(core, [Channel(name="GFP", light="488")], [LASER])
        clock = iter(range(10**6))
        lock = FocusLock(core, self.rules.lock_wait_s, lambda _: None, lambda: float(next(clock)))
        return Arrival(
            scope, self.rules, self.pause, lambda: self.is_ended,
            DeviceFocus(core, scope, self.rules, 1.0), lock if self.rules.lock else None,
            self.told.append,
        )  # fmt: skip


def exposure(
    z_um: float = 10.0, focus: Focusing | None = None, place: int = 0, **about: Any
) -> PlannedExposure:
    at: dict[str, Any] = {"home_um": 10.0, "autofocus": focus, "place": place} | about
    return PlannedExposure("GFP", Index(0, 0, 0, place), (place * 100.0, 0.0, z_um), **at)


def shot(number: int = 0, place: int = 0) -> Shot:
    return Shot(number, place, 1)


AUTOFOCUS = Focusing(home_um=10.0)


def test_without_autofocus_or_lock_it_goes_where_the_plan_says() -> None:
    bench = Bench()
    there = bench.arrival()(exposure(12.0), shot())
    assert (there.position_um, there.focus) == ((0, 0, 12), "")
    assert bench.core.at == [0, 0, 12]


def test_all_planes_of_a_place_follow_the_focus_that_was_found_there() -> None:
    bench = Bench(FakeCore(focus_um=13.0))
    arrive = bench.arrival()
    first = arrive(exposure(9.0, AUTOFOCUS), shot())
    second = arrive(exposure(11.0), shot())
    assert [one.position_um[2] for one in (first, second)] == [12, 14]  # 3 um above the plan
    assert [one.focus for one in (first, second)] == ["found", "found"]
    elsewhere = arrive(exposure(9.0, place=1), shot(1, 1))
    assert (elsewhere.position_um[2], elsewhere.focus) == (9, "")
    again = arrive(exposure(9.0), shot(2))
    assert (again.position_um[2], again.focus) == (12, "")


def test_a_search_begins_at_the_focus_that_was_found_last() -> None:
    bench = Bench(FakeCore(focus_um=13.0))
    arrive = bench.arrival()
    arrive(exposure(10.0, AUTOFOCUS), shot())
    bench.core.calls.clear()
    bench.core.focus_um = 14.0
    arrive(exposure(10.0, AUTOFOCUS), shot(1))
    assert bench.core.calls == [("focus",)]  # from where it stands, at 13 um


@pytest.mark.parametrize(
    ("focus", "call"),
    [
        (Focusing(10.0, offset=5.0), ("offset", 5.0)),
        (Focusing(10.0, "Z", 5.0), ("offset drive", "Z", 5.0)),
    ],
)
def test_an_offset_is_set_before_the_search(focus: Focusing, call: tuple[Any, ...]) -> None:
    bench = Bench()
    bench.arrival()(exposure(10.0, focus), shot())
    assert bench.core.calls.index(call) < bench.core.calls.index(("focus",))


def test_an_offset_drive_that_is_not_there_is_named() -> None:
    with pytest.raises(DeviceMissing, match="no device 'TIPFS'"):
        Bench().arrival()(exposure(10.0, Focusing(10.0, "TIPFS", 5.0)), shot())


def test_an_autofocus_is_tried_as_often_as_the_plan_allows() -> None:
    bench = Bench(FakeCore(focus_um=12.0, faults={"focus": failing(2)}))
    there = bench.arrival()(exposure(10.0, Focusing(10.0, tries=3)), shot())
    assert (there.focus, there.position_um[2]) == ("found", 12)


def test_where_no_focus_is_found_the_frames_are_marked_and_stay_where_they_were() -> None:
    bench = Bench(FakeCore(faults={"focus": failing()}))
    there = bench.arrival()(exposure(10.0, AUTOFOCUS), shot())
    assert (there.focus, there.position_um[2]) == ("not found", 10)
    assert bench.told == ["field 0: no focus was found; its frames are marked"]


def test_a_focus_too_far_away_is_none() -> None:
    bench = Bench(FakeCore(focus_um=90.0), FocusRules(max_shift_um=20))
    there = bench.arrival()(exposure(10.0, AUTOFOCUS), shot())
    assert (there.focus, there.position_um[2], bench.core.at[2]) == ("not found", 10, 10)


def test_a_run_may_end_for_a_lost_focus() -> None:
    bench = Bench(FakeCore(faults={"focus": failing()}), FocusRules(on_lost="stop"))
    with pytest.raises(FocusLost, match="no focus was found"):
        bench.arrival()(exposure(10.0, AUTOFOCUS), shot())


def test_a_run_may_wait_for_a_person_and_looks_again() -> None:
    core = FakeCore(focus_um=11.0, faults={"focus": failing()})
    person = Person(core.faults.clear)
    bench = Bench(core, FocusRules(on_lost="pause"), person)
    there = bench.arrival()(exposure(10.0, AUTOFOCUS), shot())
    assert (there.focus, person.asked) == ("found", 1)
    assert "the run waits in the dark" in bench.told[0]


def test_a_run_that_is_stopped_while_it_waits_asks_no_more() -> None:
    core = FakeCore(faults={"focus": failing()})
    bench = Bench(core, FocusRules(on_lost="pause"))
    bench.pause = Person(lambda: setattr(bench, "is_ended", True))
    assert bench.arrival()(exposure(10.0, AUTOFOCUS), shot()).focus == "not found"
    assert core.calls.count(("focus",)) == 3


# The focus lock.


def locking(**about: Any) -> Bench:
    return Bench(FakeCore(is_locked=True, focus_um=12.5), FocusRules(lock=True, **about))


def test_the_lock_holds_the_focus_and_every_frame_says_so() -> None:
    bench = locking()
    arrive = bench.arrival()
    there = [arrive(exposure(10.0, place=p), shot(p, p)) for p in (0, 1)]
    assert [one.focus for one in there] == ["locked", "locked"]
    assert [one.position_um[2] for one in there] == [12.5, 12.5]
    assert [call[0] for call in bench.core.calls if call[0] in ("hold", "let go")] == ["hold"]
    assert [call for call in bench.core.calls if call[0] == "z"] == [("z", 10.0)]  # before the lock


def test_the_lock_is_let_go_for_a_stack_around_where_it_held() -> None:
    bench = locking()
    arrive = bench.arrival()
    there = [arrive(exposure(z), shot()) for z in (9.0, 10.0, 11.0)]
    assert [one.focus for one in there] == ["free", "locked", "free"]
    assert [one.position_um[2] for one in there] == [11.5, 12.5, 13.5]


def test_a_lost_lock_is_a_flag_and_the_plan_goes_on_at_the_last_focus() -> None:
    bench = locking()
    arrive = bench.arrival()
    arrive(exposure(10.0), shot())
    bench.core.is_locked = False
    bench.core.at[2] = 12.5
    there = [arrive(exposure(z), shot(1)) for z in (9.0, 11.0)]
    assert [one.focus for one in there] == ["lost", "lost"]
    assert [one.position_um[2] for one in there] == [11.5, 13.5]
    assert bench.told == ["field 0: the focus lock has let go; its frames are marked"]


def test_a_lock_that_lets_go_in_mid_shot_marks_the_rest_of_it() -> None:
    bench = locking()
    arrive = bench.arrival()
    assert arrive(exposure(10.0), shot()).focus == "locked"
    bench.core.is_locked = False
    assert arrive(exposure(10.0, offset_um=0.0), shot()).focus == "lost"


def test_a_lost_lock_may_pause_the_run_until_it_holds_again() -> None:
    bench = locking(on_lost="pause")
    bench.core.is_locked = False
    bench.pause = person = Person(lambda: setattr(bench.core, "is_locked", True))
    there = bench.arrival()(exposure(10.0), shot())
    assert (there.focus, person.asked) == ("locked", 1)


def test_a_lock_that_does_not_answer_is_a_stage_error() -> None:
    bench = locking()
    bench.core.faults["locked"] = failing()
    with pytest.raises(StageError, match="asking the focus lock failed"):
        bench.arrival()(exposure(10.0), shot())
