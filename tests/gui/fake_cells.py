"""Cells that drift and divide, for the window's eyes alone; nothing in them is physics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.wire import TrackEvent, Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FakeCells:
    """Where cells are, how bright, and who came from whom.

    Attributes
    ----------
    places, speeds
        x and y, and their change in a shot, pixels, (N, 2).
    bright
        Peak of each cell in full light, photo-electrons, (N,).
    ids, parents
        Number of each cell, and of the cell that it came from, or -1, (N,).
    """

    def __init__(self, random: np.random.Generator, side_px: int, n_cells: int) -> None:
        self._random, self._side = random, side_px
        self.places = random.uniform(0.06, 0.94, (n_cells, 2)) * side_px
        self.speeds = random.normal(0.0, 0.5, (n_cells, 2))
        self.bright = random.lognormal(4.1, 0.45, n_cells)
        self.bright[:1] = 2600.0  # one that clips
        self.ids = np.arange(1, n_cells + 1)
        self.parents = np.full(n_cells, -1)

    def move(self, *, divide: bool) -> None:
        """Go on for one shot; one of them divides if it is time, and they are enough."""
        self.speeds += self._random.normal(0.0, 0.12, self.speeds.shape) - 0.04 * self.speeds
        self.places += self.speeds
        low, high = 0.04 * self._side, 0.96 * self._side
        out = (self.places < low) | (self.places > high)
        self.speeds[out] *= -1.0
        self.places = np.clip(self.places, low, high)
        if divide and len(self.ids) > 4:
            self._divide(int(self._random.integers(2, len(self.ids))))

    def image(self, background_e: float, light: float) -> NDArray[np.float32]:
        """Draw them without noise, photo-electrons, (Y, X) float32."""
        side = self._side
        image = np.full((side, side), background_e, np.float32)
        reach = np.arange(-16, 17)
        for (x, y), bright in zip(self.places, self.bright, strict=True):
            cx, cy = int(x), int(y)
            xs, ys = reach + cx, reach + cy
            xs, ys = xs[(xs >= 0) & (xs < side)], ys[(ys >= 0) & (ys < side)]
            spot = np.exp(-((ys - y) ** 2) / 40.0)[:, None] * np.exp(-((xs - x) ** 2) / 30.0)
            image[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += (light * bright * spot).astype("f4")
        return image

    def tracks(self, shot: int) -> Tracks:
        """Say where they are; every seventeenth is in doubt."""
        n = len(self.ids)
        return Tracks(
            tuple(self.ids.tolist()), tuple(self.parents.tolist()),
            tuple(self.places[:, 1].tolist()), tuple(self.places[:, 0].tolist()),
            tuple(self.speeds[:, 1].tolist()), tuple(self.speeds[:, 0].tolist()),
            (shot,) * n, tuple(int(i % 17 == 5) for i in range(n)),
            tuple(self.bright.tolist()), (78.0,) * n,
        )  # fmt: skip

    def youngest(self) -> TrackEvent:
        """Tell of the newest cell's birth."""
        return TrackEvent("division", int(self.ids[-1]), int(self.parents[-1]), True)

    def _divide(self, cell: int) -> None:
        step = np.array([3.0, 2.0])
        self.places = np.vstack([self.places, self.places[cell] + step])
        self.places[cell] -= step
        self.speeds = np.vstack([self.speeds, self.speeds[cell] + 0.3])
        self.bright = np.append(self.bright, self.bright[cell])
        self.ids = np.append(self.ids, self.ids.max() + 1)
        self.parents = np.append(self.parents, self.ids[cell])
