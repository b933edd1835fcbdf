"""No screen is needed: Qt draws into memory. Without Qt the tests of the window are skipped."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

HAS_QT = all(importlib.util.find_spec(name) for name in ("PySide6", "pyqtgraph", "pytestqt"))

if TYPE_CHECKING:
    from gui.window import MainWindow
    from tests.gui.fake_source import FakeSource


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason='the window needs pip install -e ".[gui]"')
    for item in items:
        if not HAS_QT and item.path.name.startswith("test_window"):
            item.add_marker(skip)


@pytest.fixture
def open_window(request: pytest.FixtureRequest) -> Iterator[Callable[..., MainWindow]]:
    """Open a window whose timer stands still: the test calls `tick`. All are closed at the end."""
    request.getfixturevalue("qtbot")
    from gui import style
    from gui._qt import QtCore, QtWidgets
    from gui.theme import THEMES
    from gui.window import MainWindow

    opened: list[MainWindow] = []

    def make(
        source: FakeSource, theme: str = "dark", size: tuple[int, int] = (1280, 720)
    ) -> MainWindow:
        app = QtWidgets.QApplication.instance()
        if app.property("theme") != theme:  # dressing is slow, and most tests wear the same
            app.setProperty("theme", theme)
            style.apply(app, THEMES[theme])
        window = MainWindow(source, "a test", THEMES[theme])
        window._timer.stop()
        window.resize(*size)
        window.show()
        opened.append(window)
        return window

    yield make
    app = QtWidgets.QApplication.instance()
    for window in opened:
        window.leave()
        window.deleteLater()
    app.processEvents()
    app.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    left = [w for w in app.topLevelWidgets() if w.isVisible()]
    assert not left, f"windows were left open: {left}"
