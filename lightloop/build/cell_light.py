"""The account of each cell's light, from what the config says of lights and sample."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.dose.action import action_weight
from acquire.dose.footprint import footprint_of
from lightloop.calibrate.calibrations import resolve
from lightloop.config import ConfigError
from realtime.cell_dose import CellDose

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from realtime.wire import CameraInfo

logger = logging.getLogger(__name__)


def build_cell_dose(config: RunConfig, camera: CameraInfo) -> CellDose | None:
    """Build the account of what each cell takes in this run; None where nobody is followed.

    It begins with the run: what the sample took in earlier ones is in the sample's own record, and
    a replay could not know it. Camera and stage are taken to be parallel.
    """
    if config.follow != "cells":
        return None
    try:
        config = resolve(config, "run config")
    except ConfigError as error:
        logger.warning("no dose of single cells: %s", error)
        return None
    pixel_um = camera.pixel_um
    return CellDose(
        {light.name: footprint_of(light, camera.chip_um) for light in config.light},
        (camera.height, camera.width),
        (pixel_um, 0.0, 0.0, pixel_um),
        axis_px=camera.axis_px,
        harm={x.name: action_weight(x.wavelength_nm) for x in config.light if x.is_calibrated},
    )
