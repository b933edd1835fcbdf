"""Opens the window: `show(StreamSource(address), "demo")`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from gui import style
from gui._qt import QtCore, QtWidgets
from gui.screens import grab
from gui.state import RunState
from gui.theme import THEMES
from gui.window import HINT, MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gui.source import Source

LOOK_MS = 100  # between two looks at whether to close
UNHEARD_MS = 20_000  # a picture of a run that was over before we came is not waited for longer


def show(
    source: Source,
    title: str,
    *,
    theme: str = "dark",
    hint: str = HINT,
    screenshot: Path | None = None,
    screenshot_after_s: float = math.inf,
    should_close: Callable[[], bool] | None = None,
    size: tuple[int, int] = (1440, 860),
) -> int:
    """Show a run until the window is closed.

    Parameters
    ----------
    source
        Where the messages come from, such as `gui.StreamSource`; closed with the window.
    theme
        "dark", or "red" for rooms where eyes must stay adapted to the dark.
    hint
        One line at the bottom, until there is something more important.
    screenshot, screenshot_after_s
        Save a picture of the window after so many seconds, at the end of the run or when it has
        to close, whichever comes first; and close it.
    should_close
        Asked ten times a second; True closes the window without a question.

    Returns
    -------
    int
        0; 1 if the run stood at FAULT when the window was closed, or the picture was not saved.
    """
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    style.apply(app, THEMES[theme])
    wheel = style.NoWheel()
    app.installEventFilter(wheel)
    window = MainWindow(source, title, THEMES[theme], hint)
    window.resize(*size)
    window.show()
    since = QtCore.QElapsedTimer()
    since.start()

    def look() -> None:
        is_over = window.view.end is not None or since.elapsed() >= 1000 * screenshot_after_s
        is_over |= window.view.start is None and since.elapsed() >= UNHEARD_MS
        if (screenshot is not None and is_over) or (should_close is not None and should_close()):
            timer.stop()
            _leave(window, screenshot)

    timer = QtCore.QTimer(window)
    timer.timeout.connect(look)
    timer.start(LOOK_MS)
    app.exec()
    app.removeEventFilter(wheel)
    failed = screenshot is not None and not screenshot.is_file()
    return int(failed or window.view.state is RunState.FAULT)


def _leave(window: MainWindow, screenshot: Path | None) -> None:
    try:
        if screenshot is not None:
            window.refresh()
            grab(window, screenshot)
    finally:
        window.leave()
