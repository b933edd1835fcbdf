"""How often the stated error of a network for looking holds: finer pixels, planes between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.bench.report import Measured, Options
from lightloop.bench.trust_cover import DARKEST
from models.train import trust_looking as looking

if TYPE_CHECKING:
    from models.package import Package

IMAGES, LEAST_IMAGES = 6_000, 500
SEED = 27_190
"""None of these images was looked at while scales were fitted."""


def measure_looking(package: Package, options: Options) -> Measured:
    """Measure coverage and width of the intervals that `models.stated` gives.

    Sabotage: half the error is stated.
    """
    scale = options.scale * (0.1 if options.thin else 1.0)
    rows = looking.looked(package, max(40, round(IMAGES * scale)), SEED)
    known = {
        key: value * (0.5 if options.sabotage else 1.0)
        for key, value in package.manifest.conformal.items()
    }
    fewest = max(5, round(LEAST_IMAGES * scale))
    held = [one for one in looking.coverage(known, rows, fewest) if one.octave >= DARKEST]
    values = {
        "trust_octaves": float(len(held)),
        "trust_coverage_off": max((abs(one.share - 0.8) for one in held), default=1.0),
        "trust_width": max((one.width for one in held), default=1.0),
    }
    lines = [f"{package.model_id}: 80 % intervals of the error of images for looking"]
    lines += [
        f"{one.region:10} from {2.0**one.octave:6g} e-: {one.images:5} images, held "
        f"{one.share:.3f}, width {one.width:.2f} of the error"
        for one in held
    ]
    return Measured(values, table="\n".join(lines))
