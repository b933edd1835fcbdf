"""A movie of the specimen at fixed light: no loop, no decisions, no other process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.frame import Index
from acquire.simulated.bench import Bench
from acquire.simulated.light.local_light_box import LocalLightBox
from acquire.simulated.optics.optics import Window
from acquire.simulated.specimen.lineages import Lineages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.truth import Seen

LOOK_S = 600.0  # no cell is born and divides within so long


@dataclass(frozen=True, slots=True)
class Movie:
    """What is to be filmed.

    Attributes
    ----------
    times, interval_s
        Time points, and the time from one to the next, s.
    exposure_ms, power_fraction
        Light of every image, in every line.
    planes, step_um
        Planes of a stack around the focus, and the distance between them, um.
    """

    config: SimulatedScopeConfig
    times: int
    interval_s: float
    exposure_ms: float
    power_fraction: float
    planes: int = 1
    step_um: float = 1.0

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the lines; each gives one channel."""
        return tuple(line.name for line in self.config.all_lines())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self.config.height, self.config.width

    @property
    def n_frames(self) -> int:
        """Images in all."""
        return self.times * self.planes * len(self.lines)

    @property
    def stack_s(self) -> float:
        """Time that the images of one time point take, s."""
        return self.planes * len(self.lines) * self.exposure_ms * 1e-3

    def offsets_um(self) -> NDArray[np.float64]:
        """Return the planes relative to the focus, (planes,) um."""
        offsets = np.arange(self.planes, dtype=np.float64) - 0.5 * (self.planes - 1)
        return self.step_um * offsets


@dataclass(frozen=True, slots=True)
class Taken:
    """One image of a movie: counts (Y, X), its place, the truth, and every cell's dose so far."""

    pixels: NDArray[np.uint16]
    index: Index
    line: str
    seen: Seen
    taken_j_cm2: NDArray[np.float64]


class Filming:
    """Films a movie; the same movie is always filmed the same.

    Attributes
    ----------
    lineages
        Everybody who has lived so far.
    """

    def __init__(self, movie: Movie) -> None:
        self.movie = movie
        self.lineages = Lineages(len(movie.lines))
        self._t_s = 0.0
        self._box = LocalLightBox(movie.config.lines(), lambda: self._t_s)
        self._bench = Bench(movie.config, self._box, lambda: self._t_s)
        self._seen: list[Seen] = []
        self._bench.witness = self._seen.append

    def frames(self) -> Iterator[Taken]:
        """Yield every image: time after time, plane after plane, line after line."""
        movie = self.movie
        self._box.set_open(True)
        for t in range(movie.times):
            self._live_until(t * movie.interval_s)
            for z, offset_um in enumerate(movie.offsets_um()):
                self._bench.z_um = float(offset_um)
                for c, line in enumerate(movie.lines):
                    yield self._take(Index(t, c, z, 0), line)

    def _live_until(self, t_s: float) -> None:
        """Let the specimen live, and look at it now and then."""
        specimen = self._bench.specimen
        while specimen.t_s < t_s:
            specimen.advance_to(min(specimen.t_s + LOOK_S, t_s))
            self.lineages.look(specimen.truth(), specimen.t_s)
        self._t_s = t_s

    def _take(self, index: Index, line: str) -> Taken:
        movie = self.movie
        height, width = movie.shape
        self._box.set_power(line, movie.power_fraction)
        pixels = np.empty(movie.shape, np.uint16)
        self._bench.expose(
            movie.exposure_ms * 1e-3, Window(0, 0, width, height), pixels, lambda s: s or 0.0
        )
        self._box.set_power(line, 0.0)
        seen = self._seen.pop()
        dose = seen.dose_j_cm2(movie.lines)
        return Taken(pixels, index, line, seen, self.lineages.look(seen.nuclei, seen.t_s, dose))
