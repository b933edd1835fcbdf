"""Learns to tell cells apart from a run whose cells were labelled.

The run's images are looked at as the run itself did: by its denoiser and its detector. So what is
learnt is what a run will see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from lightloop.config import parse
from lightloop.recordings.recording import open_recording
from lightloop.tracking.eye import Eye, Wanted
from realtime.errors import KindsError
from realtime.export.cell_reading import field_cells
from realtime.kinds.learning import Examples, learn
from realtime.kinds.looks import LOOKS, looks_of
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightloop.learning.kinds_labels import Label
    from lightloop.recordings.recording import TimePoint
    from realtime.export.cells import Sighting
    from realtime.kinds import Classifier

NEAR = 0.5
"""A detection is the labelled cell if it is nearer than this share of its radius (proposed)."""


class _Labelled:
    """Of what kind the cells of a run are, where somebody said it."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.names = tuple(dict.fromkeys(sorted(label.kind for label in labels)))
        number = {name: n for n, name in enumerate(self.names)}
        self._kinds = {label[:3]: number[label.kind] for label in labels}

    def kind_of(self, position: int, cell: int, t: int) -> int:
        """Return the number of a cell's kind; -1 if nobody said it."""
        always = self._kinds.get((position, cell, None), -1)
        return self._kinds.get((position, cell, t), always)


def classify(
    run: Path,
    labels: Sequence[Label],
    show: Callable[[int, int], object] = lambda done, total: None,
) -> Classifier:
    """Return a classifier of cells, learnt from a run and the labels of some of its cells.

    Parameters
    ----------
    show
        Told how many of how many time points were looked at.

    Raises
    ------
    RunFileError, KindsError, ModelError
        If the run, the labels or the run's network cannot be used.
    """
    told = _Labelled(labels)
    looks: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []
    kinds: list[int] = []
    cells: list[int] = []
    with open_recording(run) as film, RunReader(run) as reader:
        if not film.is_run or not reader.start.config_toml:
            raise KindsError(f"{run}: is no run of lightloop that followed cells")
        config = parse(reader.start.config_toml, reader.name)
        seen = {field.position: field for field in field_cells(reader)}
        eye = Eye(film, Wanted(config.network.denoise, config.detect.diameter_px))
        try:
            total, done = sum(map(len, film.fields.values())), 0
            for position, points in film.fields.items():
                field = seen.get(position)
                shots = dict(zip(field.times, field.sightings, strict=True)) if field else {}
                for point in points:
                    known = [
                        (sighting, kind)
                        for sighting in shots.get(point.t, ())
                        if sighting.is_seen
                        and (kind := told.kind_of(position, sighting.cell, point.t)) >= 0
                    ]
                    which, found = _looks(eye, point, [one for one, _ in known], film.pixel_um)
                    looks.append(found)
                    kinds += [known[n][1] for n in which]
                    cells += [(position << 32) + known[n][0].cell for n in which]
                    done += 1
                    show(done, total)
        finally:
            eye.close()
    examples = Examples(np.concatenate(looks), np.array(kinds, int), np.array(cells, int))
    return learn(examples, told.names, run.name)


def _looks(
    eye: Eye, point: TimePoint, known: list[Sighting], pixel_um: float
) -> tuple[list[int], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Return which labelled cells are found again in a time point, and how they look."""
    found, whole = eye.find(point, [plane.read() for plane in point.planes])
    if not known or not len(found):
        return [], np.empty((0, len(LOOKS)))
    tree = cKDTree(np.column_stack((found.y_px, found.x_px)))
    away, which = tree.query([(one.y_px, one.x_px) for one in known])
    near = away < NEAR * np.sqrt(np.maximum(found.area_px[which], 1.0) / np.pi)
    return np.flatnonzero(near).tolist(), looks_of(whole, found, pixel_um)[which[near]]
