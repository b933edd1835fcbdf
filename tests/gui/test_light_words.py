"""What the window says of the light, without a window: what was read back, what is in doubt."""

from __future__ import annotations

import math

import msgspec

from gui.light import LightState
from gui.model import RunView
from gui.state import CONFIRM_WITHIN_NS, STOP_HINTS, LightWord, StopState, StopWatch
from realtime.wire import AppliedMessage, Notice, Reply
from tests.gui.fake_source import FakeSource
from tests.gui.model_hands import APPLIED, FRAME, PAUSE, STARTED, end, frame, viewed


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
    assert "4.00 %" in view.light.reading.detail  # commanded: 5 %
    assert "frame 7" in view.light.reading.detail


def test_a_source_that_reports_no_power_is_shown_as_commanded_only() -> None:
    view = RunView()
    silent = msgspec.structs.replace(APPLIED, power_read_fraction=math.nan)
    view.take(frame(7, 1, silent), 10)
    assert "5.00 % commanded" in view.light.reading.detail


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


def test_silence_after_stop_light_becomes_not_confirmed_after_a_quarter_second() -> None:
    stop = StopWatch()
    stop.press(1_000)
    stop.tick(1_000 + CONFIRM_WITHIN_NS - 1)
    assert stop.state is StopState.STOPPING
    stop.tick(1_000 + CONFIRM_WITHIN_NS)
    assert stop.state is StopState.NOT_CONFIRMED
    stop.answer(is_dark=True)  # late, but read back
    assert stop.state is StopState.DARK


def test_doubt_about_the_light_is_said_in_full_with_what_to_do_first() -> None:
    view = RunView()
    for message in (STARTED, FRAME):
        view.take(message, 10)
    assert view.alarm == ""
    why = "488 nm still reads 4 %: close its shutter by hand"
    view.take(Reply("stop_light", is_ok=True, text=why, is_dark=False), 20)
    assert view.alarm.startswith("The light may be on! Switch it off at the laser; Esc tries again")
    assert view.alarm.endswith(why)
    view.take(Reply("stop_light", is_ok=True, is_dark=True), 30)
    assert view.alarm == ""
    view.take(end("failed", is_dark=False), 40)
    assert "no source said that it is dark" in view.alarm


def test_the_button_names_its_key_however_far_the_stop_has_come() -> None:
    assert set(STOP_HINTS) == set(StopState)
    assert all("Esc" in hint for hint in STOP_HINTS.values())
