"""From a config to what finds the cells of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from lightloop.config import RunConfig
    from realtime.detections import Detections


def build_detector(
    config: RunConfig, read_noise_e: float
) -> Callable[[NDArray[np.float32]], Detections]:
    """Build what finds the cells of an image in photo-electrons.

    Raises
    ------
    ModelError
        If a network is wanted that is not there, or is for another task.
    """
    from realtime.detect import Detector
    from realtime.detecting.masks import MaskDetector
    from realtime.detecting.spots import SpotDetector

    wanted, network = config.detect, config.network
    if wanted.kind == "spots":
        return SpotDetector(wanted, read_noise_e)
    plain = Detector(wanted, read_noise_e)
    if not wanted.network:
        return plain
    from lightloop.build.pipeline import load_package
    from models.segment import USUAL_DIAMETER_PX, Segmenter, check_segmenter

    package = load_package(wanted.network, task="segment")
    check_segmenter(package)

    def open_it(shape: tuple[int, int]) -> Segmenter:
        engine, precision = network.engine, network.precision
        return Segmenter(package, shape, read_noise_e, engine, precision, network.threads)

    return MaskDetector(wanted, read_noise_e, USUAL_DIAMETER_PX, open_it, plain)
