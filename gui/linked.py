"""Pictures that are zoomed and moved as one, and the line that swipes between two of them."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, Signal, pg
from gui.style import pen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gui.pane import Pane
    from gui.theme import Theme


class Linked(QtCore.QObject):
    """Keeps the panes on the same part of the field: what one shows, all show."""

    zoomed = Signal()  # by hand: the pictures may need finer pixels now

    def __init__(self, panes: Sequence[Pane]) -> None:
        super().__init__()
        self._panes = tuple(panes)
        self._size = (0, 0)
        self._is_fitted = True
        self._is_moving = False
        for pane in self._panes:
            pane.box.sigRangeChanged.connect(lambda *_, p=pane: self._follow(p))
            pane.box.sigRangeChangedManually.connect(lambda *_: self._take_hand())
            pane.box.sigResized.connect(lambda *_: self.refit())
            pane.canvas.fitted.connect(self.fit)

    def set_size(self, width: int, height: int) -> None:
        """Say how large the field is, pixels, and show all of it."""
        self._size = (width, height)
        for pane in self._panes:
            pane.tracks.set_size(width, height)
        self.fit()

    def fit(self) -> None:
        """Show the whole field."""
        self._is_fitted = True
        self.refit()

    def refit(self) -> None:
        """Show the whole field again, unless a person has zoomed."""
        if self._is_fitted and all(self._size):
            for pane in self._panes:
                if not pane.isHidden():
                    pane.fit(*self._size)

    def _follow(self, pane: Pane) -> None:
        if self._is_moving or not pane.isVisible():
            return
        self._is_moving = True
        for other in self._panes:
            if other is not pane and other.isVisible():
                other.box.setRange(pane.box.viewRect(), padding=0.0)
        self._is_moving = False

    def _take_hand(self) -> None:
        self._is_fitted = False
        self.zoomed.emit()


class Divider(pg.InfiniteLine):
    """The line of a swipe. It keeps its share of the width when the images change size."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            pos=0, angle=90, movable=True, pen=pen(theme.denoised, 2), hoverPen=pen(theme.text, 3)
        )
        self.share = 0.5
        self._width = 1
        self.setZValue(10)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.hide()
        self.sigPositionChanged.connect(lambda *_: self._take_share())

    def set_width(self, width: int) -> None:
        """Say how wide the image is, pixels."""
        share, self._width = self.share, width
        self.setBounds((0, width))  # which moves it, where it stood outside
        self.setPos(share * width)

    def _take_share(self) -> None:
        self.share = float(self.value()) / self._width
