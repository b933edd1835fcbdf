"""The bar on top: whose run it is, how it stands, what the light does, and how to stop it."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui import icons
from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.state import LOOKS, Look, RunState
from gui.stop_light import NO_LIGHT, StopLightButton
from gui.style import Elided, font
from gui.why import number

if TYPE_CHECKING:
    from gui.model import RunView
    from gui.theme import Theme

SILENT_S = 5.0  # then the bar says that nothing is heard (proposed)
SILENT_FRAMES = 3  # but never before so many frames of a slow run are late (proposed)
DETAIL_NS = 200_000_000  # a word changes at once, a number under it no faster than it is read
NAME_DOTS = 420  # a longer title ends in dots
NAMED_DOTS = 980  # a narrower bar has no room for names
TEXT_LEFT = 38
BUTTON_PADDING = 18
HOLD, RELEASE, PAUSE, RESUME = "Hold feedback", "Release feedback", "Pause run", "Resume run"
END, END_REPLAY = "End run", "End replay"


class Badge(QtWidgets.QWidget):
    """A colour, an icon and a word; under it, what it rests on. Never colour alone."""

    def __init__(self, theme: Theme, least: int, width: int) -> None:
        super().__init__()
        self._theme = theme
        self._inks = {"warn": theme.on_warn, "alarm": theme.on_alarm, "raised": theme.text}
        self.look, self.word, self.detail = Look("raised", "idle"), "", ""
        self.setFixedHeight(44)
        self.setMinimumWidth(least)
        self.setMaximumWidth(width)
        expanding = QtWidgets.QSizePolicy.Policy.Expanding
        self.setSizePolicy(expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    def set(self, look: Look, word: str, detail: str) -> None:
        """Show a state."""
        if (look, word, detail) != (self.look, self.word, self.detail):
            self.look, self.word, self.detail = look, word, detail
            self.setToolTip(f"{word}: {detail}" if detail else word)
            self.update()

    def sizeHint(self) -> QtCore.QSize:
        """Ask for all the width there may be."""
        return QtCore.QSize(self.maximumWidth(), 44)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw ground, icon, word and detail."""
        painter, theme = QtGui.QPainter(self), self._theme
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        ground = getattr(theme, self.look.ground)
        ink = self._inks.get(self.look.ground, theme.on_colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(ground))
        painter.drawRoundedRect(QtCore.QRectF(self.rect()), 6, 6)
        colour = QtGui.QColor(ink)
        icons.draw(painter, self.look.icon, QtCore.QRectF(11, 13, 18, 18), colour)
        painter.setPen(colour)
        room = self.width() - TEXT_LEFT - 8
        lines = [(self.word, font(15, bold=True), 4, 21), (self.detail, font(11), 25, 15)]
        if not self.detail:
            lines = [(self.word, font(15, bold=True), 5, 34)]
        for text, face, top, height in lines:
            painter.setFont(face)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
            box = QtCore.QRectF(TEXT_LEFT, top, room + 4, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, shown)


class StatusBar(QtWidgets.QWidget):
    """Name, hold, pause and stop on the left; state, light and STOP LIGHT on the right."""

    hold_clicked = Signal()
    pause_clicked = Signal()
    stop_clicked = Signal()

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._theme = theme
        self._words: tuple[object, ...] = ()
        self._detail_ns = 0
        self.state, self.light = Badge(theme, 130, 220), Badge(theme, 178, 300)
        self.stop_light = StopLightButton(theme)
        self.name, self.origin = Elided(), Elided()
        self.name.set_full("lightloop")
        self.origin.set_full(title)
        self.name.setFont(font(16, bold=True))
        self.origin.setProperty("role", "muted")
        self.hold = _button(HOLD, RELEASE)
        self.pause = _button(PAUSE, RESUME)
        self.end_run = _button(END, END_REPLAY)
        self._say_what_buttons_do(is_replay=False)
        self.hold.clicked.connect(self.hold_clicked)
        self.pause.clicked.connect(self.pause_clicked)
        self.end_run.clicked.connect(self.stop_clicked)
        self._lay_out()

    def _lay_out(self) -> None:
        names = self._names = QtWidgets.QWidget()
        names.setMaximumWidth(NAME_DOTS)
        column = QtWidgets.QVBoxLayout(names)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.name)
        column.addWidget(self.origin)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(names, 6)
        row.addWidget(self.hold)
        row.addWidget(self.pause)
        row.addWidget(self.end_run)
        row.addStretch(1)
        row.addWidget(self.state, 10)
        row.addWidget(self.light, 13)
        row.addWidget(self.stop_light)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Leave the names out where they would be dots."""
        super().resizeEvent(event)
        self._names.setVisible(self.width() >= NAMED_DOTS)

    def refresh(self, view: RunView, now_ns: int) -> None:
        """Show the newest state."""
        state, reading, stop = view.state, view.light.reading, view.light.stop.state
        words = (state, reading.word, stop, view.is_held, view.paused, view.is_replay)
        if words == self._words and now_ns - self._detail_ns < DETAIL_NS:
            return
        self._words, self._detail_ns = words, now_ns
        is_playing = view.is_replay and state in (RunState.RUNNING, RunState.HELD)
        self.state.set(LOOKS[state], "REPLAY" if is_playing else state, self._detail(view, now_ns))
        self.light.set(reading.look, reading.word, reading.detail)
        self.stop_light.set_state(stop)
        self.stop_light.set_has_light(not view.is_replay)
        self._say_what_buttons_do(is_replay=view.is_replay)
        is_held = view.is_held and not view.is_replay
        self.hold.setText(RELEASE if is_held else HOLD)
        self.pause.setText(RESUME if view.paused and not view.is_replay else PAUSE)
        can = state in (RunState.RUNNING, RunState.HELD, RunState.PAUSED, RunState.IDLE)
        can_pause = can or (bool(view.paused) and view.end is None)
        self.pause.setEnabled(can_pause and not view.is_replay)
        self.hold.setEnabled(can and not view.is_replay)
        self.end_run.setEnabled(can or state is RunState.FAULT)

    def _say_what_buttons_do(self, *, is_replay: bool) -> None:
        hold, end = "The light stays as it is; nothing is decided (Ctrl+H)", END
        wait = "The run waits in the dark before its next shot, until you let it go on (Ctrl+P)"
        tip = "Ends the run after this shot and closes its file (Ctrl+R)"
        if is_replay:
            hold = wait = NO_LIGHT
            end, tip = END_REPLAY, "Stops playing (Ctrl+R)"
        if end != self.end_run.text():
            self.end_run.setText(end)
        for button, text in ((self.hold, hold), (self.pause, wait), (self.end_run, tip)):
            if text != button.toolTip():
                button.setToolTip(text)

    def _detail(self, view: RunView, now_ns: int) -> str:
        if view.refused_by_hub:
            return view.refused_by_hub
        if view.start is None:
            return "waiting for a session"
        if view.is_replay and view.state is RunState.DONE:
            return "every frame was played"
        if view.end is not None:
            return view.end.reason or view.end.status
        silent_s = view.silent_s(now_ns)
        rate = view.rate.per_s  # NaN before the second frame
        patience_s = max(SILENT_S, SILENT_FRAMES / rate) if rate > 0 else SILENT_S
        if silent_s > patience_s and not view.paused:  # who waits is silent
            return f"nothing heard for {number(silent_s)} s"
        if view.state is RunState.FAULT:
            if view.notice is not None and view.notice.level == "fault":
                return view.notice.text
            return "the light is not confirmed off"
        if view.state is RunState.STOPPED:
            return "the light was stopped by a person"
        if view.state is RunState.PAUSED:
            return view.paused
        if view.is_held and not view.is_replay:
            return "feedback held by you"
        if view.frame is None:
            return "no frame yet"
        info = view.frame.info
        where = f", field {info.index.p + 1}" if len(view.fields) > 1 else ""
        return f"shot {info.shot.number}{where}" + (", audit" if info.shot.is_audit else "")


def _button(*texts: str) -> QtWidgets.QPushButton:
    """Return a button that is as wide as the widest thing it will say: nothing beside it jumps."""
    button = QtWidgets.QPushButton(texts[0])
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setFixedHeight(32)
    button.setStyleSheet("padding: 5px 8px;")
    widest = max(button.fontMetrics().horizontalAdvance(text) for text in texts)
    button.setFixedWidth(widest + BUTTON_PADDING)
    return button
