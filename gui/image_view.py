"""Linked pictures: what the camera gave, what a network made of it, and what is for looking."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui import levels as grey
from gui._qt import QtCore, QtWidgets, Signal
from gui.linked import Divider, Linked
from gui.looking import DENOISED_MODES, LOOK_MODES, NOTHING, RAW_MODES, WARNING, Mode
from gui.pane import NOTHING_CLIPPED, Pane
from gui.why import padded

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from gui.levels import Unit
    from gui.looking import Look
    from gui.tails import Drawing
    from gui.theme import Theme

NO_NETWORK = "no network"
MISSED = "the restored image was gone before it was drawn"


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
        self.look: Look | None = None
        self.left, self.right = Pane(theme, "raw"), Pane(theme, NO_NETWORK)
        self.third = Pane(theme, NOTHING)  # what is for looking alone
        self.panes = (self.left, self.right, self.third)
        self.right.scale.hide()
        self.third.hide()
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for pane in self.panes:
            row.addWidget(pane, 1)
        self._divider = Divider(theme)
        self.left.box.addItem(self._divider)
        self._divider.sigPositionChanged.connect(lambda *_: self._swipe())
        self.linked = Linked(self.panes)
        self.linked.zoomed.connect(self.redraw)
        for pane in self.panes:
            pane.hovered.connect(self.hovered)

    # ------------------------------------------------------------------------------ what to show

    def set_raw(self, counts: NDArray[np.uint16]) -> None:
        """Take a new frame, counts (Y, X) uint16; `redraw` shows it."""
        is_new = self.raw is None or self.raw.shape != counts.shape
        self.raw = counts
        if is_new:
            height, width = counts.shape
            self._divider.set_width(width)
            self.linked.set_size(width, height)

    def take_over(self, other: ImageView) -> None:
        """Show the pictures of another view, with its contrast."""
        self.levels, self.unit = other.levels, other.unit
        self.saturation_adu, self.network = other.saturation_adu, other.network
        self.denoised, self.look = other.denoised, other.look
        self.set_pixel_um(other.left.canvas.pixel_um)
        if other.raw is not None:
            self.set_raw(other.raw)

    def set_denoised(self, photons: NDArray[np.float32] | None, network: str) -> None:
        """Take a new restored image, photo-electrons (Y, X) float32; None where there is none."""
        self.denoised, self.network = photons, network if photons is not None else NO_NETWORK

    def set_look(self, look: Look | None) -> None:
        """Take an image that is for looking alone; None where there is none any more."""
        self.look = look

    def miss_denoised(self) -> None:
        """Note that an image was restored, but its place was used again before we could look."""
        if self.denoised is None:
            self.network = MISSED

    def set_age(self, badge: str, look_badge: str = "") -> None:
        """Say by how much cells and restored images are older than the raw one; empty if not."""
        is_right = self.mode in DENOISED_MODES
        self.third.canvas.set_badge(look_badge if self.look is not None else "")
        self.right.canvas.set_badge(badge if is_right else "")
        self.left.canvas.set_badge("" if is_right or not badge else f"cells: {badge}")

    def set_pixel_um(self, pixel_um: float) -> None:
        """Set the size of a pixel at the sample, for the scale bar, um."""
        for pane in self.panes:
            pane.set_pixel_um(pixel_um)  # all are drawn over the camera's pixels

    def set_mode(self, mode: Mode) -> None:
        """Choose what is side by side with what."""
        self.mode = mode
        for pane in self.panes:  # three are narrow: what they are takes two lines
            pane.set_head_lines(2 if mode is Mode.THREE else 1)
        for pane, modes in zip(self.panes, (RAW_MODES, DENOISED_MODES, LOOK_MODES), strict=True):
            pane.setVisible(mode in modes)
        self.right.scale.setVisible(mode is Mode.DENOISED)  # side by side, one bar is for all
        self.third.scale.setVisible(mode is Mode.LOOK)
        self._divider.setVisible(mode is Mode.SWIPE)
        self.left.over.setVisible(mode is Mode.SWIPE)
        self.redraw()

    def set_tracks(self, drawing: Drawing) -> None:
        """Show cells on the picture where they belong: the denoised one, if it is in sight."""
        self._track_pane().tracks.set_tracks(drawing)

    def redraw(self) -> None:
        """Draw the newest images with the present levels."""
        self._title()
        for pane in self.panes:
            pane.tracks.setVisible(self.shows_tracks and pane is self._track_pane())
        if self.raw is None:
            return
        if self.mode in RAW_MODES:
            self._draw_raw(self.raw)
        if self.mode in LOOK_MODES:
            self._draw_look()
        if self.mode in DENOISED_MODES:
            if self.denoised is None:
                self._draw(self.right, self.raw, self.unit)
            else:
                self._draw(self.right, self.denoised, grey.PHOTONS)
        if self.mode is Mode.SWIPE:
            self._draw_swipe(self.raw if self.denoised is None else self.denoised)

    def value_at(self, x: float, y: float) -> str:
        """Describe the pixel under the cursor, from the full images."""
        raw = self.raw
        if raw is None or not (0 <= x < raw.shape[1] and 0 <= y < raw.shape[0]):
            return ""
        column, row = int(x), int(y)
        counts = int(raw[row, column])
        text = f"x {padded(column, 4)}  y {padded(row, 4)}    raw {padded(counts, 5)} counts = "
        text += padded(f"{self.unit.of(counts):.1f}", 7) + " photons"
        if self.denoised is not None:
            finer = self.denoised.shape[1] / raw.shape[1]
            text += f"    denoised {self.denoised[int(row * finer), int(column * finer)]:.1f}"
        if self.look is not None and self.mode in LOOK_MODES:
            finer = self.look.finer(raw.shape[1])
            value = self.look.photons[int(y * finer), int(x * finer)] * finer**2
            text += f"    for looking {value:.1f}"
        return text

    # ----------------------------------------------------------------------------------- drawing

    def _track_pane(self) -> Pane:
        if self.mode is Mode.LOOK:
            return self.third
        return self.right if self.mode in DENOISED_MODES else self.left

    def _draw_raw(self, counts: NDArray[np.uint16]) -> None:
        level = self.saturation_adu if self.shows_clipped else float("inf")
        clipped = grey.clipped(counts, level, grey.stride_for(self.left.px_per_dot()))
        self._draw(self.left, counts, self.unit, clipped)

    def _draw(
        self,
        pane: Pane,
        image: NDArray[Any],
        unit: Unit,
        clipped: NDArray[np.bool_] = NOTHING_CLIPPED,
    ) -> None:
        assert self.raw is not None
        height, width = self.raw.shape  # a finer image covers the same field
        step = grey.stride_for(pane.px_per_dot() * image.shape[1] / width)
        part = grey.to_grey(image[::step, ::step], self.levels, unit)
        pane.draw(part, QtCore.QRectF(0, 0, width, height), clipped)

    def _draw_look(self) -> None:
        """Draw the image for looking, as bright as the camera's; without one, nothing."""
        assert self.raw is not None
        self.third.image.setVisible(self.look is not None)
        if self.look is not None:
            unit = self.look.unit(self.raw.shape[1])
            self._draw(self.third, self.look.photons, unit)

    def _draw_swipe(self, image: NDArray[Any]) -> None:
        assert self.raw is not None
        height, width = self.raw.shape
        column = min(int(self._divider.share * width), width - 1)
        finer = image.shape[1] / width
        step = grey.stride_for(self.left.px_per_dot() * finer)
        unit = self.unit if self.denoised is None else grey.PHOTONS
        part = grey.to_grey(image[::step, int(column * finer) :: step], self.levels, unit)
        self.left.draw(part, QtCore.QRectF(column, 0, width - column, height), is_over=True)

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
        look, name = self.look, f"{WARNING}  ·  {NOTHING}"
        if look is not None and self.raw is not None:
            name = look.title(self.raw.shape[1], self.third.canvas.pixel_um)
        self.third.set_name(name, theme.warn, theme.warn_text)

    def _swipe(self) -> None:
        if self.mode is Mode.SWIPE and self.raw is not None:
            self.redraw()
