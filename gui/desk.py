"""All that lies on the window, in one theme: it shows, and passes on what a person does."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, QtGui, QtWidgets
from gui.controls import Controls
from gui.image_view import ImageView
from gui.keys import KeySheet
from gui.meters import Meters
from gui.plots import Plots
from gui.status_bar import StatusBar
from gui.strips import Footer, LeaveBar, Strip
from gui.timeline import Timeline
from gui.why_log import WhyLog

if TYPE_CHECKING:
    from gui.levels import Levels
    from gui.looking import Mode
    from gui.model import RunView
    from gui.pacer import Pacer
    from gui.theme import Theme

GUESS = "camera calibration estimated: photons, SNR and trust rest on a guess"
PANEL_SHARE, PANEL_DOTS = 0.3, 350  # of the width, for the panel on the right; and at least
SMALL_DOTS = (1000, 600)  # a window that is narrower or lower shows no panel until F2
UNDER_IMAGES = 120  # dots of header, controls and timeline
LOG_DOTS = 96  # the log is never less high than this


class Desk(QtWidgets.QWidget):
    """Bar, strips, images, controls, log, panel and footer.

    Parameters
    ----------
    title
        What the window calls itself.
    view
        The run, as it is heard of.
    """

    def __init__(self, theme: Theme, title: str, view: RunView) -> None:
        super().__init__()
        self.theme, self._title = theme, title
        self._is_small = False
        self.bar = StatusBar(theme, title)
        self.alarm = Strip(theme, ground=theme.alarm, ink=theme.on_alarm, icon="fault")
        self.banner = Strip(theme, ground=theme.warn, ink=theme.on_warn)
        self.guess = Strip(theme, ground=theme.panel, ink=theme.warn_text)
        self.trouble = Strip(theme, ground=theme.bad, ink=theme.on_colour, icon="fault")
        self.leave_bar = LeaveBar(theme)
        self.images = ImageView(theme)
        self.controls = Controls(theme)
        self.histogram = self.controls.histogram
        self.timeline = Timeline(theme)
        self.log = WhyLog(theme, view)
        self.meters, self.plots = Meters(theme), Plots(theme)
        self.footer = Footer(theme)
        self._lay_out()
        self.key_sheet = KeySheet(theme, self)
        self.controls.overlay_changed.connect(self._overlays)
        self.histogram.changed.connect(self._levels_by_hand)
        self.images.hovered.connect(self._hover)
        self.timeline.picked.connect(self.log.show_time)
        self.leave_bar.stay.connect(self.leave_bar.hide)

    def refresh(self, view: RunView, field: int, pacer: Pacer, hint: str) -> None:
        """Show the newest numbers and words; five times a second is as fast as anybody reads."""
        self.meters.refresh(view, pacer.fps, pacer.cost_ms)
        self.plots.refresh(view.fields.get(field))
        self.log.refresh()
        self.timeline.refresh(view)
        self.footer.refresh(view, hint)
        self.banner.set(view.provenance or view.pause_text)
        self.guess.set(GUESS if view.has_guessed_calibration else "")
        origin = view.start.origin if view.start is not None else "not connected"
        unit = " · relative dose" if view.is_relative else ""
        self.bar.origin.set_full(f"{self._title} · {origin}{unit}")

    def set_mode(self, mode: Mode) -> None:
        """Show what is to be side by side with what."""
        self.controls.modes[mode].setChecked(True)
        self.images.set_mode(mode)

    def toggle_panel(self) -> None:
        """Show the panel on the right, or make room."""
        self.panel.setVisible(self.panel.isHidden())

    def take_over(self, other: Desk) -> None:
        """Show what another one shows: the same choices, contrast and pictures."""
        mine, its = self.controls, other.controls
        for button, like in zip(mine.toggles, its.toggles, strict=True):
            button.setChecked(like.isChecked())
        for box, like in zip(mine.boxes, its.boxes, strict=True):
            mine.set_choices(box, [like.itemText(i) for i in range(1, like.count())])
            box.setCurrentIndex(like.currentIndex())
        self.log.every.setChecked(other.log.every.isChecked())
        self.plots.newest.setChecked(other.plots.newest.isChecked())
        self.images.take_over(other.images)
        self.set_mode(other.images.mode)
        self.panel.setVisible(not other.panel.isHidden())
        self.leave_bar.setVisible(not other.leave_bar.isHidden())

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Share the room: two square pictures, and what is left over to the log."""
        super().showEvent(event)
        middle, left = self._splitters
        panel = max(PANEL_DOTS, int(PANEL_SHARE * self.width())) * (not self.panel.isHidden())
        middle.setSizes([self.width() - panel, panel])
        square = (self.width() - panel) // 2 + UNDER_IMAGES
        left.setSizes([square, max(left.height() - square, LOG_DOTS)])

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Put the panel away where the images would have no room, as on a small screen."""
        super().resizeEvent(event)
        is_small = self.width() < SMALL_DOTS[0] or self.height() < SMALL_DOTS[1]
        if is_small is not self._is_small:
            self._is_small = is_small
            self.panel.setVisible(not is_small)

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 4)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addWidget(self.alarm)
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
        left = _split(
            Qt.Orientation.Vertical, _column(self.images, self.controls, self.timeline), self.log
        )
        self.panel = _column(self.meters, self.plots)
        self.panel.setMinimumWidth(PANEL_DOTS)
        middle = _split(Qt.Orientation.Horizontal, left, self.panel)
        self._splitters = (middle, left)
        return middle

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


def _column(*widgets: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """Stack widgets; the images or the plots take what is left."""
    holder = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    for widget in widgets:
        column.addWidget(widget, 1 if isinstance(widget, ImageView | Plots) else 0)
    return holder


def _split(way: QtCore.Qt.Orientation, *widgets: QtWidgets.QWidget) -> QtWidgets.QSplitter:
    """Lay widgets out with handles between; the first takes what is left."""
    splitter = QtWidgets.QSplitter(way)
    for widget in widgets:
        splitter.addWidget(widget)
    splitter.setStretchFactor(0, 1)
    splitter.setStretchFactor(1, 0)
    splitter.setHandleWidth(6)
    splitter.setChildrenCollapsible(False)
    return splitter
