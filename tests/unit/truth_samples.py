"""Small truths for tests: hand-made cells, exposures and files."""

from __future__ import annotations

import numpy as np

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from acquire.simulated.light.light_source import Exposed
from acquire.simulated.optics.optics import Window
from acquire.simulated.specimen.cells import Nuclei, Phase
from acquire.simulated.specimen.lineages import Lineages
from acquire.simulated.truth import Chip, Seen
from realtime.truth import About, TruthWriter

LINES = ("blue", "red")
HEIGHT, WIDTH, PIXEL_UM = 40, 60, 0.5
CHIP = Chip(HEIGHT, WIDTH, PIXEL_UM)


def about(lines=LINES):
    return About("session-a", "{}", HEIGHT, WIDTH, PIXEL_UM, lines)


def nuclei(*cells, **columns):
    """Return cells that are given as (id, parent, x_um, y_um)."""
    ids, parents, x_um, y_um = np.array(cells, float).reshape(-1, 4).T
    n = len(ids)
    given = {
        "long_um": np.full(n, 2.5),
        "short_um": np.full(n, 1.5),
        "angle": np.full(n, 0.4),
        "dye": np.ones(n),
        "condensed": np.zeros(n),
        "phase": np.full(n, Phase.INTERPHASE, np.int8),
        "born_s": np.zeros(n),
        "damage": np.zeros(n),
    } | columns
    return Nuclei(
        ids=ids.astype(np.int64),
        parents=parents.astype(np.int64),
        keys=ids.astype(np.uint64) + np.uint64(7),
        x_um=x_um,
        y_um=y_um,
        **given,
    )


def seen(cells, t_s=0.0, position_um=(0.0, 0.0, 0.0), window=None, is_lost=False, exposed_s=0.02):
    window = window or Window(0, 0, WIDTH, HEIGHT)
    given = Exposed({"blue": 0.5, "red": 0.25}, {"blue": 0.1, "red": 0.0})
    image = np.full((window.height, window.width), 1.0 + t_s, np.float32)
    lit = np.linspace(1.0, 0.5, len(cells))
    return Seen(t_s, exposed_s, window, position_um, given, cells, lit, image, is_lost)


def info(seq, t=None, z=0, p=0, exposure_ms=20.0):
    t = seq if t is None else t
    applied = Applied("gfp", "488", 488.0, exposure_ms, exposure_ms, 0.5, 0.5, 1.0, 0.02, True, -1)
    return FrameInfo(
        seq, "cam", seq, 0, float(t), Shot(t, p, 1), 0, Index(t, 0, z, p), HEIGHT, WIDTH,
        (0.0, 0.0, 0.0), applied,
    )  # fmt: skip


def write_truth(path, film, missed=(), status="complete", planes_um=(0.0,)):
    """Write a truth whose k-th time point shows `film[k]`; some have no image."""
    lineages, number = Lineages(len(LINES)), 0
    with TruthWriter(path, about()) as writer:
        for t, cells in enumerate(film):
            for z, z_um in enumerate(planes_um):
                one = seen(cells, float(t), (0.0, 0.0, z_um))
                taken = lineages.look(cells, one.t_s, one.dose_j_cm2(LINES))
                if t in missed:
                    from realtime.truth.rows import exposure_of

                    writer.missed(exposure_of(number, one, LINES))
                else:
                    writer.exposure(number, one, taken)
                writer.name(number, info(number, t, z))
                number += 1
        writer.close(lineages.rows(), status)
    return path
