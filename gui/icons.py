"""Icons, drawn: no font, no file and no network is asked for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, QtGui

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Shape: TypeAlias = tuple[QtGui.QPainterPath, QtGui.QPainterPath]  # drawn lines, filled areas


def draw(painter: QtGui.QPainter, name: str, box: QtCore.QRectF, colour: QtGui.QColor) -> None:
    """Draw an icon into a square."""
    painter.save()
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / 16.0, box.height() / 16.0)
    pen = QtGui.QPen(colour, 1.8)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    lines, filled = _ICONS[name]()
    painter.setPen(pen)
    painter.drawPath(lines)
    painter.fillPath(filled, colour)
    painter.restore()


def _ring(radius: float = 6.0) -> QtGui.QPainterPath:
    path = QtGui.QPainterPath()
    path.addEllipse(QtCore.QPointF(8, 8), radius, radius)
    return path


def _polygon(*points: tuple[float, float]) -> QtGui.QPainterPath:
    path = QtGui.QPainterPath()
    path.addPolygon(QtGui.QPolygonF([QtCore.QPointF(x, y) for x, y in points]))
    path.closeSubpath()
    return path


def _lines(*ends: tuple[float, float, float, float]) -> QtGui.QPainterPath:
    path = QtGui.QPainterPath()
    for x0, y0, x1, y1 in ends:
        path.moveTo(x0, y0)
        path.lineTo(x1, y1)
    return path


def _offline() -> Shape:
    path = _ring()
    path.addPath(_lines((4, 12, 12, 4)))
    return path, QtGui.QPainterPath()


def _idle() -> Shape:
    return _ring(), QtGui.QPainterPath()


def _running() -> Shape:
    return QtGui.QPainterPath(), _polygon((4, 2.5), (13.5, 8), (4, 13.5))


def _held() -> Shape:
    path = QtGui.QPainterPath()
    path.addRect(3.5, 3, 3.4, 10)
    path.addRect(9.1, 3, 3.4, 10)
    return QtGui.QPainterPath(), path


def _done() -> Shape:
    path = _lines((3, 8.5, 6.5, 12))
    path.lineTo(13, 4.5)
    return path, QtGui.QPainterPath()


def _stopped() -> Shape:
    path = QtGui.QPainterPath()
    path.addRoundedRect(3.5, 3.5, 9, 9, 1, 1)
    return QtGui.QPainterPath(), path


def _fault() -> Shape:
    outline = _polygon((8, 2), (14.5, 13.5), (1.5, 13.5))
    outline.addPath(_lines((8, 6.5, 8, 9.2)))
    dot = QtGui.QPainterPath()
    dot.addEllipse(QtCore.QPointF(8, 11.5), 1.0, 1.0)
    return outline, dot


def _light_on() -> Shape:
    rays = []
    for k in range(8):
        c, s = math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)
        rays.append((8 + 5.2 * c, 8 + 5.2 * s, 8 + 7 * c, 8 + 7 * s))
    return _lines(*rays), _ring(3.2)


def _light_off() -> Shape:
    path = _ring(3.4)
    path.addPath(_lines((2.5, 13.5, 13.5, 2.5)))
    return path, QtGui.QPainterPath()


def _stop() -> Shape:
    corners = [math.pi / 8 + k * math.pi / 4 for k in range(8)]
    octagon = _polygon(*[(8 + 7 * math.cos(a), 8 + 7 * math.sin(a)) for a in corners])
    octagon.addPath(_lines((5, 8, 11, 8)))
    return octagon, QtGui.QPainterPath()


def _notice() -> Shape:
    path = _ring()
    path.addPath(_lines((8, 7.4, 8, 11)))
    dot = QtGui.QPainterPath()
    dot.addEllipse(QtCore.QPointF(8, 4.9), 1.0, 1.0)
    return path, dot


_ICONS: dict[str, Callable[[], Shape]] = {
    "offline": _offline,
    "idle": _idle,
    "running": _running,
    "held": _held,
    "done": _done,
    "stopped": _stopped,
    "fault": _fault,
    "light_on": _light_on,
    "light_off": _light_off,
    "stop": _stop,
    "notice": _notice,
}
NAMES = tuple(_ICONS)
