"""What a taught network learnt from looks like, so that a run can tell what it never saw.

The textures of the restored training images (`models.type_shift`) make the reference. A recording
shows one kind of specimen in one light, though, and light will change: so how far textures may
spread is taken from the recording and from the network it began with, half and half, around what
the recording shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.denoise import Denoiser
from models.type_shift import COUNT, WINDOW_PX, TypeReference, features, fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.package import Package
    from models.train.own.examples import Example
    from models.train.own.takes import Take

    Textures = NDArray[np.float64]

_MOST_FRAMES = 150
LEAST_ALONE, LEAST_BESIDE = 20 * COUNT, 4
"""Windows that make a reference by themselves, and beside that of another network (proposed)."""


def own_types(
    package: Package,
    takes: Sequence[Take],
    examples: Sequence[Example],
    began_with: TypeReference | None,
) -> TypeReference | None:
    """Return the reference of a taught denoiser; None where too little was seen to say.

    Parameters
    ----------
    examples
        What it learnt from.
    began_with
        Reference of the package that it began with, if it has one.
    """
    seen = np.array(list(_textures(package, takes, examples)), np.float64).reshape(-1, COUNT)
    return combine(seen, began_with)


def combine(seen: Textures, began_with: TypeReference | None) -> TypeReference | None:
    """Return a reference around textures that were seen, (N, 15); None if they are too few."""
    if len(seen) < (LEAST_ALONE if began_with is None else LEAST_BESIDE):
        return None
    if began_with is None:
        return fit(seen)
    before = np.linalg.inv(began_with.whiten.T @ began_with.whiten)
    mean = seen.mean(axis=0)
    spread = (seen - mean).T @ (seen - mean) / len(seen)
    values, vectors = np.linalg.eigh(0.5 * (spread + before))
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-9))).T
    distances = np.linalg.norm((seen - mean) @ whiten.T, axis=1)
    return TypeReference(mean, whiten, float(max(began_with.far, distances.max())))


def _textures(
    package: Package, takes: Sequence[Take], examples: Sequence[Example]
) -> Iterator[Textures]:
    """Yield the textures of restored windows, at most 256 px wide."""
    spots = dict.fromkeys((e.images[-1].take, e.images[-1].frame) for e in examples)
    chosen = list(spots)[:: max(len(spots) // _MOST_FRAMES, 1)]
    for index in dict.fromkeys(take for take, _ in chosen):
        one = takes[index]
        height, width = one.frames[0].shape
        camera = one.camera
        known = (camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e)
        denoiser = Denoiser(package, (height, width), *known)
        try:
            for number in (frame for take, frame in chosen if take == index):
                denoiser.forget()
                photons = denoiser(one.frames[number]).photons
                for y in range(0, max(height - WINDOW_PX, 0) + 1, WINDOW_PX):
                    for x in range(0, max(width - WINDOW_PX, 0) + 1, WINDOW_PX):
                        window = photons[y : y + WINDOW_PX, x : x + WINDOW_PX]
                        found = features(window, camera.read_noise_e)
                        if found is not None and np.isfinite(found).all():
                            yield found
        finally:
            denoiser.close()
