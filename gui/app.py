"""Opens the window: `show(StreamSource(address), "demo")`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gui import style
from gui._qt import QtCore, QtWidgets
from gui.screens import grab
from gui.state import RunState
from gui.theme import THEMES
from gui.window import HINT, MainWindow

if TYPE_CHECKING:
    from pathlib import Path

    from gui.source import Source


def show(
    source: Source,
    title: str,
    *,
    theme: str = "dark",
    hint: str = HINT,
    screenshot: Path | None = None,
    screenshot_after_s: float = 10.0,
    size: tuple[int, int] = (1440, 860),
) -> int:
    """Show a run until the window is closed.

    Parameters
    ----------
    source
        Where the messages come from, such as `gui.StreamSource`.
    theme
        "dark", or "red" for rooms where eyes must stay adapted to the dark.
    hint
        One line at the bottom, until there is something more important.
    screenshot, screenshot_after_s
        Save a picture of the window after so many seconds, and close it.

    Returns
    -------
    int
        0; 1 if the run stood at FAULT when the window was closed.
    """
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    style.apply(app, THEMES[theme])
    wheel = style.NoWheel()
    app.installEventFilter(wheel)
    window = MainWindow(source, title, THEMES[theme], hint)
    window.resize(*size)
    window.show()
    if screenshot is not None:
        QtCore.QTimer.singleShot(int(1000 * screenshot_after_s), lambda: _take(window, screenshot))
    app.exec()
    app.removeEventFilter(wheel)
    return int(window.view.state is RunState.FAULT)


def _take(window: MainWindow, path: Path) -> None:
    try:
        grab(window, path)
    finally:
        window.leave()
