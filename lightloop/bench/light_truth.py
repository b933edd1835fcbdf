"""What was really there: the cells of a field over time, and those of its unlit twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lightloop.bench.light_score import Forest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Nuclei

MARGIN_PX = 12.0
"""Nobody is judged by cells whose centre is nearer to the rim of the image: they are cut off."""


@dataclass(slots=True)
class Field:
    """Collects the cells of the field of view, shot by shot; the stage stands at the origin."""

    config: SimulatedScopeConfig
    _shots: list[NDArray[np.int64]] = field(default_factory=list)
    _places: list[NDArray[np.float64]] = field(default_factory=list)
    _before: list[NDArray[np.int64]] = field(default_factory=list)
    _last: dict[int, int] = field(default_factory=dict)
    _n_nodes: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the field, pixels."""
        return self.config.height, self.config.width

    def add(self, nuclei: Nuclei) -> None:
        """Note who is in the field of view at the next shot."""
        config, shot = self.config, len(self._shots)
        y_px = nuclei.y_um / config.pixel_um + 0.5 * (config.height - 1)
        x_px = nuclei.x_um / config.pixel_um + 0.5 * (config.width - 1)
        seen = (y_px > -0.5) & (y_px < config.height - 0.5)
        seen &= (x_px > -0.5) & (x_px < config.width - 0.5)
        seen &= is_alive(nuclei)
        ids, parents = nuclei.ids[seen].tolist(), nuclei.parents[seen].tolist()
        last = self._last
        before = [
            last.get(me, last.get(mother, -1)) for me, mother in zip(ids, parents, strict=True)
        ]
        self._last = {me: self._n_nodes + i for i, me in enumerate(ids)}
        self._n_nodes += len(ids)
        self._shots.append(np.full(len(ids), shot, np.int64))
        self._places.append(np.column_stack((y_px[seen], x_px[seen])))
        self._before.append(np.array(before, np.int64))

    def forest(self) -> Forest:
        """Return all cells that were in the field, with their links."""
        return Forest(
            np.concatenate(self._shots),
            np.concatenate(self._places),
            np.concatenate(self._before),
        )


def is_alive(nuclei: Nuclei) -> NDArray[np.bool_]:
    """Return which nuclei are to be followed: dead ones may be, but nobody has to."""
    from acquire.simulated.specimen.cells import Phase

    alive: NDArray[np.bool_] = nuclei.phase < Phase.DYING
    return alive


def near_rim(place_px: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which places (N, 2) are too near to the rim of the image to be judged."""
    low = (place_px < MARGIN_PX).any(axis=1)
    high = (place_px > np.array(shape) - 1 - MARGIN_PX).any(axis=1)
    return np.asarray(low | high, np.bool_)


def quarter(place_px: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return which quarter of the field each place is in, 0 to 3, (N,)."""
    low_y, low_x = (place_px < 0.5 * np.array(shape)).T
    return np.asarray(2 * low_y + low_x, np.intp)


def unlit(config: SimulatedScopeConfig, times_s: Iterable[float]) -> Forest:
    """Return the cells of the unlit twin: the same biology, and nobody ever gave light."""
    from acquire.simulated.specimen.specimen import Specimen

    specimen, seen = Specimen(config), Field(config)
    for t_s in times_s:
        specimen.advance_to(t_s)
        seen.add(specimen.truth())
    return seen.forest()


def divisions(forest: Forest) -> int:
    """Return how many cells divided in the field."""
    return sum(len(after) > 1 for after in forest.after())
