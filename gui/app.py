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

LOOK_MS = 50  # between two looks at whether somebody waits for us, or we have to close
LAST_FRAME_MS = 1_000  # so long after the end its last frame may be on its way
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
    on_subscribed: Callable[[], None] | None = None,
    on_failure: Callable[[str], None] | None = None,
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
        Asked twenty times a second; True closes the window without a question.
    on_subscribed
        Called once, when the run's first document is here: from now on nothing is missed.
    on_failure
        Called with one sentence if the picture cannot be written.

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
    view = window.view
    failures: list[str] = []
    is_awaited, ended_ms = on_subscribed is not None, math.inf

    def look() -> None:
        nonlocal is_awaited, ended_ms
        now_ms = since.elapsed()
        if is_awaited and view.start is not None and on_subscribed is not None:
            is_awaited = False
            on_subscribed()
        if view.end is not None:
            ended_ms = min(ended_ms, now_ms)
        is_over = view.has_last_frame or now_ms >= ended_ms + LAST_FRAME_MS
        is_over |= now_ms >= 1000 * screenshot_after_s
        is_over |= view.start is None and now_ms >= UNHEARD_MS
        if (screenshot is not None and is_over) or (should_close is not None and should_close()):
            timer.stop()
            failures.extend(_leave(window, screenshot))

    timer = QtCore.QTimer(window)
    timer.timeout.connect(look)
    timer.start(LOOK_MS)
    app.exec()
    app.removeEventFilter(wheel)
    if screenshot is not None and not failures and not screenshot.is_file():
        failures.append(f"the screenshot {screenshot} was not taken: the window was closed before")
    if on_failure is not None and failures:
        on_failure(failures[0])
    return int(bool(failures) or view.state is RunState.FAULT)


def _leave(window: MainWindow, screenshot: Path | None) -> list[str]:
    """Take the picture and close; return what went wrong, in a sentence each."""
    failures: list[str] = []
    try:
        if screenshot is not None:
            window.refresh()
            QtWidgets.QApplication.sendPostedEvents()  # the layout follows the newest texts
            grab(window, screenshot)
    except OSError as error:
        failures.append(f"the screenshot {screenshot} cannot be written: {error}")
    finally:
        window.leave()
    return failures
