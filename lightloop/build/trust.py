"""What judges the frames of a camera: its gates see each pixel as the network does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.build.restoring import maps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from lightloop.config import RunConfig
    from models.package import Package
    from realtime.judging.focus import FocusGate
    from realtime.policy import Trust
    from realtime.trust import TrustWatch
    from realtime.wire import CameraInfo


def build_judge(
    camera: Calibration, package: Package | None
) -> Callable[[NDArray[np.uint16], NDArray[np.float32]], Trust]:
    """Build what judges a frame where there is no `TrustWatch`."""
    from realtime.judging.gates import Distrust, ResidualGate, trust_without_network

    if camera.distrust:  # its noise is not that of light: no image may vouch for less light
        return Distrust(camera.distrust)
    if package is None:
        return trust_without_network
    return ResidualGate(camera, package.manifest.limits, package.manifest.photons_max_e)


def build_watch(camera: CameraInfo, package: Package | None) -> TrustWatch | None:
    """Build what judges a network's frames; None without one, or for a camera that none may judge.

    Raises
    ------
    ModelError
        If the package's reference of what it was trained for is damaged.
    """
    from models.type_shift import load_types
    from realtime.trust import TrustWatch

    calibration = camera.calibration
    if package is None or calibration.distrust:
        return None
    known, shape = package.manifest, (camera.height, camera.width)
    return TrustWatch(
        shape, calibration, known.limits, known.photons_max_e, known.conformal,
        load_types(package), maps_of(camera),
    )  # fmt: skip


def build_focus_gate(config: RunConfig, camera: CameraInfo) -> FocusGate:
    """Build what tells blurred cells from bleached ones."""
    from models.focus import SharpnessMeter
    from realtime.judging.focus import FocusGate

    known = camera.calibration
    numbers = (known.gain_adu_per_e, known.offset_adu, known.read_noise_e)
    return FocusGate(
        SharpnessMeter(
            *numbers, config.detect.diameter_px, maps_of(camera), known.excess_noise_factor
        )
    )
