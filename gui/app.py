"""Opens the window: `show(StreamSource(address), "demo")`."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from gui import style
from gui._qt import QtCore, QtWidgets
from gui.remembered import last_theme, remember_theme
from gui.screens import grab
from gui.state import RunState
from gui.theme import DARK, THEMES
from gui.window import HINT, SIZE, MainWindow

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
    theme: str = "",
    hint: str = HINT,
    screenshot: Path | None = None,
    screenshot_after_s: float = math.inf,
    should_close: Callable[[], bool] | None = None,
    on_subscribed: Callable[[], None] | None = None,
    on_failure: Callable[[str], None] | None = None,
) -> int:
    """Show a run until the window is closed.

    Parameters
    ----------
    source
        Where the messages come from, such as `gui.StreamSource`; closed with the window.
    theme
        "dark", or "red" for eyes that must stay adapted to the dark; F3 changes it, and that is
        remembered. Empty: as it was last; a picture that is taken is dark.
    hint
        One line at the bottom, until something is more important.
    screenshot, screenshot_after_s
        Save a picture after so many seconds, at the end of the run or when the window has to
        close, whichever comes first; and close it.
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
    app, wheel = _application(), style.NoWheel()
    wanted = THEMES[theme or (last_theme() if screenshot is None else DARK.name)]
    style.apply(app, wanted)
    app.installEventFilter(wheel)
    window = MainWindow(source, title, wanted, hint)
    window.theme_chosen.connect(remember_theme)
    window.resize(_size_on_screen() if screenshot is None else QtCore.QSize(*SIZE))
    window.show()
    watch = _Watch(window, screenshot, screenshot_after_s, should_close, on_subscribed)
    app.exec()
    app.removeEventFilter(wheel)
    failure = watch.failure()
    if on_failure is not None and failure:
        on_failure(failure)
    return int(bool(failure) or window.view.state is RunState.FAULT)


class _Watch(QtCore.QObject):
    """Looks twenty times a second whether somebody waits for the window, or it has to close."""

    def __init__(
        self,
        window: MainWindow,
        screenshot: Path | None,
        screenshot_after_s: float,
        should_close: Callable[[], bool] | None,
        on_subscribed: Callable[[], None] | None,
    ) -> None:
        super().__init__(window)
        self._window, self._screenshot = window, screenshot
        self._after_ms, self._ended_ms = 1000 * screenshot_after_s, math.inf
        self._should_close, self._on_subscribed = should_close, on_subscribed
        self._failure = ""
        self._since = QtCore.QElapsedTimer()
        self._since.start()
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)

    def failure(self) -> str:
        """Say what went wrong with the picture; empty if nothing did."""
        picture = self._screenshot
        if not self._failure and picture is not None and not picture.is_file():
            return f"the screenshot {picture} was not taken: the window was closed before"
        return self._failure

    def _look(self) -> None:
        if self._on_subscribed is not None and self._window.view.start is not None:
            said, self._on_subscribed = self._on_subscribed, None
            said()
        has_to_close = self._should_close is not None and self._should_close()
        if has_to_close or (self._screenshot is not None and self._is_time()):
            self._timer.stop()
            self._leave()

    def _is_time(self) -> bool:
        """Return whether there is nothing newer to wait for before the picture is taken."""
        view, now_ms = self._window.view, self._since.elapsed()
        if view.end is not None:
            self._ended_ms = min(self._ended_ms, now_ms)
        if view.has_last_frame or now_ms >= self._ended_ms + LAST_FRAME_MS:
            return True
        is_unheard = view.start is None and now_ms >= UNHEARD_MS
        return bool(is_unheard or now_ms >= self._after_ms)

    def _leave(self) -> None:
        """Take the picture and close."""
        try:
            if self._screenshot is not None:
                self._window.refresh()
                QtWidgets.QApplication.sendPostedEvents()  # the layout follows the newest texts
                grab(self._window, self._screenshot)
        except OSError as error:
            self._failure = f"the screenshot {self._screenshot} cannot be written: {error}"
        finally:
            self._window.leave()


def _application() -> QtWidgets.QApplication:
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])


def _size_on_screen() -> QtCore.QSize:
    """Return a size no larger than the screen: STOP LIGHT stands in a corner of the window."""
    screen, wanted = QtWidgets.QApplication.primaryScreen(), QtCore.QSize(*SIZE)
    return wanted if screen is None else wanted.boundedTo(screen.availableGeometry().size())
