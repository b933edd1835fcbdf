"""The main window: it asks its source for news, thirty times a second, and draws the newest."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from gui import keys, style
from gui._qt import Qt, QtCore, QtGui, QtWidgets
from gui.desk import Desk
from gui.feed import ImageFeed
from gui.looking import LOOK_MODES, Mode
from gui.model import RunView
from gui.pacer import Pacer
from gui.stop_light import StopOnEscape
from gui.theme import DARK, RED

if TYPE_CHECKING:
    from gui.source import Source
    from gui.theme import Theme

logger = logging.getLogger(__name__)

SLOW_NS = 200_000_000  # numbers and plots change five times a second: a person reads no faster
DRAW_AGAIN_NS = 1_000_000_000  # after an error, so that the log is not flooded
CONFIRM_MS = 260  # a little later than the model's own patience
TROUBLE = "The window could not draw (see the log). The run goes on, STOP LIGHT works."
SIZE, LEAST_SIZE = (1440, 860), (880, 440)  # a screen of 1366 x 768 at 150 % has 910 x 512
HINT = "F1 shows the keys, F3 red light for dark rooms"


class MainWindow(QtWidgets.QWidget):
    """A window on a run. It can be closed or killed at any time: nobody else notices.

    Parameters
    ----------
    source
        Where messages and images come from; closed with the window.
    title
        What the window calls itself.
    """

    theme_chosen = QtCore.Signal(str)

    def __init__(self, source: Source, title: str, theme: Theme, hint: str = HINT) -> None:
        super().__init__()
        self.view = RunView()
        self._source, self._hint = source, hint
        self._pacer = Pacer()
        self._slow_ns = self._draw_again_ns = 0
        self._may_close = False
        self.title = title
        self.setWindowTitle(f"{title} · lightloop")
        self.setMinimumSize(*LEAST_SIZE)
        self.resize(*SIZE)
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.desk = self._seat(theme)
        self.feed = ImageFeed(self.view, source, self.desk.images, self.desk.controls)
        self._listen_to_escape()
        self._bind_keys()
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(self._pacer.interval_ms)

    # ------------------------------------------------------------------------------------- build

    def _seat(self, theme: Theme) -> Desk:
        """Lay out the window in a theme, and listen to it."""
        desk = Desk(theme, self.title, self.view)
        self._column.addWidget(desk)
        bar, leave = desk.bar, desk.leave_bar
        bar.stop_light.clicked.connect(self.stop_light)
        bar.hold_clicked.connect(self.toggle_hold)
        bar.pause_clicked.connect(self.toggle_pause)
        bar.stop_clicked.connect(self.end_run)
        desk.controls.mode_chosen.connect(self.set_mode)
        desk.controls.contrast_once.connect(self.fit_contrast)
        leave.leave.connect(self.leave)
        leave.stop_and_leave.connect(self._stop_and_leave)
        return desk

    def _listen_to_escape(self) -> None:
        self._escape = StopOnEscape()
        self._escape.fired.connect(self.stop_light)
        QtWidgets.QApplication.instance().installEventFilter(self._escape)
        self._confirm = QtCore.QTimer(self)
        self._confirm.setSingleShot(True)
        self._confirm.setTimerType(Qt.TimerType.PreciseTimer)  # a coarse one may be early
        self._confirm.timeout.connect(self._refresh_bar)

    def _bind_keys(self) -> None:
        for i, mode in enumerate(Mode):
            keys.bind(self, str(i + 1), partial(self.set_mode, mode))
        for key, action in {
            "Ctrl+H": self.toggle_hold,
            "Ctrl+P": self.toggle_pause,
            "Ctrl+R": self.end_run,
            "L": self.look_at_next,
            "A": self.fit_contrast,
            "Shift+A": lambda: self.desk.controls.auto.toggle(),
            "S": lambda: self.desk.controls.clipped.toggle(),
            "T": lambda: self.desk.controls.tracks.toggle(),
            "I": lambda: self.desk.controls.ids.toggle(),
            "F": lambda: self.desk.images.linked.fit(),
            "F1": lambda: self.desk.key_sheet.toggle(),
            "F2": lambda: self.desk.toggle_panel(),
            "F3": self.toggle_theme,
        }.items():
            keys.bind(self, key, action)

    # ---------------------------------------------------------------------------------- each tick

    def tick(self) -> None:
        """Ask for news and draw the newest of it."""
        began_ns = time.perf_counter_ns()
        for message in self._source.poll():
            self.view.take(message, began_ns)
        self._refresh_bar()
        if began_ns >= self._draw_again_ns:
            self._draw(began_ns)
        if self._pacer.note((time.perf_counter_ns() - began_ns) * 1e-6):
            self._timer.start(self._pacer.interval_ms)

    def _draw(self, now_ns: int) -> None:
        """Draw; an error here is said and logged, and does not take STOP LIGHT along."""
        try:
            if self.feed.draw():
                self._pacer.count_frame(now_ns)
            if now_ns - self._slow_ns >= SLOW_NS:
                self._slow_ns = now_ns
                self.desk.refresh(self.view, self.feed.field, self._pacer, self._hint)
                self.feed.offer_choices()
        except Exception:
            logger.exception("the window could not draw; the run goes on")
            self._draw_again_ns = now_ns + DRAW_AGAIN_NS
            self.desk.trouble.set(TROUBLE)
        else:
            self.desk.trouble.set("")

    def refresh(self) -> None:
        """Show the newest of everything now, also what changes only five times a second."""
        self._slow_ns = 0
        self.tick()

    def _refresh_bar(self) -> None:
        now_ns = time.perf_counter_ns()
        self.view.light.stop.tick(now_ns)
        self.desk.bar.refresh(self.view, now_ns)
        self.desk.alarm.set(self.view.alarm)

    # ------------------------------------------------------------------------- what a person does

    def stop_light(self) -> None:
        """Ask for darkness, and say so until it is read back."""
        self._source.command("stop_light")
        if self.view.is_replay:
            return  # there is no light to confirm
        self.view.light.stop.press(time.perf_counter_ns())
        self._refresh_bar()
        self._confirm.start(CONFIRM_MS)

    def end_run(self) -> None:
        """End the run after this shot."""
        self._source.command("stop")

    def toggle_hold(self) -> None:
        """Hold the feedback, or let it decide again."""
        if not self.view.is_replay:
            self._source.command("release" if self.view.is_held else "hold")

    def toggle_pause(self) -> None:
        """Let the run wait in the dark before its next shot, or go on."""
        if not self.view.is_replay:
            self._source.command("resume" if self.view.paused else "pause")

    def set_mode(self, mode: Mode) -> None:
        """Choose what is side by side with what."""
        if mode in LOOK_MODES and not self.feed.looking.has_any:
            return  # this run has no such images, and no button for them
        self.feed.looking.look_again()
        self.desk.set_mode(mode)
        self.feed.draw_tracks()  # in the pane that is in sight now

    def look_at_next(self) -> None:
        """Look at the next of the images that are for looking: finer pixels, planes between."""
        self.feed.looking.next()
        self.desk.controls.offer_looking(self.feed.looking.choice)

    def fit_contrast(self) -> None:
        """Fit the contrast once, and keep it."""
        auto = self.desk.controls.auto
        auto.setChecked(True)
        self.feed.look_at_levels()
        auto.setChecked(False)
        self.desk.images.redraw()

    def toggle_theme(self) -> None:
        """Change between dark and red: a window in red light spares eyes that see in the dark."""
        theme = DARK if self.desk.theme is RED else RED
        old, self.desk = self.desk, self._seat(theme)
        self.feed.move_to(self.desk.images, self.desk.controls)
        self.desk.take_over(old)
        old.deleteLater()
        app = QtWidgets.QApplication.instance()
        app.sendPostedEvents(old, QtCore.QEvent.Type.DeferredDelete)  # not dressed once more
        style.apply(app, theme)
        self.feed.draw_tracks()
        self.feed.look_at_levels()
        self.refresh()
        self.theme_chosen.emit(theme.name)

    # -------------------------------------------------------------------------------- the way out

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        """Leave. While a run goes on, say first that it goes on; the second request is obeyed."""
        leave_bar = self.desk.leave_bar
        if self.view.is_on and not self._may_close and not leave_bar.isVisible():
            leave_bar.show()
            event.ignore()
            return
        self._timer.stop()
        app = QtWidgets.QApplication.instance()
        if app is not None:
            app.removeEventFilter(self._escape)
        self._source.close()
        event.accept()

    def leave(self) -> None:
        """Close, whatever is going on; the run goes on."""
        self._may_close = True
        self.close()

    def _stop_and_leave(self) -> None:
        self.end_run()
        self.leave()
