"""The window in a dark room and on a small screen: what glows, what moves, what is always there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gui.levels import Levels
from gui.looking import Mode
from gui.state import StopState
from gui.stop_light import NOT_HERE
from gui.theme import DARK, RED, lookup, rgb
from realtime.wire import Notice, Reply
from tests.gui.fake_source import FakeSource
from tests.gui.window_hands import Opener, pixel, press_escape, run, square


def glow(picture: Any) -> int:
    """Return the brightest green or blue of a picture, 0 to 255."""
    from gui._qt import QtGui

    as_bytes = picture.convertToFormat(QtGui.QImage.Format.Format_RGBX8888)
    pixels = np.frombuffer(as_bytes.constBits(), np.uint8).reshape(-1, 4)
    return int(pixels[:, 1:3].max())


@pytest.fixture
def in_red(open_window: Opener) -> Any:
    """A window that was put in red light by its key; the application wears dark afterwards."""
    from gui import style
    from gui._qt import QtWidgets

    window, source = square(open_window)
    window.set_mode(Mode.SWIPE)
    window.desk.controls.ids.setChecked(False)
    window.desk._levels_by_hand(Levels(1.0, 500.0))
    run(window, source, 3)
    window.toggle_theme()
    yield window, source
    style.apply(QtWidgets.QApplication.instance(), DARK)


def test_red_light_glows_in_nothing_but_red(in_red: Any) -> None:
    window, source = in_red
    assert window.desk.theme is RED
    window.stop_light()
    source.post(Notice("fault", "the shutter sticks"))
    run(window, source)
    assert glow(window.grab().toImage()) == 0


def test_a_change_of_theme_keeps_what_a_person_chose(in_red: Any) -> None:
    window, _ = in_red
    desk = window.desk
    assert desk.images.mode is Mode.SWIPE
    assert desk.controls.modes[Mode.SWIPE].isChecked()
    assert desk.images.levels == Levels(1.0, 500.0)
    assert not desk.controls.auto.isChecked()
    assert not desk.controls.ids.isChecked()
    assert not desk.images.left.tracks.shows_ids
    assert desk.images.raw is not None  # at once, not with the next frame
    assert len(desk.log.model.rows) == len([r for r in window.view.rows if r.is_change])
    window.toggle_theme()
    assert window.desk.theme is DARK
    assert window.desk.images.mode is Mode.SWIPE


def test_after_a_change_of_theme_the_light_can_be_stopped_by_key_and_button(
    in_red: Any, qtbot: Any
) -> None:
    from gui._qt import Qt

    window, source = in_red
    press_escape(window)
    qtbot.mouseClick(window.desk.bar.stop_light, Qt.MouseButton.LeftButton)
    assert source.commands == ["stop_light", "stop_light"]
    window.tick()
    assert window.desk.bar.stop_light.state is StopState.DARK


def test_stop_light_can_be_pressed_in_every_state_and_names_its_key(open_window: Opener) -> None:
    window, source = square(open_window, answers=False)
    button = window.desk.bar.stop_light
    steps: tuple[Any, ...] = (
        lambda: None,
        window.stop_light,
        lambda: source.post(Reply("stop_light", is_ok=True, is_dark=False)),
        lambda: source.post(Reply("stop_light", is_ok=True, is_dark=True)),
        lambda: source.post(Notice("paused", "by a person")),
        lambda: source.post(Notice("fault", "the shutter sticks")),
        lambda: source.end(is_dark=False),
    )
    for step in steps:
        step()
        window.tick()
        assert button.isEnabled()
        assert button.isVisible()
        assert "Esc" in button.hint


def test_a_window_without_the_keyboard_says_that_esc_is_not_heard(
    open_window: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = square(open_window)[0].desk.bar.stop_light
    monkeypatch.setattr(button, "isActiveWindow", lambda: False)
    assert button.hint == NOT_HERE
    button.set_state(StopState.NOT_CONFIRMED)  # what to do now matters more
    assert "laser" in button.hint


@pytest.mark.parametrize("size", [(880, 440), (910, 470), (1080, 660)], ids=str)
def test_on_a_small_screen_stop_light_and_the_alarm_are_whole(
    open_window: Opener, size: tuple[int, int]
) -> None:
    from gui._qt import QtCore, QtWidgets

    source = FakeSource(side_px=64, n_cells=3, answers=False)
    window = open_window(source, size=size)
    run(window, source)
    source.post(Reply("stop_light", is_ok=True, text="488 nm still reads 4 %", is_dark=False))
    window.refresh()
    QtWidgets.QApplication.sendPostedEvents()
    assert window.size() == QtCore.QSize(*size)
    for part in (window.desk.bar.stop_light, window.desk.alarm):
        place = QtCore.QRect(part.mapTo(window, QtCore.QPoint(0, 0)), part.size())
        assert part.isVisible()
        assert window.rect().contains(place)
    assert window.desk.panel.isVisible() == (size[0] >= 1000)
    window.desk.toggle_panel()
    assert window.desk.panel.isVisible() == (size[0] < 1000)


def test_no_button_of_the_bar_moves_when_another_changes_its_word(open_window: Opener) -> None:
    from gui._qt import QtWidgets

    def places() -> list[tuple[int, int]]:
        QtWidgets.QApplication.sendPostedEvents()
        bar = window.desk.bar
        return [(b.x(), b.width()) for b in (bar.hold, bar.pause, bar.end_run, bar.stop_light)]

    window, _ = square(open_window)
    before = places()
    window.toggle_hold()
    window.toggle_pause()
    window.tick()
    assert window.desk.bar.pause.text() == "Resume run"
    assert window.desk.bar.hold.text() == "Release feedback"
    for button in (window.desk.bar.hold, window.desk.bar.pause):
        needed = button.fontMetrics().horizontalAdvance(button.text())
        assert button.contentsRect().width() - 16 >= needed  # its padding
    assert places() == before


def test_a_slow_run_is_not_called_silent_between_two_of_its_frames(open_window: Opener) -> None:
    window, _ = square(open_window)
    minute_ns = 60_000_000_000
    for n in range(3):
        window.view.rate.add(100 + n, n * minute_ns)
    window.view._heard_ns -= minute_ns
    window.desk.bar._detail_ns = 0
    window._refresh_bar()
    assert window.desk.bar.state.detail.startswith("shot")
    window.view._heard_ns -= 4 * minute_ns
    window.desk.bar._detail_ns = 0
    window._refresh_bar()
    assert window.desk.bar.state.detail.startswith("nothing heard")
    window.refresh()
    assert window.desk.meters.tiles["Camera"].value.text() == "every 60 s"


def test_after_an_hour_every_time_of_the_log_is_read_the_same_way(open_window: Opener) -> None:
    window, source = square(open_window)
    source.post(Notice("warn", "early"))
    run(window, source)
    table = window.desk.log.model
    assert table.index(0, 0).data() == "00:00.0"
    source.shot = 40_000  # a tenth of a second each
    source.post(Notice("warn", "late"))
    run(window, source, 2)
    source.post(Notice("warn", "later"))
    run(window, source)
    texts = [table.index(row, 0).data() for row in range(table.rowCount())]
    assert "1:06:40" in texts
    assert all(text.count(":") == 2 for text in texts)


@given(
    corners=arrays(np.float64, (9, 2), elements=st.floats(-90, 290, width=32)),
    widths=arrays(np.float64, (9, 1), elements=st.floats(1, 40, width=32)),
)
def test_the_number_of_a_cell_in_sight_is_never_cut(
    corners: np.ndarray, widths: np.ndarray
) -> None:
    from gui._qt import QtCore
    from gui.tracks_item import inside

    sizes = np.hstack([widths, np.full((9, 1), 12.0)])
    moved = inside(corners, sizes, QtCore.QRectF(0, 0, 200, 180))
    touches = np.all((corners < (200, 180)) & (corners + sizes > 0), axis=1)
    assert np.array_equal(moved[~touches], corners[~touches])
    assert np.all(moved[touches] >= 0)
    assert np.all(moved[touches] + sizes[touches] <= (200, 180))


@pytest.mark.parametrize("theme", [DARK, RED], ids=lambda theme: theme.name)
def test_every_grey_gets_its_colour_and_a_clipped_pixel_its_own(theme: Any) -> None:
    from gui.picture import Colours

    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    clipped = grey > 250
    pixels = Colours(theme).paint(grey, clipped)
    channels = np.stack([pixels >> 16 & 255, pixels >> 8 & 255, pixels & 255], axis=-1)
    wanted = lookup(theme)[grey]
    wanted[clipped] = rgb(theme.saturated)
    assert np.array_equal(channels, wanted)
    assert np.all(pixels >> 24 == 255)


def test_the_line_of_a_swipe_keeps_its_share_when_the_image_changes_size(
    open_window: Opener,
) -> None:
    window, _ = square(open_window)
    window.set_mode(Mode.SWIPE)
    images = window.desk.images
    images._divider.setPos(16)  # a quarter of 64
    images.set_raw(np.full((32, 32), 100, np.uint16))
    assert images._divider.value() == 8
    images.set_raw(np.full((128, 128), 2000, np.uint16))
    assert images._divider.value() == 32
    images.redraw()
    assert min(pixel(images.left, 16, 64)) > 240
