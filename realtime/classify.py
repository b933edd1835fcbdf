"""The place where a classifier of one's own is put in: it looks at what the detector found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from realtime.detections import Detections


class Classified:
    """A detector whose cells are also told apart by kind.

    It is handed to a pipeline in place of the detector (`realtime.pipeline.Steps.detect`). None is
    shipped: what kinds there are, whoever looks must say.

    Parameters
    ----------
    detect
        Finds cells; whatever else is asked of this object, it is asked.
    classify
        Takes the image, photo-electrons, (Y, X) float32, and the N cells that were found in it;
        returns the probability of each of K kinds for each cell, (N, K). A cell of which it knows
        nothing has NaN. The image is valid during the call only.
    """

    def __init__(
        self,
        detect: Callable[[NDArray[np.float32]], Detections],
        classify: Callable[[NDArray[np.float32], Detections], NDArray[np.float64]],
    ) -> None:
        self._detect, self._classify = detect, classify

    def __call__(self, image: NDArray[np.float32]) -> Detections:
        """Find the cells of an image, and say of what kind they are."""
        found = self._detect(image)
        return replace(found, classes=np.asarray(self._classify(image, found), np.float64))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of this object, and it is not there: while it is copied
            raise AttributeError(name)
        return getattr(self._detect, name)
