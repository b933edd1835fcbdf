"""Where the worker works: its pipeline, and what has to be opened and closed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.build.pictures import build_drawing
from lightloop.build.pipeline import build_pipeline
from lightloop.build.planes import build_plane_watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    import numpy as np
    from numpy.typing import NDArray

    from lightloop.config import RunConfig
    from lightloop.pictures.pictures import Pictures
    from models.axial_check import PlaneError
    from realtime.memory import Past
    from realtime.pipeline import Pipeline
    from realtime.planes.watch import PlaneWatch
    from realtime.wire import RestoredSlot, Start


class Workplace:
    """Builds the pipeline, a second time where a replay asks for it, and what it stands on.

    Parameters
    ----------
    keep
        Puts a restored image where viewers find it; None if nobody looks.
    owned
        Closes, at the end, what was opened here.
    has_viewers
        Whether there is a window that wants pictures.
    """

    def __init__(
        self,
        config: RunConfig,
        start: Start,
        keep: Callable[[NDArray[np.float32]], RestoredSlot] | None,
        owned: ExitStack,
        *,
        has_viewers: bool,
    ) -> None:
        self._config, self._start, self._keep, self._owned = config, start, keep, owned
        self._planes: PlaneWatch | None = None
        self._drawing: Pictures | None = None
        if keep is not None and has_viewers:
            self._drawing = build_drawing(config, start.cameras[0], keep, self._said)
        if self._drawing is not None:
            owned.callback(self._drawing.close)

    def build(self, past: Past | None) -> Pipeline:
        """Return a pipeline that has seen nothing yet."""
        self._planes = build_plane_watch(self._config, self._start.cameras[0])
        if self._planes is not None:
            self._owned.callback(self._planes.close)
        return build_pipeline(
            self._config, self._start, self._keep, self._drawing, self._planes, past
        )

    def _said(self, position: int) -> PlaneError | None:
        return self._planes.said(position) if self._planes is not None else None
