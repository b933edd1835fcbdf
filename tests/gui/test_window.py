"""The window, drawn into memory: what it draws when, and its picture for those who ask."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gui.fake_source import FakeSource
from tests.gui.window_hands import Opener, run, square


def shots_on_the_screen(window: Any) -> tuple[int, int]:
    return window.feed._shown.info.seq, window.feed._drawn.shot


def test_qt_does_not_lose_references_of_true_and_none(open_window: Opener) -> None:
    """PySide6 6.12.0 on Python 3.11 drops one at each call, and aborts after some seconds."""
    from gui._qt import QtCore, Signal

    class Sender(QtCore.QObject):
        sent = Signal(bool)

    window, _ = square(open_window)
    sender, item = Sender(), window.desk.images.right.tracks
    before = sys.getrefcount(True), sys.getrefcount(None)
    for _ in range(500):
        sender.sent.emit(True)
        item.update()
    assert abs(sys.getrefcount(True) - before[0]) < 100
    assert abs(sys.getrefcount(None) - before[1]) < 100


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


def test_red_light_is_there_again_at_the_next_start(
    qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gui import style
    from gui._qt import QtWidgets
    from gui.app import show
    from gui.theme import DARK

    monkeypatch.setenv("LIGHTLOOP_WINDOW", str(tmp_path / "window.json"))
    app, seen = QtWidgets.QApplication.instance(), []

    def press_once() -> bool:
        (window,) = [one for one in app.topLevelWidgets() if one.isVisible()]
        seen.append(window.desk.theme.name)
        if len(seen) == 1:
            window.toggle_theme()
        return True

    for theme in ("", "", "dark"):
        show(FakeSource(side_px=64, n_cells=3), "a test", theme=theme, should_close=press_once)
    style.apply(app, DARK)
    assert seen == ["dark", "red", "dark"], "what is asked for comes before what was last"


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


def test_results_that_run_ahead_wait_for_their_frame(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source)
    source._credit = 0  # the next frames stay away; their results do not
    source.advance(1)
    slow = source._newest
    then = window.desk.images.right.tracks._drawing.xy.tolist()
    source.advance(20)
    window.tick()
    assert window.view.result.shot == 21
    assert shots_on_the_screen(window) == (0, 0)
    assert window.desk.images.right.tracks._drawing.xy.tolist() == then
    source.post(slow)
    window.tick()
    assert shots_on_the_screen(window) == (1, 1)
    assert window.desk.images.right.canvas.badge == ""


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
    assert window.desk.bar.light.word == "LIGHT OFF"
