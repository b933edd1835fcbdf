"""Open what compares planes that may be skipped with those that were taken after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.build.pictures import depth_of_field_of
from lightloop.build.pipeline import load_package
from lightloop.build.restoring import maps_of
from lightloop.predict.skips import skips_of

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from realtime.planes.watch import PlaneWatch
    from realtime.wire import CameraInfo


def build_plane_watch(config: RunConfig, camera: CameraInfo) -> PlaneWatch | None:
    """Open the network that draws skipped planes; None where none are skipped.

    Raises
    ------
    ModelError
        If it cannot be used.
    """
    from models.axial import AxialInterpolator
    from models.electrons import Electrons
    from realtime.planes.watch import PlaneWatch

    plan = skips_of(config)
    if plan is None:
        return None
    wanted, known, maps = config.network, camera.calibration, maps_of(camera)
    numbers = (known.gain_adu_per_e, known.offset_adu, known.read_noise_e)
    axial = AxialInterpolator(
        load_package(wanted.axial, "axial"), (camera.height, camera.width), *numbers,
        wanted.engine, wanted.precision, wanted.threads, maps,
        depth_of_field_um=depth_of_field_of(config),
    )  # fmt: skip
    watch = PlaneWatch(plan, axial, Electrons(*numbers, maps, known.excess_noise_factor))
    try:
        watch.warm_up((camera.height, camera.width))
    except BaseException:
        watch.close()
        raise
    return watch
