"""Crops of a user's takes: in photo-electrons, and in the light of the image they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.train.own.exposures import Relation, at_rest, relate
from models.train.own.pieces import same_relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.train.own.examples import Example, Spot
    from models.train.own.takes import Take

    Image = NDArray[np.float32]

_PAIRS_FOR_A_FIT = 8


class Crops:
    """Cuts crops out of takes; of pairs it knows how their exposures are related."""

    def __init__(self, takes: Sequence[Take]) -> None:
        self._takes = takes
        self._relations: dict[tuple[int, int, float], Relation] = {}

    def fit_relations(self, examples: Sequence[Example]) -> list[Relation]:
        """Fit gain and offset between the exposures of pairs; return what was found.

        Pairs of the same two takes and the same ratio of light are fitted together.
        """
        groups: dict[tuple[int, int, float], list[Example]] = {}
        for example in examples:
            groups.setdefault(same_relation(example), []).append(example)
        for key, members in groups.items():
            picked = members[:: max(len(members) // _PAIRS_FOR_A_FIT, 1)][:_PAIRS_FOR_A_FIT]
            first = np.vstack([self._whole(e.images[-1]) for e in picked])
            second = np.vstack([self._whole(e.target) for e in picked])
            read = self._takes[key[0]].camera.read_noise_e
            self._relations[key] = relate(first, second, read, float(picked[0].gain))
        return list(self._relations.values())

    def target(
        self, example: Example, window: tuple[slice, slice], image: Image, read: float
    ) -> tuple[Image, float, Image]:
        """Return the target in the input's light, its scale, and where nothing moved."""
        relation = self._relations.get(
            same_relation(example), Relation(example.gain, 0.0, is_fitted=False)
        )
        camera = self._takes[example.target.take].camera
        adu = self.adu(example.target, window)
        second = camera.electrons(adu)
        rest = at_rest(image, second, read, relation) * ~camera.is_clipped(adu)
        scale = 1.0 / relation.gain
        return np.asarray(scale * (second - relation.shift_e), np.float32), scale, rest

    def electrons(
        self, spot: Spot, window: tuple[slice, slice], last: Take, example: Example
    ) -> Image:
        """Return a crop in photo-electrons, brought to the light of the last image."""
        take = self._takes[spot.take]
        electrons = take.camera.electrons(self.adu(spot, window))
        light, wanted = take.light[spot.frame], last.light[example.images[-1].frame]
        return electrons * np.float32(wanted / light) if light > 0 and wanted > 0 else electrons

    def adu(self, spot: Spot, window: tuple[slice, slice]) -> NDArray[np.uint16]:
        """Return a crop as it was recorded, counts."""
        return self._takes[spot.take].frames[spot.frame][window]

    def _whole(self, spot: Spot) -> Image:
        take = self._takes[spot.take]
        return take.camera.electrons(take.frames[spot.frame])
