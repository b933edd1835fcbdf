"""From a config to what tells cells apart by kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from lightloop.config import RunConfig
    from realtime.detections import Detections

    Detect = Callable[[NDArray[np.float32]], Detections]


def tell_apart(
    config: RunConfig, detect: Detect, pixel_um: float
) -> tuple[Detect, tuple[str, ...]]:
    """Return a detector whose cells are told apart, and the names of their kinds.

    It is the one that was given, and there are none, where no classifier is wanted.

    Raises
    ------
    KindsError
        If the classifier's file cannot be used.
    """
    if not config.kinds.file:
        return detect, ()
    from realtime.classify import Classified
    from realtime.kinds import read_classifier

    made = read_classifier(Path(config.kinds.file))
    told = Classified(detect, lambda image, found: made.of_cells(image, found, pixel_um))
    return told, made.kinds


def check_kinds(config: RunConfig, name: str) -> None:
    """Look at the classifier that the config names.

    Raises
    ------
    ConfigError
        If its file is missing, or cannot be used.
    """
    if not config.kinds.file:
        return
    from realtime.errors import KindsError
    from realtime.kinds import read_classifier

    try:
        read_classifier(Path(config.kinds.file))
    except KindsError as error:
        raise ConfigError(f"{name}: kinds.file: {error}") from error
