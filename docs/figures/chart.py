"""A chart on a sheet: two axes, and lines, bands, points and words in their coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from docs.figures.sheet import INK, MUTED, PANEL, RULE, Side
from gui._qt import Qt, QtCore, QtGui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from docs.figures.sheet import Sheet

LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 40.0, 38.0  # margins of the plot in its box, points


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its range, its marks, and what it counts.

    Attributes
    ----------
    marks
        Values that get a mark and a number, or a pair of value and words.
    """

    label: str
    low: float
    high: float
    marks: Sequence[float | tuple[float, str]] = ()
    is_log: bool = False

    def along(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values lie on the axis, 0 to 1."""
        v = np.asarray(values, float)
        if self.is_log:
            v = np.log(np.maximum(v, 1e-300) / self.low) / np.log(self.high / self.low)
        else:
            v = (v - self.low) / (self.high - self.low)
        return np.clip(v, -0.02, 1.02)

    def named_marks(self) -> list[tuple[float, str]]:
        """Return the marks with their words."""
        return [m if isinstance(m, tuple) else (m, f"{m:g}") for m in self.marks]


class Chart:
    """A framed chart, drawn at once; the rest is added to it."""

    def __init__(
        self,
        sheet: Sheet,
        at: tuple[float, float, float, float],
        title: str,
        x: Axis,
        y: Axis,
    ) -> None:
        left, top, wide, high = at
        self._sheet, self._x, self._y = sheet, x, y
        self._left, self._top = left + LEFT, top + TOP
        self._wide, self._high = wide - LEFT - RIGHT, high - TOP - BOTTOM
        sheet.box(*at)
        sheet.text(left + 12, top + 21, title, size=12, bold=True)
        for value, words in x.named_marks():
            px = self._left + self._wide * float(x.along(value))
            self._rule(px, self._top, px, self._top + self._high)
            sheet.text(px, self._top + self._high + 15, words, colour=MUTED, side="centre")
        for value, words in y.named_marks():
            py = self._top + self._high * (1.0 - float(y.along(value)))
            self._rule(self._left, py, self._left + self._wide, py)
            sheet.text(self._left - 6, py + 3.5, words, colour=MUTED, side="right")
        middle = self._left + 0.5 * self._wide
        sheet.text(middle, top + high - 8, x.label, colour=MUTED, side="centre")
        across = self._top + 0.5 * self._high
        sheet.text(left + 14, across, y.label, colour=MUTED, side="centre", turned=True)

    def line(
        self,
        x: ArrayLike,
        y: ArrayLike,
        colour: str,
        *,
        width: float = 2.0,
        dashed: bool = False,
    ) -> None:
        """Draw a line through points."""
        pen = QtGui.QPen(QtGui.QColor(colour), width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        if dashed:
            pen.setDashPattern([2.5, 3.0])
        self._sheet.painter.setPen(pen)
        self._sheet.painter.setBrush(Qt.BrushStyle.NoBrush)
        self._sheet.painter.drawPolyline(self._polygon(x, y))

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> None:
        """Fill between two lines, faintly."""
        there = np.asarray(x, float)
        fill = QtGui.QColor(colour)
        fill.setAlpha(40)
        self._sheet.painter.setPen(Qt.PenStyle.NoPen)
        self._sheet.painter.setBrush(fill)
        edge = np.concatenate(
            [np.broadcast_to(low, there.shape), np.broadcast_to(high, there.shape)[::-1]]
        )
        self._sheet.painter.drawPolygon(self._polygon(np.concatenate([there, there[::-1]]), edge))

    def points(
        self,
        x: ArrayLike,
        y: ArrayLike,
        colour: str,
        *,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        size: float = 4.0,
        is_open: bool = False,
    ) -> None:
        """Draw dots, with bars from `low` to `high` where given."""
        px, py = self._at(x, y)
        painter = self._sheet.painter
        painter.setPen(QtGui.QPen(QtGui.QColor(colour), 1.5))
        if low is not None and high is not None:
            _, below = self._at(x, low)
            _, above = self._at(x, high)
            for at, a, b in zip(px, below, above, strict=True):
                painter.drawLine(QtCore.QPointF(at, a), QtCore.QPointF(at, b))
        painter.setBrush(QtGui.QColor(PANEL if is_open else colour))
        for at, height in zip(px, py, strict=True):
            painter.drawEllipse(QtCore.QPointF(at, height), size, size)

    def words(self, x: float, y: float, words: str, colour: str = INK, side: Side = "left") -> None:
        """Write beside a point."""
        px, py = self._at([x], [y])
        self._sheet.text(float(px[0]), float(py[0]), words, colour=colour, side=side)

    def _at(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        px = self._left + self._wide * self._x.along(x)
        py = self._top + self._high * (1.0 - self._y.along(y))
        return np.atleast_1d(px), np.atleast_1d(py)

    def _polygon(self, x: ArrayLike, y: ArrayLike) -> QtGui.QPolygonF:
        px, py = self._at(x, y)
        return QtGui.QPolygonF(
            [QtCore.QPointF(a, b) for a, b in zip(px.tolist(), py.tolist(), strict=True)]
        )

    def _rule(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._sheet.painter.setPen(QtGui.QPen(QtGui.QColor(RULE), 0.7))
        self._sheet.painter.drawLine(QtCore.QPointF(x0, y0), QtCore.QPointF(x1, y1))
