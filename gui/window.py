"""The main window: it asks its source for news, thirty times a second, and draws the newest."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from gui import keys
from gui._qt import Qt, QtCore, QtGui, QtWidgets
from gui.controls import Controls
from gui.feed import ImageFeed
from gui.image_view import ImageView
from gui.looking import LOOK_MODES, Mode
from gui.meters import Meters
from gui.model import RunView
from gui.pacer import Pacer
from gui.plots import Plots
from gui.status_bar import StatusBar
from gui.stop_light import StopOnEscape
from gui.strips import Footer, LeaveBar, Strip
from gui.timeline import Timeline
from gui.why_log import WhyLog

if TYPE_CHECKING:
    from gui.levels import Levels
    from gui.source import Source
    from gui.theme import Theme

logger = logging.getLogger(__name__)

SLOW_NS = 200_000_000  # numbers and plots change five times a second: a person reads no faster
DRAW_AGAIN_NS = 1_000_000_000  # after an error, so that the log is not flooded
TROUBLE = "The window could not draw (see the log). The run goes on, STOP LIGHT works."
GUESS = "camera calibration estimated: photons, SNR and trust rest on a guess"
PANEL_SHARE = 0.3  # of the width, for the panel on the right
UNDER_IMAGES = 120  # dots of header, controls and timeline
LOG_DOTS = 96  # the log is never less high than this
HINT = "F1 shows the keys"


class MainWindow(QtWidgets.QWidget):
    """A window on a run. It can be closed or killed at any time: nobody else notices.

    Parameters
    ----------
    source
        Where messages and images come from; closed with the window.
    title
        What the window calls itself.
    """

    def __init__(self, source: Source, title: str, theme: Theme, hint: str = HINT) -> None:
        super().__init__()
        self.view = RunView()
        self._source, self._theme, self._hint = source, theme, hint
        self._pacer = Pacer()
        self._slow_ns = self._draw_again_ns = 0
        self._may_close = False
        self.title = title
        self.setWindowTitle(f"{title} · lightloop")
        self.setMinimumSize(1080, 660)
        self.resize(1440, 860)
        self._build()
        self.feed = ImageFeed(self.view, source, self.images, self.controls)
        self._connect()
        self._bind_keys()
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(self._pacer.interval_ms)

    # ------------------------------------------------------------------------------------- build

    def _build(self) -> None:
        theme = self._theme
        self.bar = StatusBar(theme, self.title)
        self.banner = Strip(theme, ground=theme.warn, ink=theme.on_warn)
        self.guess = Strip(theme, ground=theme.panel, ink=theme.warn_text)
        self.trouble = Strip(theme, ground=theme.bad, ink=theme.on_colour, icon="fault")
        self.leave_bar = LeaveBar(theme)
        self.images = ImageView(theme)
        self.controls = Controls(theme)
        self.histogram = self.controls.histogram
        self.timeline = Timeline(theme)
        self.log = WhyLog(theme, self.view)
        self.meters, self.plots = Meters(theme), Plots(theme)
        self.footer = Footer(theme)
        self.key_sheet = keys.KeySheet(theme, self)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 4)
        column.setSpacing(6)
        column.addWidget(self.bar)
        strips = QtWidgets.QHBoxLayout()
        strips.setSpacing(6)
        strips.addWidget(self.banner, 1)
        strips.addWidget(self.guess, 1)
        column.addLayout(strips)
        column.addWidget(self.trouble)
        column.addWidget(self.leave_bar)
        column.addWidget(self._middle(), 1)
        column.addWidget(self.footer)

    def _middle(self) -> QtWidgets.QSplitter:
        upper = _column(self.images, self.controls, self.timeline)
        left = QtWidgets.QSplitter(Qt.Orientation.Vertical)
        left.addWidget(upper)
        left.addWidget(self.log)
        left.setStretchFactor(0, 1)
        left.setStretchFactor(1, 0)
        self.panel = _column(self.meters, self.plots)
        middle = QtWidgets.QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(left)
        middle.addWidget(self.panel)
        middle.setStretchFactor(0, 1)
        middle.setStretchFactor(1, 0)
        for splitter in (left, middle):
            splitter.setHandleWidth(6)
            splitter.setChildrenCollapsible(False)
        self.panel.setMinimumWidth(350)
        self._splitters = (middle, left)
        return middle

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Share the room: two square pictures, and what is left over to the log."""
        super().showEvent(event)
        middle, left = self._splitters
        panel = max(350, int(PANEL_SHARE * self.width()))
        middle.setSizes([self.width() - panel, panel])
        square = (self.width() - panel) // 2 + UNDER_IMAGES
        left.setSizes([square, max(left.height() - square, LOG_DOTS)])

    def _connect(self) -> None:
        self._escape = StopOnEscape()
        self._escape.fired.connect(self.stop_light)
        QtWidgets.QApplication.instance().installEventFilter(self._escape)
        self._confirm = QtCore.QTimer(self)
        self._confirm.setSingleShot(True)
        self._confirm.setTimerType(Qt.TimerType.PreciseTimer)  # a coarse one may be early
        self._confirm.timeout.connect(self._refresh_bar)
        self.bar.stop_light.clicked.connect(self.stop_light)
        self.bar.hold_clicked.connect(self.toggle_hold)
        self.bar.pause_clicked.connect(self.toggle_pause)
        self.bar.stop_clicked.connect(lambda: self._source.command("stop"))
        self.controls.mode_chosen.connect(self.set_mode)
        self.controls.overlay_changed.connect(self._overlays)
        self.controls.contrast_once.connect(self.fit_contrast)
        self.histogram.changed.connect(self._levels_by_hand)
        self.images.hovered.connect(self._hover)
        self.timeline.picked.connect(self.log.show_time)
        self.leave_bar.stay.connect(self.leave_bar.hide)
        self.leave_bar.leave.connect(self.leave)
        self.leave_bar.stop_and_leave.connect(self._stop_and_leave)

    def _bind_keys(self) -> None:
        controls = self.controls
        keys.bind(self, "Ctrl+H", self.toggle_hold)
        keys.bind(self, "Ctrl+P", self.toggle_pause)
        keys.bind(self, "Ctrl+R", lambda: self._source.command("stop"))
        for i, mode in enumerate(Mode):
            keys.bind(self, str(i + 1), partial(self.set_mode, mode))
        keys.bind(self, "L", self.look_at_next)
        keys.bind(self, "A", self.fit_contrast)
        keys.bind(self, "Shift+A", controls.auto.toggle)
        keys.bind(self, "S", controls.clipped.toggle)
        keys.bind(self, "T", controls.tracks.toggle)
        keys.bind(self, "I", controls.ids.toggle)
        keys.bind(self, "F", self.images.linked.fit)
        keys.bind(self, "F1", self.key_sheet.toggle)
        keys.bind(self, "F2", lambda: self.panel.setVisible(self.panel.isHidden()))

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
                self._refresh_slowly()
        except Exception:
            logger.exception("the window could not draw; the run goes on")
            self._draw_again_ns = now_ns + DRAW_AGAIN_NS
            self.trouble.set(TROUBLE)
        else:
            self.trouble.set("")

    def refresh(self) -> None:
        """Show the newest of everything now, also what changes only five times a second."""
        self._slow_ns = 0
        self.tick()

    def _refresh_bar(self) -> None:
        now_ns = time.perf_counter_ns()
        self.view.light.stop.tick(now_ns)
        self.bar.refresh(self.view, now_ns)

    def _refresh_slowly(self) -> None:
        view = self.view
        self.meters.refresh(view, self._pacer.fps, self._pacer.cost_ms)
        self.plots.refresh(view.fields.get(self.feed.field))
        self.log.refresh()
        self.timeline.refresh(view)
        self.footer.refresh(view, self._hint)
        self.banner.set(view.provenance or view.pause_text)
        self.guess.set(GUESS if view.has_guessed_calibration else "")
        origin = view.start.origin if view.start is not None else "not connected"
        unit = ", dose in relative units" if view.is_relative else ""
        self.bar.origin.setText(f"{self.title} · {origin}{unit}")
        self.feed.offer_choices()

    # ------------------------------------------------------------------------- what a person does

    def stop_light(self) -> None:
        """Ask for darkness, and say so until it is read back."""
        self._source.command("stop_light")
        if self.view.is_replay:
            return  # there is no light to confirm
        self.view.light.stop.press(time.perf_counter_ns())
        self._refresh_bar()
        self._confirm.start(260)

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
        self.controls.modes[mode].setChecked(True)
        self.feed.looking.look_again()
        self.images.set_mode(mode)
        self.feed.draw_tracks()  # in the pane that is in sight now

    def look_at_next(self) -> None:
        """Look at the next of the images that are for looking: finer pixels, planes between."""
        self.feed.looking.next()
        self.controls.offer_looking(self.feed.looking.choice)

    def fit_contrast(self) -> None:
        """Fit the contrast once, and keep it."""
        self.controls.auto.setChecked(True)
        self.feed.look_at_levels()
        self.controls.auto.setChecked(False)
        self.images.redraw()

    def _levels_by_hand(self, levels: Levels) -> None:
        self.controls.auto.setChecked(False)
        self.images.levels = levels
        self.images.redraw()

    def _overlays(self) -> None:
        images, controls = self.images, self.controls
        images.shows_tracks = controls.tracks.isChecked()
        images.shows_clipped = controls.clipped.isChecked()
        for pane in images.panes:
            pane.tracks.shows_ids = controls.ids.isChecked()
            pane.tracks.update()
        images.redraw()

    def _hover(self, x: float, y: float) -> None:
        self.footer.cursor.setText(self.images.value_at(x, y))

    # -------------------------------------------------------------------------------- the way out

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        """Leave. While a run goes on, say first that it goes on; the second request is obeyed."""
        if self.view.is_on and not self._may_close and not self.leave_bar.isVisible():
            self.leave_bar.show()
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
        self._source.command("stop")
        self.leave()


def _column(*widgets: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """Stack widgets; the first image or the plots take what is left."""
    holder = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    for widget in widgets:
        column.addWidget(widget, 1 if isinstance(widget, ImageView | Plots) else 0)
    return holder
