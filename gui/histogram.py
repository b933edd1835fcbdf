"""The histogram of both pictures in one unit, with handles for black and white."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gui import levels as grey
from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.levels import Levels
from gui.style import font, pen
from gui.why import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gui.theme import Theme

GRIP = 9  # dots around a handle that take hold of it
TEXT = 16  # dots of height for the numbers
HEIGHT = 58


class Histogram(QtWidgets.QWidget):
    """Counts are on a log scale: a few bright cells matter as much as the sea of background."""

    changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._bins = grey.Bins(0.0, 1.0, 1)
        self._levels = Levels(0.0, 1.0)
        self._raw = self._denoised = np.zeros(0)
        self._held = ""
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setToolTip("Photo-electrons of both pictures (log counts). Drag black and white.")

    def set_values(
        self,
        raw: NDArray[np.float32],
        denoised: NDArray[np.float32] | None,
        levels: Levels,
        quantum: float,
    ) -> None:
        """Show samples of the pictures, photo-electrons, (n,) float32; a count is a `quantum`."""
        both = raw if denoised is None else np.concatenate([raw, denoised])
        if not len(both):
            return
        low = float(both.min())
        high = max(float(np.percentile(both, 99.9)), 1.6 * levels.high)
        span = max(high - low, 1.0)
        old = self._bins
        if low < old.low or high > old.high or span < 0.5 * (old.high - old.low):
            self._bins = grey.bins_for(low - 0.04 * span, high + 0.04 * span, quantum)  # sticky
        self._raw = _heights(raw, self._bins)
        self._denoised = np.zeros(0) if denoised is None else _heights(denoised, self._bins)
        self.set_levels(levels)

    def set_levels(self, levels: Levels) -> None:
        """Show what is black and what is white."""
        self._levels = levels
        self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw bins, handles and numbers."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        theme, area = self._theme, self._area()
        low, high = self._x(self._levels.low), self._x(self._levels.high)
        inside = QtCore.QRectF(low, area.top(), max(high - low, 1.0), area.height())
        painter.fillRect(inside & area, QtGui.QColor(theme.raised))
        painter.fillPath(self._outline(self._raw), QtGui.QColor(theme.faint))
        painter.setPen(pen(theme.denoised, 1.4))
        painter.drawPath(self._outline(self._denoised, is_closed=False))
        painter.setPen(pen(theme.line))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setFont(font(11))
        self._paint_handle(painter, low, self._levels.low, is_low=True)
        self._paint_handle(painter, high, self._levels.high, is_low=False)
        self._paint_legend(painter, area)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Take hold of the nearer handle."""
        x = event.position().x()
        to_low, to_high = abs(x - self._x(self._levels.low)), abs(x - self._x(self._levels.high))
        if min(to_low, to_high) <= GRIP:
            self._held = "low" if to_low < to_high else "high"

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Move the handle."""
        x = event.position().x()
        near = min(abs(x - self._x(level)) for level in self._levels) <= GRIP
        shape = Qt.CursorShape.SplitHCursor if near or self._held else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        if not self._held:
            return
        area, (low, high) = self._area(), (self._bins.low, self._bins.high)
        value = low + (x - area.left()) / area.width() * (high - low)
        gap = 0.01 * (high - low)
        if self._held == "low":
            self.set_levels(Levels(min(value, self._levels.high - gap), self._levels.high))
        else:
            self.set_levels(Levels(self._levels.low, max(value, self._levels.low + gap)))
        self.changed.emit(self._levels)

    def mouseReleaseEvent(self, _event: QtGui.QMouseEvent) -> None:
        """Let go."""
        self._held = ""

    def _area(self) -> QtCore.QRectF:
        return QtCore.QRectF(self.rect()).adjusted(8, 4, -8, -TEXT)

    def _x(self, value: float) -> float:
        area, (low, high) = self._area(), (self._bins.low, self._bins.high)
        share = (value - low) / (high - low)
        return float(area.left() + min(max(share, 0.0), 1.0) * area.width())

    def _outline(
        self, heights: NDArray[np.float64], *, is_closed: bool = True
    ) -> QtGui.QPainterPath:
        path, area = QtGui.QPainterPath(), self._area()
        if not len(heights):
            return path
        xs = area.left() + (np.arange(len(heights)) + 0.5) / len(heights) * area.width()
        ys = area.bottom() - heights * area.height()
        points = QtGui.QPolygonF([QtCore.QPointF(x, y) for x, y in zip(xs, ys, strict=True)])
        if is_closed:
            points.prepend(QtCore.QPointF(area.left(), area.bottom()))
            points.append(QtCore.QPointF(area.right(), area.bottom()))
        path.addPolygon(points)
        return path

    def _paint_handle(
        self, painter: QtGui.QPainter, x: float, value: float, *, is_low: bool
    ) -> None:
        area = self._area()
        painter.setPen(pen(self._theme.text, 1.6))
        painter.drawLine(QtCore.QPointF(x, area.top()), QtCore.QPointF(x, area.bottom()))
        painter.setBrush(QtGui.QColor(self._theme.text))
        painter.drawEllipse(QtCore.QPointF(x, area.bottom()), 3.2, 3.2)
        text = f"black {number(value)}" if is_low else f"white {number(value)} photons"
        width = painter.fontMetrics().horizontalAdvance(text)
        left = min(max(x - width / 2, 4.0), self.width() - width - 4.0)
        if not is_low:  # the two numbers never overlap
            low_end = self._x(self._levels.low) + painter.fontMetrics().horizontalAdvance(text) / 2
            left = min(max(left, low_end + 12), self.width() - width - 4.0)
        painter.setPen(QtGui.QColor(self._theme.muted))
        painter.drawText(QtCore.QPointF(left, self.height() - 4), text)

    def _paint_legend(self, painter: QtGui.QPainter, area: QtCore.QRectF) -> None:
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        painter.setPen(QtGui.QColor(self._theme.muted))
        painter.drawText(area.adjusted(0, 0, -4, 0), right, "raw")
        if len(self._denoised):
            painter.setPen(QtGui.QColor(self._theme.denoised))
            painter.drawText(area.adjusted(0, 13, -4, 0), right, "denoised")


def _heights(values: NDArray[np.float32], bins: grey.Bins) -> NDArray[np.float64]:
    counts = np.log1p(grey.histogram(values, bins))
    return np.asarray(counts / max(float(counts.max()), 1.0))
