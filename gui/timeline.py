"""Where we are: decisions along the run, the frame's number and time, and whether it is live."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.state import RunState
from gui.style import font
from gui.why import Kind, clock

if TYPE_CHECKING:
    from gui.model import RunView
    from gui.theme import Theme
    from gui.why import Row

HEIGHT = 26
LIVE_DOTS, TEXT_DOTS = 92, 196


class Timeline(QtWidgets.QWidget):
    """A click on a mark finds its row in the log. Nothing here can stop a recording."""

    picked = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._first_s = self._last_s = math.nan
        self._marks: list[Row] = []
        self._text, self._word, self._ink = "", "OFFLINE", theme.muted
        self._n_rows = -1
        self.setFixedHeight(HEIGHT)
        self.setToolTip("Marks are decisions, the guard, you, and losses. Click to see why.")

    def refresh(self, view: RunView) -> None:
        """Show the newest time."""
        self._first_s, self._last_s = view.first_s, view.t_s
        if view.n_rows != self._n_rows:
            self._n_rows = view.n_rows
            known = (row for row in view.rows if row.is_change and row.t_s == row.t_s)
            self._marks = list(known)[-400:]
        if view.frame is not None:
            seq = f"{view.frame.info.seq:,}".replace(",", "\u2009")
            self._text = f"frame {seq}   {clock(view.frame.info.t_s)}"
        self._word, self._ink = self._marker(view)
        self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw the marker, the line with its marks, and the time."""
        painter, theme = QtGui.QPainter(self), self._theme
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        middle, line = self.height() / 2, self._line()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(self._ink))
        painter.drawEllipse(QtCore.QPointF(10, middle), 4, 4)
        painter.setPen(QtGui.QColor(theme.text))
        painter.setFont(font(12, bold=True))
        box = QtCore.QRectF(20, 0, LIVE_DOTS - 20, self.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self._word)
        painter.setFont(font(12))
        painter.setPen(QtGui.QColor(theme.muted))
        box = QtCore.QRectF(line.right() + 10, 0, TEXT_DOTS - 14, self.height())
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box, side, self._text)
        painter.fillRect(line, QtGui.QColor(theme.raised))
        for row in self._marks:
            height = 12 if row.kind is not Kind.DECISION or row.level != "info" else 7
            mark = QtCore.QRectF(self._x(row.t_s) - 1, middle - height / 2, 2, height)
            painter.fillRect(mark, QtGui.QColor(self._mark_colour(row)))
        if math.isfinite(self._last_s):
            head = QtCore.QRectF(self._x(self._last_s) - 2, middle - 8, 4, 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QtGui.QColor(theme.text))
            painter.drawRoundedRect(head, 2, 2)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Find the mark next to the click."""
        x = event.position().x()
        if self._marks:
            nearest = min(self._marks, key=lambda row: abs(self._x(row.t_s) - x))
            self.picked.emit(nearest.t_s)

    def _marker(self, view: RunView) -> tuple[str, str]:
        state, theme = view.state, self._theme
        if state in (RunState.RUNNING, RunState.HELD):
            return ("REPLAY", theme.warn_text) if view.is_replay else ("LIVE", theme.good_text)
        return state, theme.bad_text if state is RunState.FAULT else theme.muted

    def _mark_colour(self, row: Row) -> str:
        theme = self._theme
        if row.level != "info":
            return theme.warn_text if row.level == "warn" else theme.bad_text
        return theme.accent_text if row.kind is Kind.DECISION else theme.text

    def _line(self) -> QtCore.QRectF:
        width = max(self.width() - LIVE_DOTS - TEXT_DOTS, 40)
        return QtCore.QRectF(LIVE_DOTS, self.height() / 2 - 1.5, width, 3)

    def _x(self, t_s: float) -> float:
        line, span = self._line(), max(self._last_s - self._first_s, 1e-9)
        return float(line.left() + line.width() * min(max((t_s - self._first_s) / span, 0.0), 1.0))
