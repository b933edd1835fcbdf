"""STOP LIGHT: Esc anywhere in the application, or the red button. It says when it is obeyed.

A software stop, not a laser-safety interlock; and Esc reaches us only while one of our windows has
the desktop's focus.
"""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui import icons
from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.state import STOP_HINTS, StopState
from gui.style import font

if TYPE_CHECKING:
    from gui.theme import Theme


TIP = (
    "Turns every light source off and reads back whether it is (Esc). "
    "A software stop: it does not replace the laser's interlock."
)
NO_LIGHT = "a replay gives no light"
NOT_HERE = "click; Esc needs this window"
WIDTH, HEIGHT, TEXT_LEFT = 208, 44, 42


class StopOnEscape(QtCore.QObject):
    """An event filter for the application.

    A shortcut would be silent in a cell editor, an open menu or a dialog; a filter on the
    application is not. It looks at windows only, so that one press is one signal.
    """

    fired = Signal()

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Notice Esc, and let it pass: a dialog still gets its own."""
        if (
            event.type() == QtCore.QEvent.Type.KeyPress
            and isinstance(watched, QtGui.QWindow)
            and event.key() == Qt.Key.Key_Escape
            and not event.isAutoRepeat()
        ):
            self.fired.emit()
        return False


class StopLightButton(QtWidgets.QAbstractButton):
    """Red until the light is known to be off, and never pale."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._state = StopState.READY
        self._has_light = True
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(WIDTH, HEIGHT)
        self.setToolTip(TIP)
        self.setAccessibleName("STOP LIGHT (Esc)")

    @property
    def state(self) -> StopState:
        """What the button says."""
        return self._state

    @property
    def hint(self) -> str:
        """What stands under the word; where Esc would not reach us, it says so."""
        if not self._has_light:
            return NO_LIGHT
        is_deaf = self._state is StopState.READY and not self.isActiveWindow()
        return NOT_HERE if is_deaf else STOP_HINTS[self._state]

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Notice that the window has, or has no longer, the keyboard."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.ActivationChange:
            self.update()

    def set_state(self, state: StopState) -> None:
        """Say how far the stop has come."""
        if state is not self._state:
            self._state = state
            self.update()

    def set_has_light(self, has_light: bool) -> None:
        """Grey the button where there is no light to stop; it can still be pressed."""
        if has_light is not self._has_light:
            self._has_light = has_light
            self.setToolTip(TIP if has_light else NO_LIGHT)
            self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw ground, icon, word and hint."""
        painter, theme = QtGui.QPainter(self), self._theme
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        ground, ink, icon = {
            StopState.READY: (theme.bad, theme.on_colour, "stop"),
            StopState.STOPPING: (theme.warn, theme.on_warn, "stop"),
            StopState.DARK: (theme.good, theme.on_colour, "light_off"),
            StopState.NOT_CONFIRMED: (theme.alarm, theme.on_alarm, "fault"),
        }[self._state]
        if not self._has_light:
            ground, ink, icon = theme.raised, theme.muted, "stop"
        box = QtCore.QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(ground))
        painter.drawRoundedRect(box, 6, 6)
        if self._has_light:
            self._paint_ring(painter, box)
        colour = QtGui.QColor(ink)
        word = self._state if self._has_light else StopState.READY
        icons.draw(painter, icon, QtCore.QRectF(12, 11, 22, 22), colour)
        painter.setPen(colour)
        room = box.width() - TEXT_LEFT - 4
        for text, face, top, height in (
            (word, font(16, bold=True), 4, 21),
            (self.hint, font(11), 24, 16),
        ):
            painter.setFont(face)
            line = QtCore.QRectF(TEXT_LEFT, top, room, height)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_ring(self, painter: QtGui.QPainter, box: QtCore.QRectF) -> None:
        """Set the button off from every badge beside it, also where all that glows is red."""
        theme = self._theme
        is_urgent = self.underMouse() or self._state is StopState.NOT_CONFIRMED
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(QtGui.QColor(theme.text if is_urgent else theme.bad_text), 2))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 5, 5)
