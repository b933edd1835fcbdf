"""The window, drawn into memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acquire.frame import Index
from gui.state import CONFIRM_WITHIN_NS, RunState, StopState
from gui.theme import DARK, MIN_CONTRAST, RED, contrast, rgb
from gui.why import Kind
from realtime.wire import FrameMessage, Notice, Reply
from tests.gui.fake_source import SATURATION_ADU, FakeSource

Opener = Callable[..., Any]
SQUARE = slice(24, 40)


class SquareSource(FakeSource):
    """A bright square on a dark ground, raw and restored."""

    peak = 2000

    def raw(self, message: FrameMessage) -> np.ndarray:
        image = np.full((64, 64), 100, np.uint16)
        image[SQUARE, SQUARE] = self.peak
        return image

    def restored(self, slot: Any) -> np.ndarray:
        image = np.zeros((64, 64), np.float32)
        image[SQUARE, SQUARE] = 950.0
        return image


def run(window: Any, source: FakeSource, shots: int = 1) -> None:
    source.advance(shots)
    window._slow_ns = 0
    window.tick()


def pixel(pane: Any, x: float, y: float) -> tuple[int, int, int]:
    """Return the colour of an image pixel as it is on the screen."""
    from gui._qt import QtCore

    picture = pane.canvas.grab().toImage()
    place = pane.canvas.mapFromScene(pane.box.mapViewToScene(QtCore.QPointF(x, y)))
    colour = picture.pixelColor(place.x(), place.y())
    return colour.red(), colour.green(), colour.blue()


def press_escape(window: Any) -> None:
    from gui._qt import Qt, QtCore, QtGui, QtWidgets

    event = QtGui.QKeyEvent(
        QtCore.QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier
    )
    QtWidgets.QApplication.sendEvent(window.windowHandle(), event)


def square(open_window: Opener, **options: Any) -> tuple[Any, SquareSource]:
    source = SquareSource(side_px=64, n_cells=3, **options)
    window = open_window(source)
    window.controls.tracks.setChecked(False)
    run(window, source)
    return window, source


def test_a_bright_square_reaches_the_screen_in_both_panes(open_window: Opener) -> None:
    window, _ = square(open_window)
    for pane in (window.images.left, window.images.right):
        assert min(pixel(pane, 32, 32)) > 240
        assert max(pixel(pane, 8, 8)) < 20


def test_a_pixel_is_where_its_row_and_column_say(open_window: Opener) -> None:
    class Corner(SquareSource):
        def raw(self, message: FrameMessage) -> np.ndarray:
            image = np.full((64, 64), 100, np.uint16)
            image[4:12, 40:60] = self.peak  # rows near the top, columns to the right
            return image

    source = Corner(side_px=64, n_cells=3)
    window = open_window(source)
    window.controls.tracks.setChecked(False)
    run(window, source)
    assert min(pixel(window.images.left, 50, 8)) > 240
    assert max(pixel(window.images.left, 8, 50)) < 20


def test_clipped_pixels_are_magenta_and_can_be_told_not_to_be(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    source.peak = int(SATURATION_ADU)
    window = open_window(source)
    run(window, source)
    assert pixel(window.images.left, 32, 32) == rgb(DARK.saturated)
    window.controls.clipped.setChecked(False)
    assert min(pixel(window.images.left, 32, 32)) > 240


def test_swipe_shows_raw_on_the_left_and_denoised_on_the_right(open_window: Opener) -> None:
    from gui.image_view import Mode

    class Opposite(SquareSource):
        def restored(self, slot: Any) -> np.ndarray:
            return np.where(super().restored(slot) > 0, 0, 950).astype(np.float32)

    source = Opposite(side_px=64, n_cells=3)
    window = open_window(source)
    window.controls.tracks.setChecked(False)
    window.set_mode(Mode.SWIPE)
    run(window, source)
    pane = window.images.left
    assert not window.images.right.isVisible()
    assert min(pixel(pane, 28, 32)) > 240  # raw: the square is bright
    assert max(pixel(pane, 37, 32)) < 20  # denoised: the square is dark
    window.images._divider.setPos(64)
    assert min(pixel(pane, 37, 32)) > 240


def test_the_denoised_pane_says_who_made_it_in_words_and_colour(open_window: Opener) -> None:
    window, _ = square(open_window)
    pane = window.images.right
    assert pane.name.full == "denoised  ·  unet-s · openvino bf16  ·  7.4 ms"
    picture = pane.grab().toImage()
    assert picture.pixelColor(0, pane.height() // 2).name() == DARK.denoised


def test_without_a_network_the_right_pane_says_so_and_shows_raw(open_window: Opener) -> None:
    window, _ = square(open_window, has_network=False)
    assert "no network" in window.images.right.name.full
    assert min(pixel(window.images.right, 32, 32)) > 240


def test_an_image_that_no_network_made_is_never_called_denoised(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    window = open_window(source)
    source.advance(1)
    result = source._documents[-2]
    source._documents[-2] = msgspec.structs.replace(result, model_id="none")
    window.tick()
    assert "no network" in window.images.right.name.full
    assert window.images.denoised is None


def test_a_restored_image_that_came_too_late_to_draw_is_not_called_absent(
    open_window: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    monkeypatch.setattr(source, "restored", lambda slot: None)
    window = open_window(source)
    source.advance(1)
    window.tick()
    assert "gone before it was drawn" in window.images.right.name.full
    assert "no network" not in window.images.right.name.full


def test_an_older_restored_image_carries_its_age(open_window: Opener) -> None:
    window, source = square(open_window)
    assert window.images.right.canvas.badge == ""
    source.advance(3)
    source._documents.clear()  # the worker is late: frames come, results do not
    window.tick()
    assert window.images.right.canvas.badge == "3 frames older, 0.3 s"


def test_the_button_and_escape_both_stop_the_light(open_window: Opener, qtbot: Any) -> None:
    from gui._qt import Qt

    window, source = square(open_window)
    qtbot.mouseClick(window.bar.stop_light, Qt.MouseButton.LeftButton)
    assert source.commands == ["stop_light"]
    press_escape(window)
    assert source.commands == ["stop_light", "stop_light"]
    window.tick()
    assert window.bar.stop_light.state is StopState.DARK
    assert window.bar.light.word == "LIGHT OFF"


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
    assert window.bar.stop_light.state is StopState.STOPPING
    qtbot.waitUntil(lambda: window.bar.stop_light.state is StopState.NOT_CONFIRMED, timeout=2000)
    waited_ns = time.perf_counter_ns() - began_ns
    assert waited_ns > CONFIRM_WITHIN_NS - 20_000_000
    assert window.view.state is RunState.FAULT


def test_a_read_back_that_finds_light_is_not_called_off(open_window: Opener) -> None:
    window, source = square(open_window, answers=False)
    window.stop_light()
    source.post(Reply("stop_light", is_ok=True, text="488 still reads 4 %", is_dark=False))
    window.tick()
    assert window.bar.stop_light.state is StopState.NOT_CONFIRMED
    assert window.bar.light.detail == "488 still reads 4 %"


def test_the_log_shows_every_decision_or_only_the_changes(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 200)
    decisions = [row for row in reversed(window.view.rows) if row.kind is Kind.DECISION]
    assert window.log.model.rows == [row for row in decisions if row.is_change]
    window.log.every.click()
    assert window.log.model.rows == decisions
    run(window, source, 40)
    assert len(window.log.model.rows) == 240
    index = window.log.model.index(0, 2)
    assert index.data() == window.view.decision.reason


def test_a_click_on_the_timeline_finds_the_row(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 400)
    target = window.log.model.rows[2]
    window.timeline.picked.emit(target.t_s)
    assert window.log.table.currentIndex().row() == 2


def test_an_empty_field_paints(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=0)
    source._bright = np.array([1.0])
    window = open_window(source)
    from gui.tails import Tails

    window.images.set_tracks(Tails().drawing())
    assert window.images.right.grab().width() > 0


def test_tracks_are_drawn_in_the_pane_that_is_in_sight(open_window: Opener) -> None:
    from gui.image_view import Mode

    source = FakeSource(side_px=128, n_cells=12)
    window = open_window(source)
    run(window, source, 20)
    before = window.images.right.canvas.grab().toImage()
    window.controls.tracks.click()
    assert window.images.right.canvas.grab().toImage() != before
    window.controls.tracks.click()
    window.set_mode(Mode.RAW)
    assert window.images.left.tracks.isVisible()
    assert len(window.images.left.tracks._drawing.ids) == 12


def test_the_array_that_draws_tails_without_python_objects_is_there() -> None:
    """PrimitiveArray is internal to pyqtgraph: an update may take it away."""
    from gui._qt import QtCore, internals

    lines = internals.PrimitiveArray(QtCore.QLineF, 4)
    lines.resize(3)
    lines.ndarray()[:] = np.arange(12).reshape(3, 4)
    assert len(lines) == 3
    assert lines.drawargs()


def test_qt_does_not_lose_references_of_true_and_none(open_window: Opener) -> None:
    """PySide6 6.12.0 on Python 3.11 drops one at each call, and aborts after some seconds."""
    from gui._qt import QtCore, Signal

    class Sender(QtCore.QObject):
        sent = Signal(bool)

    window, _ = square(open_window)
    sender, item = Sender(), window.images.right.tracks
    before = sys.getrefcount(True), sys.getrefcount(None)
    for _ in range(500):
        sender.sent.emit(True)
        item.update()
    assert abs(sys.getrefcount(True) - before[0]) < 100
    assert abs(sys.getrefcount(None) - before[1]) < 100


@pytest.mark.parametrize("theme", [DARK, RED], ids=lambda theme: theme.name)
def test_every_text_has_enough_contrast_on_every_ground_it_is_used_on(theme: Any) -> None:
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in ("window", "panel", "raised")]
    pairs += [("on_colour", ground) for ground in ("accent", "good", "bad")]
    pairs += [("on_warn", "warn"), ("text", "raised")]
    words = ("accent_text", "good_text", "warn_text", "bad_text", "denoised")
    pairs += [(ink, ground) for ink in words for ground in ("window", "panel")]
    for ink, ground in pairs:
        ratio = contrast(rgb(getattr(theme, ink)), rgb(getattr(theme, ground)))
        assert ratio >= MIN_CONTRAST, f"{theme.name}: {ink} on {ground} is {ratio:.2f}"


def test_the_stop_button_on_the_screen_is_red_and_not_pale(open_window: Opener) -> None:
    window, _ = square(open_window)
    picture = window.bar.stop_light.grab().toImage()
    colours = {
        (c.red(), c.green(), c.blue())
        for x in range(picture.width())
        for c in [picture.pixelColor(x, 14)]
    }
    assert rgb(DARK.bad) in colours
    assert max(contrast(colour, rgb(DARK.bad)) for colour in colours) >= MIN_CONTRAST


def test_the_red_theme_lights_no_green_and_no_blue_in_its_chrome(open_window: Opener) -> None:
    window = open_window(SquareSource(side_px=64, n_cells=3), theme="red")
    picture = window.grab().toImage()
    worst = max(
        max(c.green(), c.blue()) - 0.65 * c.red()
        for x in range(0, picture.width(), 7)
        for y in range(0, picture.height(), 7)
        for c in [picture.pixelColor(x, y)]
    )
    assert worst < 12


def test_closing_during_a_run_says_that_it_goes_on_and_asks_nothing_modal(
    open_window: Opener,
) -> None:
    from gui._qt import QtWidgets

    window, source = square(open_window)
    window.close()
    assert window.isVisible()
    assert window.leave_bar.isVisible()
    assert QtWidgets.QApplication.activeModalWidget() is None
    window.close()
    assert not window.isVisible()
    assert source.commands == []  # closing stops nothing


def test_pause_and_resume_are_one_button_that_says_what_it_will_do(open_window: Opener) -> None:
    window, source = square(open_window)
    assert window.bar.pause.text() == "Pause run"
    window.bar.pause.click()
    window.tick()
    assert source.commands == ["pause"]
    assert window.bar.pause.text() == "Resume run"
    assert window.bar.state.word == "PAUSED"
    assert window.bar.state.detail == "paused by a person"
    window.toggle_pause()  # as Ctrl+P does
    window.tick()
    assert source.commands == ["pause", "resume"]
    assert window.bar.pause.text() == "Pause run"
    assert window.bar.state.word == "RUNNING"


def test_a_run_that_paused_by_itself_says_why_and_is_not_called_silent(open_window: Opener) -> None:
    window, source = square(open_window)
    why = "the computer slept, or its clock was set: +3600.0 s; every light is read back dark"
    source.post(Notice("paused", why))
    window.tick()
    window.view._heard_ns -= 60_000_000_000  # a minute ago
    window._refresh_bar()
    assert (window.bar.state.word, window.bar.state.detail) == ("PAUSED", why)
    assert window.bar.light.word == "LIGHT OFF"
    assert window.bar.pause.isEnabled()
    window.refresh()
    assert window.banner.isVisible()
    source.post(Notice("go on", "the run goes on"))
    window.refresh()
    assert not window.banner.isVisible()


def test_a_replay_cannot_be_paused_from_the_bar(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5")
    window = open_window(source)
    run(window, source)
    assert not window.bar.pause.isEnabled()
    window.toggle_pause()
    assert source.commands == []


def test_closing_after_the_run_asks_nothing(open_window: Opener) -> None:
    window, source = square(open_window)
    source.end()
    window.tick()
    window.close()
    assert not window.isVisible()


def test_a_replay_says_so_on_the_window(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5", dose_unit="relative")
    window = open_window(source)
    run(window, source)
    assert window.banner.isVisible()
    assert window.banner.text == "replay of x.h5: proposals made under recorded exposures"
    assert "relative units" in window.bar.origin.text()
    assert "relative units" in window.meters.bars["488"].right_text


def test_a_warning_reaches_the_footer_and_the_log(open_window: Opener) -> None:
    window, source = square(open_window)
    source.post(Notice("warn", "the disk is nearly full: 2 GB are left"))
    run(window, source)
    assert "2 GB" in window.footer.notice.text()
    assert window.log.model.rows[0].why == "the disk is nearly full: 2 GB are left"


def test_the_histogram_handles_set_black_and_white(open_window: Opener, qtbot: Any) -> None:
    from gui._qt import Qt, QtCore

    window, _ = square(open_window)
    histogram = window.histogram
    x, y = int(histogram._x(histogram._levels.high)), 20
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QtCore.QPoint(x, y))
    before = window.images.levels
    qtbot.mouseMove(histogram, QtCore.QPoint(x - 60, y))
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton)
    assert window.images.levels.high < before.high
    assert window.images.levels.low == before.low
    assert not window.controls.auto.isChecked()


def test_zooming_one_pane_zooms_the_other(open_window: Opener) -> None:
    from gui._qt import QtCore

    window, _ = square(open_window)
    left, right = window.images.left.box, window.images.right.box
    left.setRange(QtCore.QRectF(10, 10, 20, 20), padding=0)
    assert right.viewRect().center() == left.viewRect().center()
    right.setRange(QtCore.QRectF(30, 30, 10, 10), padding=0)
    assert left.viewRect().width() == pytest.approx(right.viewRect().width())


@pytest.mark.parametrize(
    ("um_per_dot", "length"), [(0.1, 5.0), (0.325, 20.0), (1.0, 50.0), (0.011, 0.5), (0.0, 0.0)]
)
def test_the_scale_bar_has_a_round_length(um_per_dot: float, length: float) -> None:
    from gui.pane import scale_bar_um

    assert scale_bar_um(um_per_dot) == pytest.approx(length)


def test_the_wheel_changes_no_value(open_window: Opener) -> None:
    from gui._qt import Qt, QtCore, QtGui, QtWidgets
    from gui.style import NoWheel

    box, app, guard = QtWidgets.QSpinBox(), QtWidgets.QApplication.instance(), NoWheel()
    wheel = QtGui.QWheelEvent(
        QtCore.QPointF(5, 5), QtCore.QPointF(5, 5), QtCore.QPoint(0, 0), QtCore.QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    app.installEventFilter(guard)
    try:
        QtWidgets.QApplication.sendEvent(box, wheel)
    finally:
        app.removeEventFilter(guard)
    assert box.value() == 0


def test_a_finer_restored_image_covers_the_same_field(open_window: Opener) -> None:
    from gui.image_view import Mode

    class Finer(SquareSource):
        def restored(self, slot: Any) -> np.ndarray:
            return np.kron(super().restored(slot), np.ones((2, 2), np.float32))

    source = Finer(side_px=64, n_cells=3)
    window = open_window(source)
    window.controls.tracks.setChecked(False)
    run(window, source)
    assert min(pixel(window.images.right, 38, 38)) > 240
    assert max(pixel(window.images.right, 50, 50)) < 20
    assert "denoised 950.0" in window.images.value_at(30.5, 30.5)
    window.set_mode(Mode.SWIPE)
    assert min(pixel(window.images.left, 38, 38)) > 240


def test_a_person_can_look_at_one_of_several_fields_and_channels(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source)
    assert not window.controls.channel.isVisible()
    source.advance(1)
    message, result = source._newest, source._documents[-2]
    other = msgspec.structs.replace(message.info.applied, channel="RFP")
    info = msgspec.structs.replace(message.info, applied=other, index=Index(t=1, p=4))
    source._newest = msgspec.structs.replace(message, info=info)
    source._documents[-2] = msgspec.structs.replace(result, position=4)
    window.refresh()
    controls = window.controls
    assert [controls.field.itemText(i) for i in range(3)] == ["newest field", "field 1", "field 5"]
    assert [controls.channel.itemText(i) for i in range(1, 3)] == ["GFP", "RFP"]
    controls.channel.setCurrentText("RFP")
    shown = window.view.shown_frames
    run(window, source)  # a GFP frame: acknowledged, not drawn
    assert window.view.shown_frames == shown
    assert source._credit == 1
    controls.field.setCurrentText("field 5")
    assert window.feed.field == 4


def test_an_error_while_drawing_is_said_and_the_light_can_still_be_stopped(
    open_window: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    window, source = square(open_window)
    source.restored = lambda _slot: np.zeros(3)
    run(window, source)
    assert "could not draw" in caplog.text
    assert window.trouble.isVisible()
    window.stop_light()
    window.tick()
    assert window.bar.stop_light.state is StopState.DARK
    assert caplog.text.count("Traceback") == 1  # the next try comes a second later


def test_a_picture_of_the_window_is_saved(open_window: Opener, tmp_path: Path) -> None:
    from gui._qt import QtGui
    from gui.screens import grab

    window, _ = square(open_window)
    grab(window, tmp_path / "docs" / "window.png")
    saved = QtGui.QImage(str(tmp_path / "docs" / "window.png"))
    assert (saved.width(), saved.height()) == (1280, 720)
    (tmp_path / "blocked.png").mkdir()
    with pytest.raises(OSError, match="it is a folder"):
        grab(window, tmp_path / "blocked.png")


def test_show_takes_its_picture_and_leaves(qtbot: Any, tmp_path: Path) -> None:
    from gui.app import show

    source = FakeSource(rate_hz=50.0, side_px=64, n_cells=3)
    picture = tmp_path / "w.png"
    assert show(source, "a test", screenshot=picture, screenshot_after_s=0.2) == 0
    assert picture.stat().st_size > 5000
    assert show(source, "a test", should_close=lambda: True) == 0


def test_a_picture_that_cannot_be_written_is_said_and_is_no_traceback(
    qtbot: Any, tmp_path: Path
) -> None:
    from gui.app import show

    failures: list[str] = []
    source = FakeSource(rate_hz=50.0, side_px=64, n_cells=3)
    options = {"screenshot_after_s": 0.1, "on_failure": failures.append}
    assert show(source, "a test", screenshot=tmp_path, **options) == 1
    (tmp_path / "file").touch()
    assert show(source, "a test", screenshot=tmp_path / "file" / "w.png", **options) == 1
    assert len(failures) == 2
    for failure in failures:
        assert failure.startswith(f"the screenshot {tmp_path}")
        assert "cannot be written" in failure


def test_the_window_says_once_that_it_is_subscribed_and_not_before_the_start(qtbot: Any) -> None:
    from gui.app import show

    class Late(FakeSource):
        polls = 0

        def poll(self) -> list[Any]:
            self.polls += 1
            return super().poll() if self.polls > 5 else []

    source, said = Late(rate_hz=50.0, side_px=64, n_cells=3), []
    looks = iter(range(12))
    show(
        source, "a test", on_subscribed=lambda: said.append(source.polls),
        should_close=lambda: next(looks, None) is None,
    )  # fmt: skip
    assert len(said) == 1
    assert said[0] > 5


def test_without_a_hub_the_window_never_claims_to_be_subscribed(qtbot: Any) -> None:
    from gui.app import show

    class Silent(FakeSource):
        def poll(self) -> list[Any]:
            return []

    said: list[bool] = []
    looks = iter(range(4))
    code = show(
        Silent(side_px=64, n_cells=3), "a test", on_subscribed=lambda: said.append(True),
        should_close=lambda: next(looks, None) is None,
    )  # fmt: skip
    assert code == 0
    assert said == []


def shots_on_the_screen(window: Any) -> tuple[int, int]:
    return window.feed._shown.info.seq, window.feed._drawn.shot


def test_results_that_run_ahead_wait_for_their_frame(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source)
    source._credit = 0  # the next frames stay away; their results do not
    source.advance(1)
    slow = source._newest
    then = window.images.right.tracks._drawing.xy.tolist()
    source.advance(20)
    window.tick()
    assert window.view.result.shot == 21
    assert shots_on_the_screen(window) == (0, 0)
    assert window.images.right.tracks._drawing.xy.tolist() == then
    source.post(slow)
    window.tick()
    assert shots_on_the_screen(window) == (1, 1)
    assert window.images.right.canvas.badge == ""


def test_the_last_frame_and_its_result_are_drawn_together(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source)
    source.advance(40)
    source.end()
    window.refresh()
    assert window.view.has_last_frame
    assert shots_on_the_screen(window) == (40, 40)


def test_a_frame_that_comes_after_the_end_lights_no_light(open_window: Opener) -> None:
    window, source = square(open_window)
    source._credit = 0
    source.advance(1)
    late = source._newest
    source.end()
    window.tick()
    assert not window.view.has_last_frame
    source.post(late)
    window.tick()
    assert window.view.has_last_frame
    assert window.bar.light.word == "LIGHT OFF"


def test_in_a_replay_what_steers_light_is_grey_and_escape_does_no_harm(
    open_window: Opener, qtbot: Any
) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5")
    window = open_window(source)
    run(window, source)
    picture = window.bar.stop_light.grab().toImage()
    assert picture.pixelColor(picture.width() // 2, 3).name() == DARK.raised
    assert not window.bar.hold.isEnabled()
    assert window.bar.hold.toolTip() == "a replay gives no light"
    assert window.bar.end_run.text() == "End replay"
    assert window.bar.end_run.isEnabled()
    press_escape(window)
    window.toggle_hold()
    run(window, source)
    assert source.commands == ["stop_light"]
    assert window.bar.state.word == "REPLAY"
    assert window.view.light.stop.state is StopState.READY
    assert window.meters.tiles["Loop latency"].value.text() == "--"
    source.end()
    run(window, source)
    assert (window.bar.state.word, window.bar.state.detail) == ("DONE", "every frame was played")


def test_a_guessed_calibration_is_never_out_of_sight(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    start = source._documents[0]
    camera = start.cameras[0]
    guess = msgspec.structs.replace(camera.calibration, source="estimated")
    cameras = (msgspec.structs.replace(camera, calibration=guess),)
    source._documents[0] = msgspec.structs.replace(start, cameras=cameras)
    window = open_window(source)
    run(window, source)
    assert window.guess.isVisible()
    assert "estimated" in window.guess.text
    assert not square(open_window)[0].guess.isVisible()


def test_followed_and_confirmed_cells_are_told_apart(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=12)
    window = open_window(source)
    run(window, source)
    tile = window.meters.tiles["Cells"]
    assert (tile.value.text(), tile.note.full) == ("12", "9 confirmed\nno divisions")


WHY = "the estimate copies noise, or the gain is set too low (variance 0.45, neighbours +0.123)"


@pytest.mark.parametrize("size", [(1280, 720), (1440, 860)], ids=str)
def test_no_word_of_the_panel_is_cut(open_window: Opener, size: tuple[int, int]) -> None:
    from gui._qt import QtWidgets

    source = FakeSource(side_px=64, n_cells=12)
    window = open_window(source, size=size)
    source.advance(80)
    result = source._documents[-2]
    seen = result.observation
    trust = msgspec.structs.replace(seen.trust, is_trusted=False, why=WHY)
    source._documents[-2] = msgspec.structs.replace(
        result,
        model_id="denoise-2d@1 openvino-bf16",
        observation=msgspec.structs.replace(seen, trust=trust),
    )
    window.refresh()
    QtWidgets.QApplication.sendPostedEvents()
    for title, tile in window.meters.tiles.items():
        for label in (tile.value, tile.note):
            assert "…" not in label.text(), f"{title}: {label.text()}"
        needed = tile.value.fontMetrics().horizontalAdvance(tile.value.text())
        assert tile.value.width() >= needed, title
    assert window.meters.tiles["Trust"].toolTip() == WHY


def test_the_time_axis_says_how_it_is_to_be_read(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 100)
    axis = window.plots.bleach.getAxis("bottom")
    assert axis.labelText == "time of the experiment, mm:ss"
    axis.setRange(0.0, 7200.0)
    assert axis.labelText == "time of the experiment, h:mm:ss"
    assert axis.tickStrings([1800.0, 3600.0], 1.0, 1800.0) == ["0:30:00", "1:00:00"]


@given(
    corners=arrays(np.float64, (12, 2), elements=st.floats(0, 60, width=32)),
    widths=arrays(np.float64, (12, 1), elements=st.floats(1, 30, width=32)),
)
def test_numbers_that_are_drawn_never_cover_each_other(
    corners: np.ndarray, widths: np.ndarray
) -> None:
    from gui._qt import QtCore
    from gui.tracks_item import apart

    sizes = np.hstack([widths, np.full((12, 1), 11.0)])
    boxes = [QtCore.QRectF(*c, *s) for c, s in zip(corners.tolist(), sizes.tolist(), strict=True)]
    kept = apart(corners, sizes)
    for k, box in enumerate(boxes):
        covered = [other for other in kept if other != k and boxes[other].intersects(box)]
        assert bool(covered) != (k in kept)  # drawn, or left out for one that is


def test_the_scale_bar_stands_above_the_picture_once(open_window: Opener) -> None:
    from gui.image_view import Mode

    window, _ = square(open_window)
    left, right = window.images.left.scale, window.images.right.scale
    assert left.length_um > 0
    assert left.isVisible()
    assert not right.isVisible()
    before = left.length_um
    window.images.left.box.setRange(window.images.left.box.viewRect().adjusted(30, 30, -30, -30))
    assert left.length_um < before
    window.set_mode(Mode.DENOISED)
    assert right.isVisible()
