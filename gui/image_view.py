"""Two linked pictures: what the camera gave, and what a network made of it."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gui import levels as grey
from gui._qt import QtCore, QtWidgets, Signal, pg
from gui.pane import Pane
from gui.style import pen

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from gui.levels import Unit
    from gui.tails import Drawing
    from gui.theme import Theme

NO_NETWORK = "no network"
MISSED = "the restored image was gone before it was drawn"


class Mode(StrEnum):
    """What is side by side with what."""

    SIDE = "Side by side"
    SWIPE = "Swipe"
    RAW = "Raw"
    DENOISED = "Denoised"


class ImageView(QtWidgets.QWidget):
    """Holds the newest raw frame and the newest restored image, and draws them as asked."""

    hovered = Signal(float, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.mode = Mode.SIDE
        self.levels = grey.Levels(0.0, 1.0)
        self.unit = grey.PHOTONS
        self.saturation_adu = float("inf")
        self.shows_clipped = True
        self.shows_tracks = True
        self.raw: NDArray[np.uint16] | None = None
        self.denoised: NDArray[np.float32] | None = None
        self.network = NO_NETWORK
        self._split = 0.5
        self._is_fitted = True
        self._is_moving = False
        self.left, self.right = Pane(theme, "raw"), Pane(theme, NO_NETWORK)
        self.right.scale.hide()
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.left, 1)
        row.addWidget(self.right, 1)
        self._divider = pg.InfiniteLine(
            pos=0, angle=90, movable=True, pen=pen(theme.denoised, 2), hoverPen=pen(theme.text, 3)
        )
        self._divider.setZValue(10)
        self._divider.hide()
        self.left.box.addItem(self._divider)
        self._divider.sigPositionChanged.connect(self._on_split)
        for pane, other in ((self.left, self.right), (self.right, self.left)):
            pane.box.sigRangeChanged.connect(lambda *_, p=pane, o=other: self._follow(p, o))
            pane.box.sigRangeChangedManually.connect(lambda *_: self._zoomed_by_hand())
            pane.box.sigResized.connect(lambda *_: self._refit())
            pane.canvas.fitted.connect(self.fit)
            pane.hovered.connect(self.hovered)

    # ------------------------------------------------------------------------------ what to show

    def set_raw(self, counts: NDArray[np.uint16]) -> None:
        """Take a new frame, counts (Y, X) uint16; `redraw` shows it."""
        is_new = self.raw is None or self.raw.shape != counts.shape
        self.raw = counts
        if is_new:
            height, width = counts.shape
            self._divider.setBounds((0, width))
            self._divider.setPos(self._split * width)
            for pane in (self.left, self.right):
                pane.tracks.set_size(width, height)
            self.fit()

    def set_denoised(self, photons: NDArray[np.float32] | None, network: str) -> None:
        """Take a new restored image, photo-electrons (Y, X) float32; None where there is none."""
        self.denoised, self.network = photons, network if photons is not None else NO_NETWORK

    def miss_denoised(self) -> None:
        """Note that an image was restored, but its place was used again before we could look."""
        if self.denoised is None:
            self.network = MISSED

    def set_age(self, badge: str) -> None:
        """Say by how much cells and restored image are older than the raw one; empty if not."""
        is_right = self.mode in (Mode.SIDE, Mode.DENOISED)
        self.right.canvas.set_badge(badge if is_right else "")
        self.left.canvas.set_badge("" if is_right or not badge else f"cells: {badge}")

    def set_pixel_um(self, pixel_um: float) -> None:
        """Set the size of a pixel at the sample, for the scale bar, um."""
        self.left.set_pixel_um(pixel_um)
        self.right.set_pixel_um(pixel_um)

    def set_mode(self, mode: Mode) -> None:
        """Choose what is side by side with what."""
        self.mode = mode
        self.left.setVisible(mode is not Mode.DENOISED)
        self.right.scale.setVisible(mode is Mode.DENOISED)  # side by side, one bar is for both
        self.right.setVisible(mode in (Mode.SIDE, Mode.DENOISED))
        self._divider.setVisible(mode is Mode.SWIPE)
        self.left.over.setVisible(mode is Mode.SWIPE)
        self.redraw()

    def set_tracks(self, drawing: Drawing) -> None:
        """Show cells on the picture where they belong: the denoised one, if it is in sight."""
        pane = self.right if self.right.isVisibleTo(self) else self.left
        pane.tracks.set_tracks(drawing)

    def redraw(self) -> None:
        """Draw the newest images with the present levels."""
        self._title()
        for pane in (self.left, self.right):
            pane.tracks.setVisible(self.shows_tracks and pane is self._track_pane())
        if self.raw is None:
            return
        if self.mode is not Mode.DENOISED:
            self._draw(self.left, self.raw, self.unit)
            self._draw_clipped(self.left, self.raw)
        if self.mode in (Mode.SIDE, Mode.DENOISED):
            if self.denoised is None:
                self._draw(self.right, self.raw, self.unit)
            else:
                self._draw(self.right, self.denoised, grey.PHOTONS)
        if self.mode is Mode.SWIPE:
            self._draw_swipe(self.raw if self.denoised is None else self.denoised)

    def fit(self) -> None:
        """Show the whole image."""
        self._is_fitted = True
        self._refit()

    def value_at(self, x: float, y: float) -> str:
        """Describe the pixel under the cursor, from the full images."""
        raw = self.raw
        if raw is None or not (0 <= x < raw.shape[1] and 0 <= y < raw.shape[0]):
            return ""
        column, row = int(x), int(y)
        counts = int(raw[row, column])
        text = f"x {column}  y {row}    raw {counts} counts = {self.unit.of(counts):.1f} photons"
        if self.denoised is not None:
            finer = self.denoised.shape[1] / raw.shape[1]
            text += f"    denoised {self.denoised[int(row * finer), int(column * finer)]:.1f}"
        return text

    # ----------------------------------------------------------------------------------- drawing

    def _track_pane(self) -> Pane:
        return self.right if self.mode in (Mode.SIDE, Mode.DENOISED) else self.left

    def _draw(self, pane: Pane, image: NDArray[Any], unit: Unit) -> None:
        assert self.raw is not None
        height, width = self.raw.shape  # a finer image covers the same field
        step = grey.stride_for(pane.px_per_dot() * image.shape[1] / width)
        part = grey.to_grey(image[::step, ::step], self.levels, unit)
        pane.draw(part, QtCore.QRectF(0, 0, width, height))

    def _draw_swipe(self, image: NDArray[Any]) -> None:
        assert self.raw is not None
        height, width = self.raw.shape
        column = min(int(self._split * width), width - 1)
        finer = image.shape[1] / width
        step = grey.stride_for(self.left.px_per_dot() * finer)
        unit = self.unit if self.denoised is None else grey.PHOTONS
        part = grey.to_grey(image[::step, int(column * finer) :: step], self.levels, unit)
        self.left.draw(part, QtCore.QRectF(column, 0, width - column, height), is_over=True)

    def _draw_clipped(self, pane: Pane, counts: NDArray[np.uint16]) -> None:
        step = grey.stride_for(pane.px_per_dot())
        height, width = counts.shape
        level = self.saturation_adu if self.shows_clipped else float("inf")
        mask = grey.clipped(counts, level, step)
        pane.draw_clipped(mask, QtCore.QRectF(0, 0, width, height))

    def _title(self) -> None:
        theme, has = self._theme, self.denoised is not None
        made_by = f"denoised  ·  {self.network}" if has else f"{self.network}: raw is shown"
        if self.mode is Mode.SWIPE:
            right = f"right: {made_by}" if has else f"right: raw again, {self.network}"
            ink = theme.denoised if has else theme.line
            self.left.set_name(f"left: raw   |   {right}", ink, ink if has else theme.text)
        else:
            self.left.set_name("raw  ·  camera", theme.line, theme.text)
        ink = theme.denoised if has else theme.line
        self.right.set_name(made_by, ink, theme.denoised if has else theme.muted)

    # ------------------------------------------------------------------------------- linked views

    def _follow(self, pane: Pane, other: Pane) -> None:
        if self._is_moving or not other.isVisible():
            return
        self._is_moving = True
        other.box.setRange(pane.box.viewRect(), padding=0.0)
        self._is_moving = False

    def _zoomed_by_hand(self) -> None:
        self._is_fitted = False
        self.redraw()

    def _refit(self) -> None:
        if self._is_fitted and self.raw is not None:
            height, width = self.raw.shape
            for pane in (self.left, self.right):
                if pane.isVisibleTo(self):
                    pane.fit(width, height)

    def _on_split(self) -> None:
        if self.raw is not None:
            self._split = float(self._divider.value()) / self.raw.shape[1]
            if self.mode is Mode.SWIPE:
                self.redraw()


def age_badge(raw_seq: int, raw_t_s: float, seq: int, t_s: float) -> str:
    """Return the badge of a restored image that is older than the raw one; empty if it is not."""
    behind = raw_seq - seq
    if behind <= 0:
        return ""
    frames = "1 frame" if behind == 1 else f"{behind} frames"
    seconds = raw_t_s - t_s
    return f"{frames} older" + (f", {seconds:.1f} s" if seconds >= 0.05 else "")
