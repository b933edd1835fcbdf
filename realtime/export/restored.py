"""Restored images as films: what the worker decided on, as photo-electrons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.errors import RunFileError
from realtime.export.film import NOT_TAKEN
from realtime.export.images import Images
from realtime.export.values import dose_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.export.film import Film, Place
    from realtime.export.images import Values
    from realtime.export.values import Normaliser
    from realtime.run_file import RunReader

SAID = (
    "restored by a network from the first channel of each shot, its planes projected by their "
    "maximum; kept in half precision (each value within 0.05 %). Measure in raw images"
)

NOT_KEPT = "the restored image was not kept"


def restored_film(film: Film, kept: dict[int, str]) -> Film | None:
    """Return the places of a film that have a restored image; None if there are none.

    Parameters
    ----------
    kept
        The network by the number of each shot whose image was kept.
    """
    found: dict[Place, FrameInfo] = {}
    for place, info in film.infos.items():
        is_first = place.c == 0 and film.times[place.t][1] == 0
        if is_first and info.shot.number in kept:
            at = place._replace(z=0)
            if at not in found or info.index.z < found[at].index.z:
                found[at] = info
    if not found:
        return None
    fields = sorted({at.p for at in found})
    infos = {at._replace(p=fields.index(at.p)): info for at, info in found.items()}
    positions = tuple(film.positions[p] for p in fields)
    return replace(film, positions=positions, channels=film.channels[:1], n_planes=1, infos=infos)


class RestoredImages(Images):
    """Reads restored images; "electrons" are as they were, "per_dose" over the dose of a frame.

    A flat field is not taken off: the network has seen the uneven light, and restored that.
    """

    def __init__(
        self,
        reader: RunReader,
        film: Film,
        normaliser: Normaliser,
        models: tuple[str, ...],
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(reader, film, normaliser, progress)
        self._models = models
        self.holes = [
            hole._replace(why=NOT_KEPT) if hole.why == NOT_TAKEN else hole for hole in self.holes
        ]

    def about(self, values: Values) -> dict[str, Any]:
        """Return what a reader must know beside the pixels, ready for JSON."""
        said = super().about(values)
        return said | {"flat_field_of": [], "image": SAID, "restored_by": list(self._models)}

    def _image(self, values: Values, info: FrameInfo) -> NDArray[Any]:
        image = self._reader.restored(info.shot.number)
        if values == "electrons":
            return image
        dose = dose_of(info.applied)
        image *= np.float32(1.0 / dose) if dose else np.float32(np.nan)
        return image


def restored_images(
    reader: RunReader,
    films: list[Film],
    normaliser: Normaliser,
    progress: Callable[[], object],
) -> list[RestoredImages]:
    """Return the restored images of a run, one film for each that has some.

    Raises
    ------
    RunFileError
        If the run has none, or a row is damaged.
    """
    kept = {entry.shot: entry.model for entry in reader.restored_entries() if entry.is_kept}
    found = [one for film in films if (one := restored_film(film, kept)) is not None]
    if not found:
        raise RunFileError(
            f"{reader.name} keeps no restored images: `[record] restored = true` in a run's config "
            "asks for them"
        )
    models = tuple(dict.fromkeys(kept.values()))
    return [RestoredImages(reader, film, normaliser, models, progress) for film in found]
