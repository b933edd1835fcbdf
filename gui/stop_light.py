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
        self.setFixedSize(196, 44)
        self.setToolTip(TIP)
        self.setAccessibleName("STOP LIGHT")

    @property
    def state(self) -> StopState:
        """What the button says."""
        return self._state

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
            StopState.NOT_CONFIRMED: (theme.bad, theme.on_colour, "fault"),
        }[self._state]
        hint = STOP_HINTS[self._state]
        if not self._has_light:
            ground, ink, icon, hint = theme.raised, theme.muted, "stop", NO_LIGHT
        box = QtCore.QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(ground))
        painter.drawRoundedRect(box, 6, 6)
        if self._has_light and (self.underMouse() or self._state is StopState.NOT_CONFIRMED):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QtGui.QPen(QtGui.QColor(theme.text), 2))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 5, 5)
        colour = QtGui.QColor(ink)
        word = self._state if self._has_light else StopState.READY
        icons.draw(painter, icon, QtCore.QRectF(12, 11, 22, 22), colour)
        painter.setPen(colour)
        painter.setFont(font(14, bold=True))
        painter.drawText(QtCore.QRectF(44, 5, 150, 19), Qt.AlignmentFlag.AlignVCenter, word)
        painter.setFont(font(10))
        painter.drawText(QtCore.QRectF(44, 24, 150, 14), Qt.AlignmentFlag.AlignVCenter, hint)
