"""What stands between the worker's frames and its network: the camera's maps, memory, a way out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from acquire.calibrating.calibration_files import load_maps
from acquire.errors import CalibrationRefused
from lightloop.calibrate.calibrations import calibration_folder
from models.errors import FrameRefused
from models.history import Moment
from models.stabiliser import PixelMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from models.denoise import Denoised, Denoiser, Passthrough
    from realtime.policy import Trust
    from realtime.wire import CameraInfo

logger = logging.getLogger(__name__)


def moment_of(info: FrameInfo, pixel_um: float) -> Moment:
    """Return what a frame is of: its field and plane, its time, its light, and where it was.

    The two frames of an audit are looks at one moment: neither is the other's past.
    """
    shot, applied = info.shot, info.applied
    x_um, y_um, _ = info.position_um
    return Moment(
        field=(shot.position, info.index.c, info.index.z),
        t=info.index.t,
        look=-1 - shot.number if shot.is_audit else info.seq,
        light=applied.irradiance_w_cm2 * applied.exposure_read_ms,
        y_px=y_um / pixel_um,
        x_px=x_um / pixel_um,
    )


def introduce_to(restore: Fallback, pixel_um: float) -> Callable[[FrameInfo], None]:
    """Return what tells a restorer what its next frame is of."""

    def introduce(info: FrameInfo) -> None:
        restore.expect(moment_of(info, pixel_um))

    return introduce


def maps_of(camera: CameraInfo, folder: Path | None = None) -> PixelMaps | None:
    """Return the per-pixel maps of a camera's calibration; None if it has none that fit.

    A replay may run where the calibration is not: then the camera's numbers must do, and the log
    says so. What a restored image was made with stands in its `model_id`.
    """
    name = camera.calibration.id
    if not name:
        return None
    try:
        maps = load_maps(folder or calibration_folder(), name)
    except CalibrationRefused as error:
        logger.warning("the camera's numbers are used for every pixel alike: %s", error)
        return None
    shape = (camera.height, camera.width)
    if maps.offset_adu.shape != shape:
        logger.warning(
            "the maps of %s are of %s px, frames are %s: the camera's numbers are used for every "
            "pixel alike; measure it with this region and binning",
            name,
            maps.offset_adu.shape,
            shape,
        )
        return None
    return PixelMaps(maps.offset_adu, maps.read_noise_e, maps.gain_adu_per_e, maps.is_good)


class Fallback:
    """A network that is given up when it fails: the next engine, and at last the raw frames.

    Parameters
    ----------
    first
        The denoiser that was opened.
    others
        Open the next one; each is tried once, and may raise `ModelError`.
    raw
        What needs no network. Its images may not lower the light: see `doubt`.
    """

    def __init__(
        self,
        first: Denoiser,
        others: Iterable[Callable[[], Denoiser]],
        raw: Passthrough,
    ) -> None:
        self._now: Denoiser | Passthrough = first
        self.model_id = first.model_id
        self._others, self._raw = iter(others), raw
        self._denoiser: Denoiser | None = first
        self.why = ""

    def expect(self, moment: Moment) -> None:
        """Say what the next frame is of."""
        if self._denoiser is not None:
            self._denoiser.expect(moment)

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU, by whatever still runs."""
        while True:
            try:
                return self._now(adu)
            except FrameRefused:
                raise  # the frame is at fault, and no other engine would take it
            except RuntimeError as error:  # ModelError, and what an engine's own library raises
                if self._now is self._raw:
                    raise
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        failed = self._now
        logger.error("%s failed: %s", failed.model_id, error)
        failed.close()
        for open_next in self._others:
            try:
                self._now = self._denoiser = open_next()
            except RuntimeError as refused:
                logger.warning("not used instead: %s", refused)
                continue
            self.model_id = self._now.model_id
            logger.warning("from now on %s restores the images", self.model_id)
            return
        self._now, self._denoiser, self.model_id = self._raw, None, self._raw.model_id
        self.why = f"no network runs any more ({failed.model_id} failed: {error})"
        logger.error("%s: raw frames are shown, and no light is lowered by them", self.why)

    def doubt(self, trust: Trust) -> Trust:
        """Withdraw the trust where no network is left to be trusted."""
        if not self.why:
            return trust
        return msgspec.structs.replace(trust, is_trusted=False, why=self.why)

    def close(self) -> None:
        """Free what runs; may be called twice."""
        self._now.close()
