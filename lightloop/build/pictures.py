"""Open what draws images for the eye alone, as a run's config names it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from lightloop.build.pipeline import load_package
from lightloop.build.restoring import maps_of, moment_of
from lightloop.config import MicroManagerConfig
from lightloop.pictures.pictures import MOST_OF_REST, MOST_PLANES, Pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from lightloop.config import RunConfig
    from lightloop.pictures.esrrf import EsrrfPictures
    from models.axial_check import PlaneError
    from models.stabiliser import PixelMaps
    from realtime.wire import CameraInfo, RestoredSlot


def pictures_a_shot(config: RunConfig) -> int:
    """Return how many pictures a shot may have."""
    wanted, planes = config.network, config.sequence().sizes.get("z", 0)
    gaps = max(min(planes, MOST_PLANES) - 1, 0)
    fine = int(bool(wanted.superres)) + int(bool(wanted.esrrf))
    if wanted.axial_skip > 1:  # between two that are taken, as many as may be left out
        return fine + planes
    return fine + (gaps * wanted.axial_planes if wanted.axial else 0)


def finer_pixels(config: RunConfig) -> int:
    """Return how many pixels of the finest picture lie along one of the camera's."""
    return 2 if config.network.superres or config.network.esrrf else 1


def build_drawing(
    config: RunConfig,
    camera: CameraInfo,
    keep: Callable[[NDArray[np.float32]], RestoredSlot],
    believe: Callable[[int], PlaneError | None] = lambda position: None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Pictures | None:
    """Open what draws images for viewers, networks and eSRRF; None where the config names none.

    Parameters
    ----------
    believe
        What planes that were taken say of those that are drawn in a field; None: nothing yet.
    clock
        Tells the time, ns.

    Raises
    ------
    ModelError
        If one cannot be used.
    """
    from models.axial import AxialInterpolator
    from models.stated import Stated
    from models.superres import SuperResolver

    wanted, known = config.network, camera.calibration
    if not (wanted.superres or wanted.axial or wanted.esrrf):
        return None
    shape, maps = (camera.height, camera.width), maps_of(camera)
    how = (*_numbers_of(known), wanted.engine, wanted.precision, wanted.threads, maps)
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
    rolling = _build_esrrf(config, camera, maps, keep, clock)
    drawing = Pictures(
        shape, fine, between, keep, planes, MOST_OF_REST, clock, believe, stated, rolling
    )
    try:
        drawing.warm_up()
    except BaseException:
        drawing.close()
        raise
    return drawing


def _numbers_of(camera: Calibration) -> tuple[float, float, float]:
    return camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e


def _build_esrrf(
    config: RunConfig,
    camera: CameraInfo,
    maps: PixelMaps | None,
    keep: Callable[[NDArray[np.float32]], RestoredSlot],
    clock: Callable[[], int],
) -> EsrrfPictures | None:
    wanted = config.network
    if not wanted.esrrf:
        return None
    from lightloop.pictures.esrrf import EsrrfPictures
    from models.electrons import Electrons

    return EsrrfPictures(
        (camera.height, camera.width),
        Electrons(*_numbers_of(camera.calibration), maps),
        keep,
        partial(moment_of, pixel_um=camera.pixel_um),
        wanted.esrrf,
        wanted.esrrf_frames,
        clock,
    )


def depth_of_field_of(config: RunConfig) -> float:
    """Return the depth of field of a run's objective, um."""
    from models.axial import depth_of_field_um

    scope = config.scope
    if config.network.depth_of_field_um or isinstance(scope, MicroManagerConfig):
        return config.network.depth_of_field_um
    return depth_of_field_um(scope.emission_nm, scope.numerical_aperture, scope.immersion_index)
