"""A sheet to draw figures on, in the colours of lightloop's window; needs its `gui` extra."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

from gui._qt import Qt, QtCore, QtGui
from gui.theme import DARK

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

INK, MUTED, FAINT, RULE = DARK.text, DARK.muted, DARK.faint, DARK.line
PANEL = DARK.panel
TEAL, BLUE, ORANGE = DARK.denoised, DARK.snr, DARK.exposure
PURPLE, YELLOW, RED = DARK.power, DARK.signal, DARK.bad_text
SCALE = 2  # pixels of the file for each point of the sheet, for sharp screens

Side = Literal["left", "centre", "right"]


class Sheet:
    """A page of `width` x `height` points.

    Parameters
    ----------
    title, subtitle
        Written at the top; the first 64 points of the page are theirs.
    """

    def __init__(self, width: int, height: int, title: str, subtitle: str) -> None:
        self._app = QtGui.QGuiApplication.instance() or QtGui.QGuiApplication([])
        self.painter = QtGui.QPainter()  # made first, so that it goes before its image does
        self._image = QtGui.QImage(width * SCALE, height * SCALE, QtGui.QImage.Format.Format_RGB32)
        self._image.fill(QtGui.QColor(DARK.window))
        self.painter.begin(self._image)
        self.painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        self.painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        self.painter.scale(SCALE, SCALE)
        self.text(20, 30, title, size=17, bold=True)
        self.text(20, 51, subtitle, size=11.5, colour=MUTED)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 10.5,
        colour: str = INK,
        bold: bool = False,
        side: Side = "left",
        turned: bool = False,
    ) -> None:
        """Write a line of text; `x`, `y` are the end of its base line that `side` names."""
        font = QtGui.QFont("DejaVu Sans")
        font.setPixelSize(round(size))
        font.setBold(bold)
        wide = QtGui.QFontMetricsF(font).horizontalAdvance(words)
        painter = self.painter
        painter.save()
        painter.setFont(font)
        painter.setPen(QtGui.QColor(colour))
        painter.translate(x, y)
        if turned:
            painter.rotate(-90)
        shift = {"left": 0.0, "centre": -0.5 * wide, "right": -wide}[side]
        painter.drawText(QtCore.QPointF(shift, 0.0), words)
        painter.restore()

    def box(self, x: float, y: float, wide: float, high: float, colour: str = PANEL) -> None:
        """Fill a rectangle with round corners."""
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(QtGui.QColor(colour))
        self.painter.drawRoundedRect(QtCore.QRectF(x, y, wide, high), 6, 6)

    def picture(self, x: float, y: float, wide: float, high: float, rgb: NDArray[np.uint8]) -> None:
        """Place an image, (Y, X, 3) uint8."""
        rgb = np.ascontiguousarray(rgb)
        image = QtGui.QImage(
            rgb.data, rgb.shape[1], rgb.shape[0], rgb.strides[0], QtGui.QImage.Format.Format_RGB888
        )
        self.painter.drawImage(QtCore.QRectF(x, y, wide, high), image)

    def save(self, path: Path) -> None:
        """Write the page as PNG, or as JPEG where it is mostly noisy images.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        self.painter.end()
        path.parent.mkdir(parents=True, exist_ok=True)
        kind, quality = ("JPEG", 88) if path.suffix == ".jpg" else ("PNG", 0)
        if not self._image.save(str(path), kind, quality):
            raise OSError(f"could not write {path}")
