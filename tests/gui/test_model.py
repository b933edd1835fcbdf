"""What the window shows, without a window."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from acquire.settings import ChannelSettings, Settings
from gui.heard import MAX_ROWS, MAX_SHOTS
from gui.model import RunView
from gui.state import RunState
from gui.why import SAME, Kind, clock, describe_change, number, padded, steady
from realtime.wire import (
    DecisionMessage,
    FromHub,
    Gap,
    Notice,
    Refused,
    Reply,
    Result,
    TrackEvent,
)
from tests.gui.fake_source import FakeSource
from tests.gui.model_hands import FRAME, HOLD, PAUSE, STARTED, end, frame, viewed


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


def test_a_live_run_has_no_provenance_banner() -> None:
    assert viewed(FakeSource(origin="live")).provenance == ""


def test_a_relative_dose_never_shows_a_physical_unit() -> None:
    assert viewed(FakeSource(dose_unit="relative")).dose_unit == "relative units"
    assert viewed(FakeSource()).dose_unit == "J/cm²"


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


@pytest.mark.parametrize("value", [0.0123, 0.5, 4.0, 7.05, 7.1, 69.64, 116.2, 999.0])
def test_a_steady_number_keeps_its_digits_and_its_value(value: float) -> None:
    text = steady(value)
    assert len(text.replace(".", "").lstrip("0")) == 3
    assert float(text) == pytest.approx(value, rel=5e-3)


def test_numbers_that_need_no_digits_are_not_given_any() -> None:
    assert (steady(0.0), steady(4810.0)) == (number(0.0), number(4810.0)) == ("0", "4810")
    assert padded(7, 4) == "\u2007\u2007\u20077"
    assert len(padded(123456, 4)) == 6  # nothing is cut off
