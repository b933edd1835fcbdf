"""What the window shows, without a window."""

from __future__ import annotations

import math
import time

import msgspec
import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from gui.heard import MAX_ROWS, MAX_SHOTS
from gui.light import LightState
from gui.model import RunView
from gui.state import CONFIRM_WITHIN_NS, LightWord, RunState, StopState, StopWatch
from gui.why import SAME, Kind, clock, describe_change
from realtime.wire import (
    AppliedMessage,
    DecisionMessage,
    End,
    FrameMessage,
    FromHub,
    Gap,
    Notice,
    Refused,
    Reply,
    Result,
    Start,
    TrackEvent,
)
from tests.gui.fake_source import FakeSource

APPLIED = Applied("GFP", "488", 488.0, 10.0, 9.9, 0.05, 0.04, 0.5, 0.005, True, 3)


def viewed(source: FakeSource, shots: int = 3) -> RunView:
    view = RunView()
    source.advance(shots)
    for message in source.poll():
        view.take(message, time.perf_counter_ns())
    return view


def frame(seq: int, t_ns: int, applied: Applied = APPLIED) -> FrameMessage:
    info = FrameInfo(
        seq, "camera", seq, t_ns, seq * 1.0, Shot(seq, 0, 1), 0, Index(seq), 8, 8,
        (0.0, 0.0, 0.0), applied,
    )  # fmt: skip
    return FrameMessage(info, 0, 1, 128, 0)


def end(status: str, *, is_dark: bool) -> End:
    return End(9, 10, 0, status, "why it ended", is_dark)


STARTED = FakeSource().poll()[0]
assert isinstance(STARTED, Start)
FRAME, HOLD = frame(0, 1), Reply("hold", is_ok=True)
PAUSE = Notice("pause", "paused by a person")


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        ([], RunState.OFFLINE),
        ([STARTED], RunState.IDLE),
        ([STARTED, FRAME], RunState.RUNNING),
        ([STARTED, FRAME, HOLD], RunState.HELD),
        ([STARTED, FRAME, Reply("hold", is_ok=False)], RunState.RUNNING),
        (
            [STARTED, FRAME, Reply("hold", is_ok=True), Reply("release", is_ok=True)],
            RunState.RUNNING,
        ),
        ([STARTED, FRAME, Reply("stop_light", is_ok=True, is_dark=True)], RunState.STOPPED),
        ([STARTED, FRAME, Reply("stop_light", is_ok=True, is_dark=False)], RunState.FAULT),
        ([STARTED, FRAME, Reply("stop_light", is_ok=False, is_dark=True)], RunState.FAULT),
        ([STARTED, FRAME, Notice("fault", "the shutter sticks")], RunState.FAULT),
        ([STARTED, FRAME, Notice("warn", "late")], RunState.RUNNING),
        ([STARTED, FRAME, PAUSE], RunState.PAUSED),
        ([STARTED, PAUSE], RunState.PAUSED),
        ([STARTED, FRAME, PAUSE, FRAME], RunState.PAUSED),  # of the shot that was begun
        ([STARTED, FRAME, PAUSE, Notice("go on", "")], RunState.RUNNING),
        ([STARTED, FRAME, PAUSE, Notice("warn", "the computer slept")], RunState.PAUSED),
        ([STARTED, FRAME, PAUSE, Notice("fault", "it is NOT dark")], RunState.FAULT),
        ([STARTED, FRAME, PAUSE, end("partial", is_dark=True)], RunState.STOPPED),
        ([STARTED, Reply("state", is_ok=True, text="the computer slept")], RunState.PAUSED),
        ([STARTED, FRAME, Reply("state", is_ok=True)], RunState.RUNNING),
        ([STARTED, FRAME, Reply("state", is_ok=False, text="not offered")], RunState.RUNNING),
        ([STARTED, FRAME, end("complete", is_dark=True)], RunState.DONE),
        ([STARTED, FRAME, end("partial", is_dark=True)], RunState.STOPPED),
        ([STARTED, FRAME, end("complete", is_dark=False)], RunState.FAULT),
        ([STARTED, FRAME, Refused("the token is not this session's")], RunState.OFFLINE),
    ],
)
def test_the_state_follows_what_was_said(messages: list[FromHub], state: RunState) -> None:
    view = RunView()
    for message in messages:
        view.take(message, 10)
    assert view.state is state


def test_who_heard_the_run_go_on_believes_no_older_word_of_its_pause() -> None:
    view = RunView()
    late = Reply("state", is_ok=True, text="paused by a person")
    for message in (STARTED, FRAME, Notice("go on", ""), late):
        view.take(message, 10)
    assert view.state is RunState.RUNNING


def test_a_paused_run_says_that_its_light_was_read_back_dark_and_not_before() -> None:
    view = RunView()
    for message in (STARTED, FRAME, PAUSE):
        view.take(message, 10)
    assert view.light.reading.word is LightWord.USED  # its last shot may still go on
    view.take(Notice("paused", "paused by a person; every light is read back dark"), 10)
    assert view.light.reading.word is LightWord.DARK
    view.take(frame(1, 99), 10)
    assert view.light.reading.word is LightWord.USED


def test_the_light_badge_says_what_was_read_back_and_not_what_was_commanded() -> None:
    view = RunView()
    view.take(frame(7, 1), 10)
    assert view.light.reading.word is LightWord.USED
    assert "4 %" in view.light.reading.detail  # commanded: 5 %
    assert "frame 7" in view.light.reading.detail


def test_a_source_that_reports_no_power_is_shown_as_commanded_only() -> None:
    view = RunView()
    silent = msgspec.structs.replace(APPLIED, power_read_fraction=math.nan)
    view.take(frame(7, 1, silent), 10)
    assert "5 % commanded" in view.light.reading.detail


def test_before_anything_was_read_back_the_light_is_unknown() -> None:
    assert RunView().light.reading.word is LightWord.UNKNOWN


def test_a_frame_from_before_the_darkness_does_not_light_the_badge_again() -> None:
    light = LightState()
    light.take_frame(frame(1, 100).info)
    light.take_stop(Reply("stop_light", is_ok=True, is_dark=True), 200)
    light.take_frame(frame(2, 150).info)
    assert light.reading.word is LightWord.DARK
    light.take_frame(frame(3, 250).info)
    assert light.reading.word is LightWord.USED
    assert light.stop.state is StopState.READY


def test_a_refused_exposure_shows_the_guards_reason() -> None:
    light = LightState()
    light.take_applied(AppliedMessage(3, 2, 3, (), refused="the budget is used up"))
    assert light.reading.word is LightWord.REFUSED
    assert light.reading.detail == "the budget is used up"


def test_light_of_a_recording_is_never_called_light_in_use() -> None:
    view = viewed(FakeSource(origin="replay of run.h5"))
    assert view.light.reading.word is LightWord.RECORDED
    assert view.provenance == "replay of run.h5: proposals made under recorded exposures"


def test_a_live_run_has_no_provenance_banner() -> None:
    assert viewed(FakeSource(origin="live")).provenance == ""


def test_a_relative_dose_never_shows_a_physical_unit() -> None:
    assert viewed(FakeSource(dose_unit="relative")).dose_unit == "relative units"
    assert viewed(FakeSource()).dose_unit == "J/cm²"


def test_silence_after_stop_light_becomes_not_confirmed_after_a_quarter_second() -> None:
    stop = StopWatch()
    stop.press(1_000)
    stop.tick(1_000 + CONFIRM_WITHIN_NS - 1)
    assert stop.state is StopState.STOPPING
    stop.tick(1_000 + CONFIRM_WITHIN_NS)
    assert stop.state is StopState.NOT_CONFIRMED
    stop.answer(is_dark=True)  # late, but read back
    assert stop.state is StopState.DARK


def test_every_decision_is_a_row_with_its_own_reason() -> None:
    source, view = FakeSource(), RunView()
    source.advance(120)
    messages = source.poll()
    for message in messages:
        view.take(message, 1)
    decisions = [m.decision for m in messages if isinstance(m, DecisionMessage)]
    rows = [row for row in view.rows if row.kind is Kind.DECISION]
    assert [(r.shot, r.why, r.by) for r in rows] == [(d.id, d.reason, d.policy) for d in decisions]
    assert any(row.is_change for row in rows)
    assert not all(row.is_change for row in rows)


def test_lost_frames_are_counted_and_skipped_ones_are_not_called_lost() -> None:
    view = RunView()
    view.take(frame(0, 1), 1)
    view.shown_frames += 1
    view.take(Gap(4, 6, "the camera's buffer was full"), 2)
    view.take(frame(10, 2), 3)
    view.shown_frames += 1
    assert view.lost_frames == 3
    assert view.skipped_frames == 11 - 2 - 3


def test_the_camera_rate_counts_frames_that_were_not_asked_for() -> None:
    view = RunView()
    for seq in (0, 10, 20):
        view.take(frame(seq, seq * 10_000_000), 1)
    assert view.rate.per_s == pytest.approx(100.0)


def test_a_long_run_needs_no_more_memory() -> None:
    source, view = FakeSource(side_px=32, n_cells=3), RunView()
    for _ in range(5):
        source.advance(1000)
        for message in source.poll():
            view.take(message, 1)
    assert len(view.rows) == MAX_ROWS
    assert view.n_rows >= 5000
    assert len(view._times_s) == MAX_SHOTS
    table = view.fields[0].series.table()
    assert np.all(np.diff(table["t_s"]) > 0)


def test_the_series_keeps_the_newest_in_order_when_it_wraps() -> None:
    from gui.history import Series

    series = Series(("t", "v"), capacity=4)
    for i in range(7):
        series.append(i, 10 * i)
    assert series.table()["t"].tolist() == [3, 4, 5, 6]
    series.set_last("v", -1)
    assert series.last("v") == -1
    assert len(series) == 4


def test_the_budget_lasts_as_long_as_the_rate_says() -> None:
    view = viewed(FakeSource(side_px=32, n_cells=3), shots=50)
    history = view.fields[0]
    given = history.dose_j_cm2["488"]
    per_s = (given - history._doses[0][1]["488"]) / (history._doses[-1][0] - history._doses[0][0])
    assert history.seconds_left("488", 12.0) == pytest.approx((12.0 - given) / per_s)
    assert history.seconds_left("no such light", 12.0) == math.inf


def test_another_session_starts_with_a_clean_sheet() -> None:
    view = viewed(FakeSource())
    start = view.start
    assert start is not None
    view.take(msgspec.structs.replace(start, session_id="another"), 1)
    assert view.frame is None
    assert view.n_rows == 0
    assert view.state is RunState.IDLE


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ((10.0, 0.05), (10.0, 0.05), SAME),
        ((10.0, 0.05), (6.5, 0.05), "exposure 10 → 6.5 ms"),
        ((10.0, 0.05), (10.0, 0.04), "power 5 → 4 %"),
        ((10.0, 0.05), (8.0, 0.04), "exposure 10 → 8 ms, power 5 → 4 %"),
        ((10.0001, 0.05), (10.0002, 0.05), SAME),
    ],
)
def test_a_change_is_said_in_a_few_words(
    before: tuple[float, float], after: tuple[float, float], text: str
) -> None:
    old, new = (Settings((ChannelSettings("GFP", *light),)) for light in (before, after))
    assert describe_change(old, new) == text


@pytest.mark.parametrize(
    ("t_s", "text"),
    [
        (0.0, "00:00.0"),
        (79.44, "01:19.4"),
        (59.99, "00:59.9"),
        (7421.0, "2:03:41"),
        (math.nan, "--:--"),
    ],
)
def test_times_read_as_people_write_them(t_s: float, text: str) -> None:
    assert clock(t_s) == text


def test_a_division_is_counted_once_and_only_when_it_is_final() -> None:
    source = FakeSource(side_px=32, n_cells=3)
    source.advance(1)
    seen = next(m for m in source.poll() if isinstance(m, Result))
    daughters = (TrackEvent("division", 8, 1, True), TrackEvent("division", 9, 1, True))
    view = RunView()
    for events in ((TrackEvent("division", 8, 1),), daughters, (TrackEvent("withdrawn", 5),)):
        view.take(msgspec.structs.replace(seen, events=events), 0)
    assert view.n_divisions == 1
