"""From raw images to links: the whole of `lightloop track`, also where light is scarce.

The same film is followed as it was taken, and as it would have been with so little light that a
nucleus gives 10 photo-electrons a pixel: counts above the camera's offset are scaled to that, then
come Poisson light and read noise. A cell is found where more than half of its true mask (of GOWT1:
of its marker) is covered, as in the Cell Tracking Challenge.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.calibration import Calibration
from lightloop.recordings.recording import Plane, Recording, TimePoint, open_recording
from lightloop.scoring.ctc import read_ctc
from lightloop.scoring.match import match
from lightloop.tracking.eye import Wanted
from lightloop.tracking.track import track
from models.history import Moment
from realtime.export.tracks_formats import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lightloop.bench.report import Options
    from lightloop.scoring.sides import Side

FILMS = {"gowt1": "ctc_gowt1_01", "simplus": "ctc_simplus_01"}
MEAN_E, READ_NOISE_E = 10.0, 1.6
"""Of a nucleus in the faint film, photo-electrons a pixel; and of its camera."""
OFFSET_ADU = 100.0
DENOISER = "denoise-2d"
SEED = 11


class Links(NamedTuple):
    """How many links there are, are told and are right; the same of cells."""

    edge_f1: float
    cell_f1: float
    ms: float
    """Median time to restore, detect and track a frame."""


def raw_rows(options: Options, folder: Path) -> tuple[dict[str, float], list[str]]:
    """Follow both films three times; return values by bar, and rows of a table."""
    values: dict[str, float] = {}
    lines = [
        "",
        "| from raw images | as taken | 10 e-, denoised | 10 e-, not denoised |",
        "|---|---|---|---|",
    ]
    worst = -np.inf
    for key, name in FILMS.items():
        found = list(_three(folder / name, is_short=options.scale < 1))
        values[f"track_raw_{key}_edge_f1"] = found[0].edge_f1
        worst = max(worst, found[0].edge_f1 - found[1].edge_f1)
        told = [f"{f.edge_f1:.4f} (cells {f.cell_f1:.3f}), {f.ms:.0f} ms" for f in found]
        lines.append(f"| {name} | {' | '.join(told)} |")
    values["track_raw_faint_loss"] = worst
    return values, lines


def _three(folder: Path, *, is_short: bool) -> Iterator[Links]:
    truth = read_ctc(folder / "man_track.txt")
    with open_recording(folder / "frames.tif") as film:
        if is_short:
            film = replace(film, fields={0: film.fields[0][:6]})
        yield followed(film, truth, Wanted())
        dim = faint(film, truth)
        yield followed(dim, truth, Wanted(network=DENOISER))
        yield followed(dim, truth, Wanted())


def followed(film: Recording, truth: Side, wanted: Wanted) -> Links:
    """Follow a film, write its masks, read them back, and hold them against the truth."""
    n_times = film.fields[0][-1].t + 1
    with tempfile.TemporaryDirectory() as folder:
        done = track(film, Path(folder) / "cells", Format.CTC, wanted)
        told = read_ctc(Path(folder) / "cells" / "01_RES" / "res_track.txt")
        pairs = match(truth, told).one_to_one()
    who = dict(pairs.tolist())
    true = [(a, b) for a, b in truth.edges().tolist() if truth.t[b] < n_times]
    right = {(who[a], who[b]) for a, b in true if a in who and b in who}
    links = [(a, b) for a, b in told.edges().tolist()]
    hits = len(right & set(links))
    n_true = int((truth.t < n_times).sum())
    return Links(
        2 * hits / max(len(true) + len(links), 1),
        2 * len(pairs) / max(n_true + len(told.t), 1),
        float(np.median(done.ms)),
    )


def faint(film: Recording, truth: Side) -> Recording:
    """Return the film as a camera of 1 ADU/e- would have it at `MEAN_E`, always the same."""
    assert truth.mask is not None
    masks, offset = truth.mask, film.camera.offset_adu
    points = film.fields[0]
    some = points[:: max(1, len(points) // 8)]
    light = np.concatenate([point.planes[0].read()[masks(point.t) > 0] for point in some])
    scale = MEAN_E / max(float(light.mean()) - offset, 1e-9)

    def plane(t: int, read: Callable[[], NDArray[np.uint16]]) -> Plane:
        def dim() -> NDArray[np.uint16]:
            rng = np.random.default_rng((SEED, t))
            mean = np.maximum((read().astype(np.float64) - offset) * scale, 0.0)
            counts = rng.poisson(mean) + rng.normal(OFFSET_ADU, READ_NOISE_E, mean.shape)
            return np.asarray(np.clip(np.rint(counts), 0, 65535), np.uint16)

        return Plane(dim, Moment((0, 0, 0), t, t, 1.0, 0.0, 0.0))

    camera = Calibration(1.0, OFFSET_ADU, READ_NOISE_E, source="simulated")
    dimmed = [TimePoint(p.t, [plane(p.t, p.planes[0].read)]) for p in points]
    return replace(film, fields={0: dimmed}, camera=camera, notes=())
