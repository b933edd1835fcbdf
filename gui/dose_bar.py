"""The dose of one light against its budget."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, QtGui, QtWidgets
from gui.style import font

if TYPE_CHECKING:
    from gui.theme import Theme

WARN_SHARE, BAD_SHARE = 0.75, 0.92  # of a budget (proposed)


class DoseBar(QtWidgets.QWidget):
    """One light's dose against its budget: what is given, what that means, when it is used up."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.share = math.nan
        self.left_text = self.right_text = ""
        self.setFixedHeight(38)

    def set(self, left: str, right: str, share: float) -> None:
        """Show a share of the budget (NaN without one) between two texts."""
        if (left, right, share) != (self.left_text, self.right_text, self.share):
            self.left_text, self.right_text, self.share = left, right, share
            self.update()

    @property
    def ground(self) -> str:
        """Colour of the bar."""
        theme = self._theme
        if self.share >= BAD_SHARE:
            return theme.bad_text
        return theme.warn_text if self.share >= WARN_SHARE else theme.good_text

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw two texts over a bar."""
        painter, theme = QtGui.QPainter(self), self._theme
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        text = QtCore.QRectF(10, 4, self.width() - 20, 16)
        painter.setFont(font(12))
        painter.setPen(QtGui.QColor(theme.muted))
        painter.drawText(text, Qt.AlignmentFlag.AlignRight, self.right_text)
        taken = painter.fontMetrics().horizontalAdvance(self.right_text) + 10
        painter.setFont(font(13, bold=True))
        painter.setPen(QtGui.QColor(theme.text))
        room = int(text.width() - taken)
        left = painter.fontMetrics().elidedText(self.left_text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft, left)
        bar = QtCore.QRectF(10, 25, self.width() - 20, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(theme.raised))
        painter.drawRoundedRect(bar, 3.5, 3.5)
        if self.share > 0:
            bar.setWidth(max(bar.width() * min(self.share, 1.0), 7.0))
            painter.setBrush(QtGui.QColor(self.ground))
            painter.drawRoundedRect(bar, 3.5, 3.5)
