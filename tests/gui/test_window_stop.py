"""Stopping, pausing and closing: what a person does at the window, and what it says then."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from gui.state import CONFIRM_WITHIN_NS, RunState, StopState
from gui.theme import DARK
from realtime.wire import Notice, Reply
from tests.gui.fake_source import FakeSource
from tests.gui.window_hands import Opener, press_escape, run, square


def test_the_button_and_escape_both_stop_the_light(open_window: Opener, qtbot: Any) -> None:
    from gui._qt import Qt

    window, source = square(open_window)
    qtbot.mouseClick(window.desk.bar.stop_light, Qt.MouseButton.LeftButton)
    assert source.commands == ["stop_light"]
    press_escape(window)
    assert source.commands == ["stop_light", "stop_light"]
    window.tick()
    assert window.desk.bar.stop_light.state is StopState.DARK
    assert window.desk.bar.light.word == "LIGHT OFF"


def test_escape_stops_the_light_while_a_menu_is_open(open_window: Opener, qtbot: Any) -> None:
    from gui._qt import QtWidgets

    window, source = square(open_window)
    menu = QtWidgets.QMenu(window)
    menu.addAction("anything")
    menu.popup(window.mapToGlobal(window.rect().center()))
    qtbot.waitUntil(menu.isVisible)
    press_escape(menu)
    menu.close()
    assert source.commands == ["stop_light"]


def test_a_closed_window_no_longer_listens_to_escape(open_window: Opener) -> None:
    window, source = square(open_window)
    other, other_source = square(open_window)
    window.leave()
    press_escape(other)
    assert source.commands == []
    assert other_source.commands == ["stop_light"]


def test_without_an_answer_the_button_says_not_confirmed(open_window: Opener, qtbot: Any) -> None:
    window, _ = square(open_window, answers=False)
    window.stop_light()
    began_ns = time.perf_counter_ns()
    assert window.desk.bar.stop_light.state is StopState.STOPPING
    qtbot.waitUntil(
        lambda: window.desk.bar.stop_light.state is StopState.NOT_CONFIRMED, timeout=2000
    )
    waited_ns = time.perf_counter_ns() - began_ns
    assert waited_ns > CONFIRM_WITHIN_NS - 20_000_000
    assert window.view.state is RunState.FAULT


def test_a_read_back_that_finds_light_is_not_called_off(open_window: Opener) -> None:
    window, source = square(open_window, answers=False)
    window.stop_light()
    source.post(Reply("stop_light", is_ok=True, text="488 still reads 4 %", is_dark=False))
    window.tick()
    assert window.desk.bar.stop_light.state is StopState.NOT_CONFIRMED
    assert window.desk.bar.light.detail == "488 still reads 4 %"


def test_closing_during_a_run_says_that_it_goes_on_and_asks_nothing_modal(
    open_window: Opener,
) -> None:
    from gui._qt import QtWidgets

    window, source = square(open_window)
    window.close()
    assert window.isVisible()
    assert window.desk.leave_bar.isVisible()
    assert QtWidgets.QApplication.activeModalWidget() is None
    window.close()
    assert not window.isVisible()
    assert source.commands == []  # closing stops nothing


def test_pause_and_resume_are_one_button_that_says_what_it_will_do(open_window: Opener) -> None:
    window, source = square(open_window)
    assert window.desk.bar.pause.text() == "Pause run"
    window.desk.bar.pause.click()
    window.tick()
    assert source.commands == ["pause"]
    assert window.desk.bar.pause.text() == "Resume run"
    assert window.desk.bar.state.word == "PAUSED"
    assert window.desk.bar.state.detail == "paused by a person"
    window.toggle_pause()  # as Ctrl+P does
    window.tick()
    assert source.commands == ["pause", "resume"]
    assert window.desk.bar.pause.text() == "Pause run"
    assert window.desk.bar.state.word == "RUNNING"


def test_a_run_that_paused_by_itself_says_why_and_is_not_called_silent(open_window: Opener) -> None:
    window, source = square(open_window)
    why = "the computer slept, or its clock was set: +3600.0 s; every light is read back dark"
    source.post(Notice("paused", why))
    window.tick()
    window.view._heard_ns -= 60_000_000_000  # a minute ago
    window._refresh_bar()
    assert (window.desk.bar.state.word, window.desk.bar.state.detail) == ("PAUSED", why)
    assert window.desk.bar.light.word == "LIGHT OFF"
    assert window.desk.bar.pause.isEnabled()
    window.refresh()
    assert window.desk.banner.isVisible()
    source.post(Notice("go on", "the run goes on"))
    window.refresh()
    assert not window.desk.banner.isVisible()


def test_a_replay_cannot_be_paused_from_the_bar(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5")
    window = open_window(source)
    run(window, source)
    assert not window.desk.bar.pause.isEnabled()
    window.toggle_pause()
    assert source.commands == []


def test_closing_after_the_run_asks_nothing(open_window: Opener) -> None:
    window, source = square(open_window)
    source.end()
    window.tick()
    window.close()
    assert not window.isVisible()


def test_an_error_while_drawing_is_said_and_the_light_can_still_be_stopped(
    open_window: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    window, source = square(open_window)
    source.restored = lambda _slot: np.zeros(3)
    run(window, source)
    assert "could not draw" in caplog.text
    assert window.desk.trouble.isVisible()
    window.stop_light()
    window.tick()
    assert window.desk.bar.stop_light.state is StopState.DARK
    assert caplog.text.count("Traceback") == 1  # the next try comes a second later


def test_in_a_replay_what_steers_light_is_grey_and_escape_does_no_harm(
    open_window: Opener, qtbot: Any
) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5")
    window = open_window(source)
    run(window, source)
    picture = window.desk.bar.stop_light.grab().toImage()
    assert picture.pixelColor(picture.width() // 2, 3).name() == DARK.raised
    assert not window.desk.bar.hold.isEnabled()
    assert window.desk.bar.hold.toolTip() == "a replay gives no light"
    assert window.desk.bar.end_run.text() == "End replay"
    assert window.desk.bar.end_run.isEnabled()
    press_escape(window)
    window.toggle_hold()
    run(window, source)
    assert source.commands == ["stop_light"]
    assert window.desk.bar.state.word == "REPLAY"
    assert window.view.light.stop.state is StopState.READY
    assert window.desk.meters.tiles["Loop latency"].value.text() == "--"
    source.end()
    run(window, source)
    assert (window.desk.bar.state.word, window.desk.bar.state.detail) == (
        "DONE",
        "every frame was played",
    )
