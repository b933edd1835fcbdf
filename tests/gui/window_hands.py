"""What the tests of the window share: a bright square on the screen, and hands to press with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from realtime.wire import FrameMessage
from tests.gui.fake_source import FakeSource

Opener = Callable[..., Any]
SQUARE = slice(24, 40)


class SquareSource(FakeSource):
    """A bright square on a dark ground, raw and restored."""

    peak = 2000

    def raw(self, message: FrameMessage) -> np.ndarray:
        image = np.full((64, 64), 100, np.uint16)
        image[SQUARE, SQUARE] = self.peak
        return image

    def restored(self, slot: Any) -> np.ndarray:
        image = np.zeros((64, 64), np.float32)
        image[SQUARE, SQUARE] = 950.0
        return image


def run(window: Any, source: FakeSource, shots: int = 1) -> None:
    source.advance(shots)
    window._slow_ns = 0
    window.tick()


def pixel(pane: Any, x: float, y: float) -> tuple[int, int, int]:
    """Return the colour of an image pixel as it is on the screen."""
    from gui._qt import QtCore

    picture = pane.canvas.grab().toImage()
    place = pane.canvas.mapFromScene(pane.box.mapViewToScene(QtCore.QPointF(x, y)))
    colour = picture.pixelColor(place.x(), place.y())
    return colour.red(), colour.green(), colour.blue()


def press_escape(window: Any) -> None:
    from gui._qt import Qt, QtCore, QtGui, QtWidgets

    event = QtGui.QKeyEvent(
        QtCore.QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier
    )
    QtWidgets.QApplication.sendEvent(window.windowHandle(), event)


def square(open_window: Opener, **options: Any) -> tuple[Any, SquareSource]:
    source = SquareSource(side_px=64, n_cells=3, **options)
    window = open_window(source)
    window.desk.controls.tracks.setChecked(False)
    run(window, source)
    return window, source
