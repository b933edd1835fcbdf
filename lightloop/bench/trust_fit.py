"""Fit the scales of a shipped denoiser to loops: ``python -m lightloop.bench.trust_fit``.

As `models.train.trust` does, but with the policy itself in charge of the light. The seeds are none
of the bench's: what is fitted here is judged on scenes that nobody has seen.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightloop.bench import trust_jobs
from lightloop.bench.trust import PACKAGE
from lightloop.bench.trust_cover import joined
from models import conformal
from models.package import Package, shipped
from models.train.seal import seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightloop.bench.trust_cover import Points

CLOSED_SEEDS, OPEN_SEEDS = {5003: 40, 5006: 40}, {5004: 40, 5007: 80}
"""Seeds, and pieces of each."""
CLOSED_SCENES, OPEN_SCENES = 50, 75
"""Loops, and scenes, of a piece: 4,000 loops of six frames and 9,000 scenes in all. With a third of
them, chance alone moved an octave's share by 0.02."""


def work(most_pieces: int = 80) -> list[trust_jobs.Job]:
    """Return all pieces of work, or so many of each seed."""
    return [
        trust_jobs.Job(kind, (seed, number), scenes)
        for kind, seeds, scenes in (
            ("loops", CLOSED_SEEDS, CLOSED_SCENES),
            ("open", OPEN_SEEDS, OPEN_SCENES),
        )
        for seed, pieces in seeds.items()
        for number in range(min(pieces, most_pieces))
    ]


def fit(drawn: Points, led: Points) -> dict[str, float]:
    """Return the scales, from what was seen in drawn light and in loops; both count alike."""
    scales: dict[str, float] = {}
    for region in ("cells", "background"):
        both = [np.array([point.seen for point in points[region]]) for points in (drawn, led)]
        weight = np.concatenate([np.full(len(rows), 1.0 / len(rows)) for rows in both])
        stated, true, mean, contrast = np.concatenate(both).T
        scales |= conformal.fit(region, stated, true, mean, contrast, weight)
    return scales


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit a package and seal it again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default=PACKAGE, help="of the shipped package")
    name = parser.parse_args(arguments).name
    done = list(trust_jobs.run_all(name, work()))
    drawn, led = (
        joined([each.points for each in done if each.kind == kind]) for kind in ("open", "loops")
    )
    package = Package.load(shipped(name), task="denoise")
    seal(package.folder, msgspec.structs.replace(package.manifest, conformal=fit(drawn, led)))


if __name__ == "__main__":
    main()
