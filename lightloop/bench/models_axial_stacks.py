"""Stacks whose noise-free planes are known: of the training's kind, and of the microscope's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.axial import depth_of_field_um

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stack = NDArray[np.float64]
    Planes = dict[int, NDArray[Any]]

AWAY = (-5, -3, -2, -1, 0, 1, 2, 3, 5)
"""Steps from the plane that is wanted to those that are taken; at -2 and 2 others that are not."""
MICROSCOPE_PX = 192
_CORNER_PX, _HEIGHT_UM = 128, 20.0
"""Where in the gel: some way off its edges (proposed)."""


class Seen(NamedTuple):
    """Stacks from a microscope: planes by their steps from the wanted one, 0 to about 1."""

    stacks: list[Planes]
    aperture: float
    depth_of_field_um: float


def around(stack: Stack, step: int) -> Planes:
    """Return the planes of a stack (Z, Y, X) by their steps from its middle, as far as it goes."""
    middle = len(stack) // 2
    found = {away: middle + away * step for away in AWAY}
    return {away: stack[k] for away, k in found.items() if 0 <= k < len(stack)}


def microscope(step_um: float, stacks: int) -> Seen:
    """Return nuclei in a gel through the simulated microscope's own PSF (Gibson & Lanni)."""
    from acquire.simulated.optics.optics import Optics, Window
    from acquire.simulated.presets import preset
    from acquire.simulated.specimen.specimen import Specimen

    made, config = [], preset("nuclei-3d")
    for seed in range(1, stacks + 1):
        config = preset("nuclei-3d", seed)
        nuclei, optics = Specimen(config).truth(), Optics(config)
        window = Window(_CORNER_PX, _CORNER_PX, MICROSCOPE_PX, MICROSCOPE_PX)
        planes = {
            away: optics.expected(
                nuclei, nuclei.dye, 1.0, (0.0, 0.0), _HEIGHT_UM + away * step_um, window
            ).astype(float)
            for away in AWAY
        }
        top = float(np.quantile(planes[0], 0.998))
        made.append({away: plane / top for away, plane in planes.items()})
    field_um = depth_of_field_um(
        config.emission_nm, config.numerical_aperture, config.immersion_index
    )
    return Seen(made, config.numerical_aperture, field_um)
