"""One picture: image, clipped pixels, tracks, scale bar, and a header that says what it is."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal, pg
from gui.picture import Colours, PictureItem
from gui.style import Elided, font
from gui.tracks_item import TracksItem

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from gui.theme import Theme

HEAD_DOTS = 16  # of a line of text
NOTHING_CLIPPED = np.zeros((0, 0), np.bool_)
ROUND_UM = (1, 2, 5)  # a scale bar is one of these times a power of ten


def scale_bar_um(um_per_dot: float, dots: float = 90.0) -> float:
    """Return the largest round length that is at most so many screen dots, um."""
    if not (um_per_dot > 0 and math.isfinite(um_per_dot)):
        return 0.0
    most = um_per_dot * dots
    power = 10.0 ** math.floor(math.log10(most))
    return power * max(step for step in ROUND_UM if step * power <= most * (1 + 1e-9))


class ScaleBar(QtWidgets.QWidget):
    """A round length, above the picture: it hides no cell."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.length_um = self._dots = 0.0
        self.setFixedHeight(HEAD_DOTS)

    def set(self, um_per_dot: float) -> None:
        """Fit the bar to what a screen dot is at the sample."""
        length_um = scale_bar_um(um_per_dot)
        dots = length_um / um_per_dot if length_um else 0.0
        if (length_um, dots) != (self.length_um, self._dots):
            self.length_um, self._dots = length_um, dots
            text = QtGui.QFontMetrics(font(11, bold=True)).horizontalAdvance(self._text())
            self.setFixedWidth(round(text + 8 + dots + 2) if length_um else 0)
            self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw the length, and the bar with its ends."""
        if not self.length_um:
            return
        painter, ink = QtGui.QPainter(self), QtGui.QColor(self._theme.text)
        painter.setPen(ink)
        painter.setFont(font(11, bold=True))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._text())
        left, right = self.width() - 1 - self._dots, self.width() - 1.0
        painter.fillRect(QtCore.QRectF(left, 7, self._dots, 3), ink)
        for end in (left, right - 1):
            painter.fillRect(QtCore.QRectF(end, 4, 1, 9), ink)

    def _text(self) -> str:
        return f"{self.length_um:g} µm"


class Canvas(pg.GraphicsView):
    """The picture itself, with a badge painted over it."""

    fitted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(background=theme.panel, useOpenGL=False)
        self.pixel_um = 0.0
        self.badge = ""
        self._theme = theme
        self.box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0.0)
        self.box.disableAutoRange()
        self.setCentralItem(self.box)
        self.setMinimumSize(160, 96)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """Fit the whole image."""
        self.fitted.emit()
        event.accept()

    def set_badge(self, text: str) -> None:
        """Show a word in the corner; empty for none."""
        if text != self.badge:
            self.badge = text
            self.viewport().update()

    def drawForeground(self, painter: QtGui.QPainter, rect: QtCore.QRectF) -> None:
        """Paint what does not zoom with the image."""
        if not self.badge:
            return
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        self._paint_badge(painter)
        painter.restore()

    def _paint_badge(self, painter: QtGui.QPainter) -> None:
        painter.setFont(font(11, bold=True))
        width = painter.fontMetrics().horizontalAdvance(self.badge) + 18
        box = QtCore.QRectF(10, 10, width, 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(self._theme.warn))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QtGui.QColor(self._theme.on_warn))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.badge)


class Pane(QtWidgets.QFrame):
    """A canvas in a coloured border, under a header: the border says who made the picture."""

    hovered = Signal(float, float)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self.canvas = Canvas(theme)
        self.box = self.canvas.box
        self.image = PictureItem()
        self.over = PictureItem()  # the right part of a swipe
        self.tracks = TracksItem(theme)
        self._colours = Colours(theme)
        for item in (self.image, self.over, self.tracks):
            self.box.addItem(item)
        self.over.hide()
        self.name = Elided()
        self.scale = ScaleBar(theme)
        self.name.setFont(font(12, bold=True))
        self.name.setFixedHeight(HEAD_DOTS)  # with and without a bar beside it
        head = QtWidgets.QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 4)
        head.addWidget(self.name, 1)
        head.addWidget(self.scale)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(2, 0, 2, 2)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.canvas, 1)
        self.set_name(name, theme.line, theme.text)
        self.canvas.scene().sigMouseMoved.connect(self._on_move)
        self.box.sigRangeChanged.connect(lambda *_: self._fit_scale())
        self.box.sigResized.connect(lambda *_: self._fit_scale())

    def set_name(self, name: str, border: str, ink: str) -> None:
        """Say what the picture is; border and ink are colours."""
        self.name.set_full(name)
        sheet = f"Pane {{ border: 2px solid {border}; border-radius: 6px; background: " + (
            f"{self._theme.panel}; }}"
        )
        if self.styleSheet() != sheet:
            self.setStyleSheet(sheet)
            self.name.setStyleSheet(f"color: {ink};")

    def set_head_lines(self, lines: int) -> None:
        """Give the header so many lines."""
        self.name.setFixedHeight(lines * HEAD_DOTS)
        self.name.set_lines(lines)

    def draw(
        self,
        grey: NDArray[np.uint8],
        rect: QtCore.QRectF,
        clipped: NDArray[np.bool_] = NOTHING_CLIPPED,
        *,
        is_over: bool = False,
    ) -> None:
        """Show grey levels, (Y, X) uint8, over a rectangle in pixels of the full image.

        `clipped`, a mask of the same shape, is where the camera clips; empty where it does not.
        """
        item = self.over if is_over else self.image
        item.show_pixels(self._colours.paint(grey, clipped), rect)

    def fit(self, width: int, height: int) -> None:
        """Show the whole image."""
        self.box.setRange(QtCore.QRectF(0, 0, width, height), padding=0.0)

    def set_pixel_um(self, pixel_um: float) -> None:
        """Set the size of a pixel at the sample, um."""
        self.canvas.pixel_um = pixel_um
        self._fit_scale()

    def _fit_scale(self) -> None:
        self.scale.set(self.canvas.pixel_um * float(self.box.viewPixelSize()[0]))

    def px_per_dot(self) -> float:
        """Return image pixels for each physical dot of the screen."""
        return float(self.box.viewPixelSize()[0]) / float(self.devicePixelRatioF())

    def _on_move(self, place: Any) -> None:
        point = self.box.mapSceneToView(place)
        self.hovered.emit(point.x(), point.y())
