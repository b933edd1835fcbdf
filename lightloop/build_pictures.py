"""Open the networks whose images are for the eye alone, as a run's config names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.build import load_package
from lightloop.config import MicroManagerConfig
from lightloop.pictures import MOST_OF_REST, MOST_PLANES, Pictures
from lightloop.restoring import maps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from lightloop.config import RunConfig
    from models.axial_check import PlaneError
    from realtime.wire import CameraInfo, RestoredSlot


def pictures_a_shot(config: RunConfig) -> int:
    """Return how many pictures a shot may have."""
    wanted, planes = config.network, config.sequence().sizes.get("z", 0)
    gaps = max(min(planes, MOST_PLANES) - 1, 0)
    if wanted.axial_skip > 1:  # between two that are taken, as many as may be left out
        return int(bool(wanted.superres)) + planes
    return int(bool(wanted.superres)) + (gaps * wanted.axial_planes if wanted.axial else 0)


def build_drawing(
    config: RunConfig,
    camera: CameraInfo,
    keep: Callable[[NDArray[np.float32]], RestoredSlot],
    believe: Callable[[int], PlaneError | None] = lambda position: None,
) -> Pictures | None:
    """Open the networks whose images are for viewers; None where the config names none.

    Parameters
    ----------
    believe
        What planes that were taken say of those that are drawn in a field; None: nothing yet.

    Raises
    ------
    ModelError
        If one cannot be used.
    """
    from models.axial import AxialInterpolator
    from models.stated import Stated
    from models.superres import SuperResolver

    wanted, known = config.network, camera.calibration
    if not (wanted.superres or wanted.axial):
        return None
    shape, maps = (camera.height, camera.width), maps_of(camera)
    numbers = (known.gain_adu_per_e, known.offset_adu, known.read_noise_e)
    how = (*numbers, wanted.engine, wanted.precision, wanted.threads, maps)
    fine = between = None
    stated: dict[str, Stated] = {}
    if wanted.superres:
        package = load_package(wanted.superres, "superres")
        fine, stated["superres"] = SuperResolver(package, shape, *how), Stated(package.manifest)
    if wanted.axial:
        package, depth_um = load_package(wanted.axial, "axial"), depth_of_field_of(config)
        between = AxialInterpolator(package, shape, *how, depth_of_field_um=depth_um)
        stated["axial"] = Stated(package.manifest)
    planes = 0 if wanted.axial_skip > 1 else wanted.axial_planes
    drawing = Pictures(
        shape, fine, between, keep, planes, MOST_OF_REST, believe=believe, stated=stated
    )
    try:
        drawing.warm_up()
    except BaseException:
        drawing.close()
        raise
    return drawing


def depth_of_field_of(config: RunConfig) -> float:
    """Return the depth of field of a run's objective, um."""
    from models.axial import depth_of_field_um

    scope = config.scope
    if config.network.depth_of_field_um or isinstance(scope, MicroManagerConfig):
        return config.network.depth_of_field_um
    return depth_of_field_um(scope.emission_nm, scope.numerical_aperture, scope.immersion_index)
