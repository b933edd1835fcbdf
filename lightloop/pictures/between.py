"""Planes between the planes of a stack, for the eye alone: which there are to draw, and drawn."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from lightloop.pictures.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from models.axial import AxialInterpolator, Shown
    from models.axial_check import PlaneError
    from models.read_out import Denoised

    Raw = NDArray[np.uint16]
    Planes: TypeAlias = Mapping[int, tuple[Raw, float]]
    """Frame of each plane by its number, and its height, um."""

_AROUND = 4
"""Planes that are remembered as the network sees them."""
_EVEN = 0.02
"""Distances of planes are even if they differ by less than this share."""


class PlanesBetween:
    """Draws what lies between the planes of one shot.

    Parameters
    ----------
    axial
        The network.
    between
        Planes to draw between each two; 0 draws those of the plan that were left out.
    believe
        What planes that were taken say of those that are drawn in a field; None: nothing yet.
    clock
        Tells the time, ns.

    Attributes
    ----------
    pace
        How long one takes.
    """

    def __init__(
        self,
        axial: AxialInterpolator,
        between: int = 1,
        believe: Callable[[int], PlaneError | None] = lambda position: None,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._axial, self._between, self._believe = axial, between, believe
        self._clock = clock
        self._shown: dict[int, Shown] = {}
        self.pace = Pace()

    @property
    def model_id(self) -> str:
        """Which network draws."""
        return self._axial.model_id

    def warm_up(self, empty: Raw) -> None:
        """Draw from an empty frame, and note how long it takes.

        Raises
        ------
        ModelError
            If the network does not run.
        """
        began_ns = self._clock()
        self._axial(empty, empty, 1.0)
        self.pace.ns = self._clock() - began_ns

    def count(self, planes: Planes) -> int:
        """Return how many planes there are to draw."""
        return sum(len(self._to_draw(*both)) for both in pairwise(sorted(planes)))

    def draw(self, planes: Planes, position: int) -> Iterator[tuple[float, Denoised]]:
        """Yield each plane's number, a part of the way between its neighbours', and its image.

        An image is valid until the next one.

        Raises
        ------
        ModelError
            If the network fails.
        """
        drawn, began_ns = 0, self._clock()
        self._axial.believe(self._believe(position))
        zs = sorted(planes)
        around = zip([None, *zs], zs, zs[1:], [*zs[2:], None], strict=False)
        for below, lower, upper, above in around:
            dz_um = _apart_um(planes, lower, upper)
            if dz_um <= 0:
                continue  # a stage that does not say where it is
            for fraction in self._to_draw(lower, upper):
                answer = self._axial(
                    self._look(planes, lower),
                    self._look(planes, upper),
                    dz_um,
                    fraction,
                    self._look_if_even(planes, below, lower, dz_um),
                    self._look_if_even(planes, above, upper, dz_um),
                )
                drawn += 1
                yield lower + fraction * (upper - lower), answer
        self.pace.ns = (self._clock() - began_ns) // max(drawn, 1)

    def forget(self) -> None:
        """Make ready for the next shot; the memory of what was shown is used again."""
        self._shown = {-1 - k: one for k, one in enumerate(self._shown.values())}

    def close(self) -> None:
        """Free the network."""
        self._axial.close()

    def _to_draw(self, lower: int, upper: int) -> list[float]:
        """Return the planes to draw between two that were taken, as parts of the way."""
        steps = self._between + 1 if self._between else upper - lower
        if self._between and upper - lower > 1:  # a frame that was lost
            return []
        return [k / steps for k in range(1, steps)]

    def _look_if_even(
        self, planes: Planes, far: int | None, near: int, dz_um: float
    ) -> Shown | None:
        """Look at a plane if it is as far from the next one as that from its own."""
        if far is None or abs(_apart_um(planes, far, near) - dz_um) >= _EVEN * dz_um:
            return None
        return self._look(planes, far)

    def _look(self, planes: Planes, z: int) -> Shown:
        """Return what the network sees of a plane; each is looked at once."""
        if z not in self._shown:
            out = self._shown.pop(min(self._shown)) if len(self._shown) >= _AROUND else None
            self._shown[z] = self._axial.show(planes[z][0], out)
        return self._shown[z]


def _apart_um(planes: Planes, one: int, other: int) -> float:
    """Return how far two planes are from each other, um."""
    return abs(planes[one][1] - planes[other][1])
