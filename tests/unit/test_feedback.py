from __future__ import annotations

import math
import threading
import time

import msgspec
import pytest

from acquire.errors import LightExpired
from acquire.frame import Shot
from acquire.settings import ChannelSettings, Request, Settings
from lightloop.feedback import Feedback
from lightloop.summary import Tally
from realtime.policy import Decision, Observation, Trust
from realtime.wire import Document, Result, Tracks
from tests.light_bench import MS, stand, take


def settings(exposure_ms: float) -> Settings:
    return Settings((ChannelSettings("GFP", exposure_ms, 0.1),))


def answer(shot: int, exposure_ms: float, has_evidence: bool = True) -> tuple[Result, Decision]:
    seen = Observation(shot, 0, 0.0, (shot,), (), 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, Trust())
    decision = Decision(shot, settings(exposure_ms), (shot,), {}, "test", "test", has_evidence)
    return Result(shot, 0, (shot,), seen, Tracks()), decision


class FakeHub:
    def __init__(self, *answers: tuple[Result, Decision]) -> None:
        self.answers = list(answers)
        self.troubles: list[str] = []
        self.sent: list[Document] = []

    def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
        del timeout_s
        return self.answers.pop(0) if self.answers else None

    def recorder_trouble(self) -> str:
        return self.troubles.pop(0) if self.troubles else ""

    def send(self, document: Document) -> None:
        self.sent.append(document)


def feedback(hub: FakeHub, deadline_s: float = 0.0) -> Feedback:
    return Feedback(hub, settings(50.0), deadline_s, threading.Event(), Tally())  # type: ignore[arg-type]


def test_a_decision_in_time_is_used() -> None:
    heard = feedback(FakeHub(answer(0, 20.0, has_evidence=False)))
    request = heard.next_request(Shot(0, 0, 1))
    assert request == Request(settings(20.0), 0, has_evidence=False)


def test_what_was_heard_is_counted_once_when_somebody_has_time() -> None:
    tally = Tally()
    hub = FakeHub(answer(0, 20.0), answer(1, 20.0))
    heard = Feedback(hub, settings(50.0), 0.0, threading.Event(), tally)  # type: ignore[arg-type]
    for shot in range(2):
        heard.next_request(Shot(shot, 0, 1))
    assert tally.samples() == {}, "no light waits for the books"
    for _ in range(2):
        heard.book()
        assert len(tally.samples()["worker in all"]) == 2


def test_each_late_shot_is_counted_and_the_last_settings_stay() -> None:
    heard = feedback(FakeHub())
    assert [heard.next_request(Shot(n, 0, 1)).late for n in range(3)] == [1, 2, 3]
    assert heard.first.settings == settings(50.0)


@pytest.mark.parametrize("shot", [1, 2])
def test_a_late_decision_serves_the_next_shot_but_does_not_count_as_in_time(shot: int) -> None:
    heard = feedback(FakeHub(answer(0, 20.0)))
    request = heard.next_request(Shot(shot, 0, 1))
    assert request.settings == settings(20.0)
    assert request.late == 1


def test_a_decision_after_late_shots_ends_the_lateness() -> None:
    hub = FakeHub()
    heard = feedback(hub, 0.02)
    heard.next_request(Shot(0, 0, 1))
    hub.answers = [answer(0, 20.0), answer(1, 10.0)]
    assert heard.next_request(Shot(1, 0, 1)) == Request(settings(10.0), 1)


def test_held_feedback_keeps_the_settings_but_knows_the_decisions() -> None:
    heard = feedback(FakeHub(answer(0, 20.0)))
    heard.is_held = True
    assert heard.next_request(Shot(0, 0, 1)) == Request(settings(50.0), 0)


def test_no_light_while_the_recorder_is_in_trouble_and_everybody_is_told_once() -> None:
    hub = FakeHub()
    hub.troubles = [
        "the recorder has been silent for 2.1 s",
        "the recorder has been silent for 3 s",
    ]
    feedback(hub).wait_for_recorder()
    assert [document.level for document in hub.sent] == ["warn", "info"]  # type: ignore[union-attr]


def test_a_decision_on_a_shot_to_come_is_not_heeded() -> None:
    heard = feedback(FakeHub(*[answer(10**9, 1000.0)] * 3), 0.02)
    assert heard.next_request(Shot(0, 0, 1)) == Request(settings(50.0), -1, late=1)


def test_an_old_decision_said_again_does_not_keep_the_light_up() -> None:
    hub = FakeHub(answer(0, 20.0))
    heard = feedback(hub, 0.02)
    heard.next_request(Shot(0, 0, 1))
    late = []
    for n in range(1, 5):
        hub.answers = [answer(0, 20.0)]
        late.append(heard.next_request(Shot(n, 0, 1)).late)
    assert late == [1, 2, 3, 4]


def test_a_flood_of_old_decisions_does_not_pass_the_deadline() -> None:
    class Flood(FakeHub):
        def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
            return answer(-5, 1.0)

    assert feedback(Flood(), 0.01).next_request(Shot(0, 0, 1)).late == 1


def test_another_fields_decision_is_not_this_fields() -> None:
    result, decision = answer(3, 20.0)
    other = msgspec.structs.replace(result, position=1)
    heard = feedback(FakeHub((other, decision)), 0.0)
    assert heard.next_request(Shot(3, 0, 1)).late == 1


def test_a_decision_says_until_when_it_may_be_used_and_its_own_interval_is_no_delay() -> None:
    waits = settings(20.0)
    waits = msgspec.structs.replace(waits, interval_s=300.0)
    result, decision = answer(0, 20.0)
    decision = msgspec.structs.replace(decision, settings=waits)
    hub = FakeHub((result, decision))
    heard = Feedback(hub, settings(50.0), 0.0, threading.Event(), Tally(), valid_s=20.0)  # type: ignore[arg-type]
    before = time.perf_counter_ns()
    request = heard.next_request(Shot(0, 0, 1))
    assert before <= request.valid_until_ns - 320 * 10**9 <= time.perf_counter_ns()
    assert heard.first.valid_until_ns == 0  # the first settings hold until a decision comes


@pytest.mark.parametrize("interval_s", [math.nan, math.inf])
def test_an_interval_that_is_no_number_is_left_to_the_guard_to_refuse(interval_s: float) -> None:
    result, decision = answer(0, 20.0)
    asked = msgspec.structs.replace(settings(20.0), interval_s=interval_s)
    hub = FakeHub((result, msgspec.structs.replace(decision, settings=asked)))
    heard = Feedback(hub, settings(50.0), 0.0, threading.Event(), Tally(), valid_s=20.0)  # type: ignore[arg-type]
    assert heard.next_request(Shot(0, 0, 1)).valid_until_ns == 0


def test_a_decision_that_came_too_late_for_its_turn_gets_no_light() -> None:
    at = stand()
    heard = feedback(FakeHub(answer(0, 20.0)))
    heard._valid_s = 1e-9  # by the time that the guard hears of it, it is over
    request = heard.next_request(Shot(0, 0, 1))
    at.bench.now = time.perf_counter_ns() + MS
    with pytest.raises(LightExpired, match=r"decision 0 expired"):
        take(at, request)
    assert at.bench.calls == []


def test_a_stream_gets_the_newest_decision_and_waits_for_none() -> None:
    hub = FakeHub(answer(0, 20.0), answer(3, 10.0))
    heard = feedback(hub, 60.0)
    assert heard.newest_request(Shot(5, 0, 1)).settings == settings(10.0)
    assert heard.newest_request(Shot(6, 0, 1)).decision_id == 3
    assert heard.newest_request(Shot(6, 0, 1)) is heard.newest_request(Shot(7, 0, 1))


def test_in_a_stream_a_decision_is_late_once_for_each_deadline_without_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now_s[0])
    hub = FakeHub()
    heard = feedback(hub, 0.5)
    lates = []
    for passed_s in (0.0, 0.4, 0.2, 0.1, 0.4):
        now_s[0] += passed_s
        lates.append(heard.newest_request(Shot(9, 0, 1)).late)
    assert lates == [0, 0, 1, 1, 2]
    hub.answers.append(answer(4, 20.0))
    assert heard.newest_request(Shot(9, 0, 1)).late == 0
    now_s[0] += 0.6
    assert heard.newest_request(Shot(9, 0, 1)).late == 1


def test_the_time_of_a_rest_in_the_dark_makes_no_decision_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now_s[0])
    hub = FakeHub()
    heard = feedback(hub, 0.5)
    heard.newest_request(Shot(0, 0, 1))
    hub.troubles = ["unsaved frames fill half the ring"]
    heard.wait_for_recorder(lambda: now_s.append(now_s.pop() + 60.0))
    assert heard.newest_request(Shot(1, 0, 1)).late == 0
