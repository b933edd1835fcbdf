"""All cells, their fading tails and their numbers, as one item: 500 of them cost a few ms."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gui._qt import Qt, QtCore, QtGui, internals, pg
from gui.style import font, pen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gui.tails import Drawing
    from gui.theme import Theme

BANDS = 4  # ages of a tail, the oldest faintest
MAX_IDS = 400  # more numbers than that nobody reads
SHADE = QtCore.QPointF(1.0, 1.0)  # under a number, so that it is read on a bright cell


def apart(corners: NDArray[np.float64], sizes: NDArray[np.float64]) -> list[int]:
    """Choose labels that do not cover each other; the first of two that would is kept.

    Parameters
    ----------
    corners, sizes
        Upper left corner and extent of each label, dots, (n, 2) float64, x first.

    Returns
    -------
    list of int
        Indices of the labels to draw.
    """
    ends = corners + sizes
    covers = np.logical_and(corners[:, None] < ends[None], corners[None] < ends[:, None])
    overlaps: NDArray[np.bool_] = np.all(covers, axis=2)
    is_kept = np.zeros(len(corners), np.bool_)
    for k, row in enumerate(overlaps):
        is_kept[k] = not np.any(row & is_kept)
    return [int(k) for k in np.flatnonzero(is_kept)]


def inside(
    corners: NDArray[np.float64], sizes: NDArray[np.float64], room: QtCore.QRectF
) -> NDArray[np.float64]:
    """Move labels that the edge of the picture would cut, as far as they stand on it at all.

    Parameters
    ----------
    corners, sizes
        As for `apart`.
    room
        The picture on the screen, dots.

    Returns
    -------
    ndarray
        Corners, (n, 2) float64.
    """
    first = np.array([room.left(), room.top()])
    last = np.array([room.right(), room.bottom()])
    is_seen = np.all((corners < last) & (corners + sizes > first), axis=1)
    moved = np.clip(corners, first, np.maximum(last - sizes, first))
    return np.where(is_seen[:, None], moved, corners)


class TracksItem(pg.GraphicsObject):
    """Draws a `Drawing` in image coordinates.

    pyqtgraph's PrimitiveArray hands NumPy memory to Qt as lines without a Python object for each:
    building lists of QLineF took 20 ms for 500 tails of 30 points, this takes 1.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.shows_ids = True
        self._bounds = QtCore.QRectF(0, 0, 1, 1)
        self._drawing: Drawing | None = None
        self._colours = len(theme.tracks)
        fades = [(band + 1) / BANDS for band in range(BANDS)]
        self._pens = [pen(c, 1.4, alpha=fade) for c in theme.tracks for fade in fades]
        self._rings = [pen(c, 1.2) for c in theme.tracks]
        self._guesses = [pen(c, 1.0, alpha=0.7) for c in theme.tracks]
        for guess in self._guesses:
            guess.setStyle(Qt.PenStyle.DashLine)
        self._divided = pen(theme.text, 1.6)
        self._ink = pen(theme.text)
        self._shade = pen(theme.window)
        self._font = font(11)
        self._texts: dict[int, QtGui.QStaticText] = {}
        self._lines = [internals.PrimitiveArray(QtCore.QLineF, 4) for _ in self._pens]

    def set_size(self, width: int, height: int) -> None:
        """Say how large the image is, pixels."""
        self.prepareGeometryChange()
        self._bounds = QtCore.QRectF(-8, -8, width + 16, height + 16)

    def set_tracks(self, drawing: Drawing) -> None:
        """Show these cells."""
        self._drawing = drawing
        ids, tails = drawing.ids, drawing.tails
        segments = np.concatenate([tails[:-1], tails[1:]], axis=2) if len(tails) else tails
        cuts = np.linspace(0, len(segments), BANDS + 1).astype(int)
        for k, lines in enumerate(self._lines):
            colour, band = divmod(k, BANDS)
            part = segments[cuts[band] : cuts[band + 1], ids % self._colours == colour]
            xy = part.reshape(-1, 4) if part.size else np.zeros((0, 4))
            moved = (xy[:, 0] != xy[:, 2]) | (xy[:, 1] != xy[:, 3])
            xy = xy[moved & np.isfinite(xy).all(axis=1)]
            lines.resize(len(xy))
            lines.ndarray()[:] = xy
        self.update()

    def boundingRect(self) -> QtCore.QRectF:
        """Return the image's rectangle."""
        return self._bounds

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        """Draw tails, then rings, then numbers."""
        if self._drawing is None or not len(self._drawing.ids):
            return
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        for ink, lines in zip(self._pens, self._lines, strict=True):
            if len(lines):
                painter.setPen(ink)
                painter.drawLines(*lines.drawargs())
        self._paint_rings(painter)
        if self.shows_ids:
            self._paint_ids(painter)

    def _paint_rings(self, painter: QtGui.QPainter) -> None:
        drawing = self._drawing
        assert drawing is not None
        painter.setBrush(Qt.BrushStyle.NoBrush)
        columns = (drawing.ids, drawing.xy, drawing.radius, drawing.is_seen, drawing.has_divided)
        for i, (x, y), radius, seen, divided in zip(*columns, strict=True):
            colour = int(i) % self._colours
            place, size = QtCore.QPointF(x, y), max(float(radius), 2.0) * 1.25
            painter.setPen(self._rings[colour] if seen else self._guesses[colour])
            painter.drawEllipse(place, size, size)
            if divided:
                painter.setPen(self._divided)
                painter.drawEllipse(place, size * 1.45, size * 1.45)

    def _paint_ids(self, painter: QtGui.QPainter) -> None:
        drawing = self._drawing
        assert drawing is not None
        to_screen = painter.transform()
        painter.resetTransform()
        painter.setFont(self._font)
        offset = max(float(np.median(drawing.radius)), 2.0)
        texts = [self._text(int(i)) for i in drawing.ids[:MAX_IDS]]
        places = [
            to_screen.map(QtCore.QPointF(x + offset, y + offset * 0.4))
            for x, y in drawing.xy[:MAX_IDS]
        ]
        sizes = [text.size() for text in texts]
        corners = np.array([(p.x(), p.y()) for p in places]).reshape(-1, 2)
        extents = np.array([(s.width(), s.height()) for s in sizes]).reshape(-1, 2)
        corners = inside(corners, extents, self.getViewBox().sceneBoundingRect())
        for k in apart(corners, extents):
            place = QtCore.QPointF(*corners[k])
            painter.setPen(self._shade)
            painter.drawStaticText(place + SHADE, texts[k])
            painter.setPen(self._ink)
            painter.drawStaticText(place, texts[k])
        painter.setTransform(to_screen)

    def _text(self, track: int) -> QtGui.QStaticText:
        text = self._texts.get(track)
        if text is None:
            if len(self._texts) > 4 * MAX_IDS:
                self._texts.clear()
            text = self._texts[track] = QtGui.QStaticText(str(track))
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setPerformanceHint(QtGui.QStaticText.PerformanceHint.AggressiveCaching)
            text.prepare(QtGui.QTransform(), self._font)
        return text
