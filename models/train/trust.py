"""Measure how far a network may be trusted: ``python -m models.train.trust PACKAGE_FOLDER``.

Simulated frames that it never saw are restored by the engine that users run; what their errors are,
beside those that the network states, goes into the package's manifest (`models.conformal`), and
what their textures are into ``trust.npz`` (`models.type_shift`). Networks for looking get scales
alone (`models.train.trust_looking`).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from models import conformal, conformal_pairs, type_shift
from models.package import Package
from models.regions import Regions, shrunk, split
from models.train.trust_films import (
    GAIN_ADU_PER_E,
    OFFSET_ADU,
    READ_NOISE_E,
    ROUNDING_E,
    Denoisers,
    Film,
    Known,
    Seen,
    compare,
    draw,
    frame,
    last_of_film,
    steered,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.denoise import Denoised

logger = logging.getLogger(__name__)

_FRAMES, _SEED = 4_000, 909
_PIECES = ((90_931, 4_500),)
_STEERED = ((90_932, 2_000),)
"""Seeds, and films of each: what the shipped `denoise-2d` was measured with."""


class Paired(NamedTuple):
    """The same without the truth, from a second frame: its squared error, and chance in that."""

    stated_e: float
    squared_e2: float
    chance_e2: float
    mean_e: float


def compare_pair(
    regions: Regions,
    answer: Denoised,
    again: NDArray[np.uint16],
    read_noise_e: float,
    *,
    cells: bool,
) -> Paired:
    """Return the stated error of a region, and what a second frame says of it."""
    assert answer.sd_e is not None
    again_e = (again.astype(np.float64) - OFFSET_ADU) / GAIN_ADU_PER_E
    noise_e = np.hypot(read_noise_e, ROUNDING_E)
    squared = conformal_pairs.squared_error(answer.photons, again_e, noise_e)
    small = shrunk(squared.astype(np.float32))
    mean = regions.mean(small, cells=cells)
    inside = regions.is_cell == int(cells)
    chance = float(small[inside].std() / np.sqrt(max(inside.sum(), 1))) if inside.any() else 0.0
    stated = float(np.sqrt(regions.mean(shrunk(answer.sd_e**2), cells=cells)))
    return Paired(stated, mean, chance, regions.mean(regions.photons, cells=cells))


def fit_by_pairs(package: Package, frames: int = _FRAMES, seed: int = _SEED) -> dict[str, float]:
    """Return the scales as a user's own camera can find them: from pairs of noisy frames."""
    rng = np.random.default_rng(seed)
    seen: dict[str, list[Paired]] = {"cells": [], "background": []}
    with Denoisers(package) as denoise:
        for known in _many(rng, frames):
            answer = denoise(frame(rng, known), known.camera)
            again, regions = frame(rng, known), split(answer.photons)
            read_e = READ_NOISE_E[known.camera]
            for region, rows in seen.items():
                rows.append(compare_pair(regions, answer, again, read_e, cells=region == "cells"))
    scales: dict[str, float] = {}
    for region, rows in seen.items():
        each = np.array([row for row in rows if np.isfinite(row).all()]).T
        scales |= conformal_pairs.fit_from_pairs(region, *each)
    return scales


def fit(
    package: Package,
    pieces: Sequence[tuple[int, int]] = _PIECES,
    steered_pieces: Sequence[tuple[int, int]] = _STEERED,
) -> dict[str, float]:
    """Return the scales for a package's manifest, from pieces of so many films by their seeds.

    Half of what they are learnt from are films in light that was drawn, half those in which it was
    led to the cells; the many frames of the one kind do not outvote the other.
    """
    with Denoisers(package) as denoise:
        drawn, led = (
            _rows(films)
            for films in (_drawn(denoise, pieces), _led(package, denoise, steered_pieces))
        )
    scales: dict[str, float] = {}
    for region in drawn:
        both = [np.array(rows[region]) for rows in (drawn, led) if rows[region]]
        weight = np.concatenate([np.full(len(rows), 1.0 / len(rows)) for rows in both])
        stated, true, mean, contrast = np.concatenate(both).T
        scales |= conformal.fit(region, stated, true, mean, contrast, weight)
    return scales


def _drawn(denoise: Denoisers, pieces: Sequence[tuple[int, int]]) -> Iterator[Film]:
    for seed, films in pieces:
        logger.info("%d films of seed %d", films, seed)
        rng = np.random.default_rng(seed)
        for _ in range(films):
            yield last_of_film(rng, denoise, in_any_light=0.0)


def _led(package: Package, denoise: Denoisers, pieces: Sequence[tuple[int, int]]) -> Iterator[Film]:
    for seed, films in pieces:
        logger.info("%d films of seed %d whose light is led", films, seed)
        rng = np.random.default_rng(seed)
        for _ in range(films):
            yield from steered(rng, denoise, package.manifest.photons_max_e)


def _rows(films: Iterator[Film]) -> dict[str, list[Seen]]:
    """Return what was stated and true of films' frames, by region."""
    seen: dict[str, list[Seen]] = {"cells": [], "background": []}
    for film in films:
        regions = split(film.answer.photons)
        for region, rows in seen.items():
            row = compare(regions, film.answer, film.known, cells=region == "cells")
            if np.isfinite(row).all() and row.stated_e > 0:
                rows.append(row)
    return seen


def fit_types(package: Package, frames: int = _FRAMES, seed: int = _SEED) -> None:
    """Write what training scenes look like into `trust.npz` of a package's folder."""
    rng = np.random.default_rng(seed)
    textures = []
    with Denoisers(package) as denoise:
        for known in _many(rng, frames):
            denoise.forget()
            answer = denoise(frame(rng, known), known.camera)
            texture = type_shift.features(answer.photons, READ_NOISE_E[known.camera])
            if texture is not None:
                textures.append(texture)
    reference = type_shift.fit(np.array(textures))
    np.savez(package.folder / type_shift.TRUST, **reference._asdict())


def _many(rng: np.random.Generator, frames: int) -> Iterator[Known]:
    for number in range(frames):
        if number % 500 == 0:
            logger.info("frame %d of %d", number, frames)
        yield draw(rng)


def main() -> None:
    """Fit a package and seal it again."""
    from models.train.seal import seal

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(prog="python -m models.train.trust", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the package")
    parser.add_argument("--pieces", type=_piece, nargs="+", default=_PIECES, metavar="SEED:FILMS")
    parser.add_argument("--led", type=_piece, nargs="+", default=_STEERED, metavar="SEED:FILMS")
    parser.add_argument("--keep-types", action="store_true", help="fit the scales only")
    asked = parser.parse_args()
    package = Package.load(asked.folder)
    if package.manifest.task == "denoise":
        scales = fit(package, asked.pieces, asked.led)
        if not asked.keep_types:
            fit_types(package)
    else:
        scales = fit_looking(package)
    seal(asked.folder, msgspec.structs.replace(package.manifest, conformal=scales))


def fit_looking(package: Package) -> dict[str, float]:
    """Return the scales of a network for looking, and log how often they hold elsewhere."""
    from models.train import trust_looking as looking

    images = looking.IMAGES[package.manifest.task]
    scales = looking.scales(looking.looked(package, images, looking.SEED))
    others = looking.looked(package, images // 2, looking.SEED + 1)
    for held in looking.coverage(scales, others):
        name = f"{held.region} from {2.0**held.octave:g} e-"
        logger.info("%s: held %.2f of %d, width %.2f", name, held.share, held.images, held.width)
    return scales


def _piece(text: str) -> tuple[int, int]:
    seed, films = text.split(":")
    return int(seed), int(films)


if __name__ == "__main__":
    main()
