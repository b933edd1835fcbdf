"""A camera binned 2 x 2: fine pixels by the network against deconvolution that knows the optics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lightloop.bench import models_rivals as rivals
from lightloop.bench.models_nets import spoiled
from lightloop.bench.models_score import Interval, db, paired, resolved_px, ring_correlation
from models.residuals import judge
from models.superres import SuperResolver, rebin
from models.train.binned import binned
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package

    Values = NDArray[np.float64]

PEAKS_E = (2.0, 5.0, 10.0, 30.0)
"""Photo-electrons of the brightest structures, for each pixel of the binned camera."""
SCENES, FINE_PX, PSF_PX = 10, 256, 0.8
_SEED = 9_101


class Row(NamedTuple):
    """One light: gain over filters, agreement with the measurement, resolution.

    Attributes
    ----------
    filter_db, filter_name
        The filter and the setting that are best for all images of this light together.
    gain, gain_over_oracle
        Over that one, and over the best filter and setting for each single image, which nobody
        can know.
    """

    peak_e: float
    filter_db: float
    filter_name: str
    network_db: float
    gain: Interval
    gain_over_oracle: Interval
    var_z: float
    corr1: float
    resolved_px: dict[str, float]


def score(package: Package, scenes: int = SCENES, *, sabotage: bool = False) -> list[Row]:
    """Score all lights."""
    rng = np.random.default_rng(_SEED)
    images = [_specimen(rng) for _ in range(scenes)]
    half = FINE_PX // 2
    resolver = SuperResolver(package, (half, half), GAIN, OFFSET, READ_E)
    rows = [_row(rng, resolver, images, peak_e, sabotage=sabotage) for peak_e in PEAKS_E]
    resolver.close()
    return rows


def _specimen(rng: np.random.Generator) -> Values:
    """Return a specimen that never trained, seen through a Gaussian PSF, 0 to about 1."""
    return rivals.gauss(np.maximum(make_scene(rng, FINE_PX), 0.0), PSF_PX)


def _row(
    rng: np.random.Generator, resolver: SuperResolver, images: list[Values], peak_e: float,
    *, sabotage: bool,
) -> Row:  # fmt: skip
    ours, tried, left = [], [], []
    names: list[str] = []
    curves: dict[str, list[Values]] = {"binned": [], "filter": [], "network": []}
    for image in images:
        truth = (0.2 + peak_e * image) / 4.0
        adu = to_adu(expose(rng, binned(truth), READ_E).electrons)
        electrons = (adu.astype(float) - OFFSET) / GAIN
        answer = spoiled(resolver(adu).photons, sabotage=sabotage)
        names, values, best = _filtered(electrons, truth)
        tried.append(values)
        ours.append(db(answer, truth))
        shown: dict[str, NDArray[Any]] = {
            "binned": rivals.enlarged(electrons),
            "filter": best,
            "network": answer,
        }
        for name, each in shown.items():
            frequency, curve = ring_correlation(each, truth)
            curves[name].append(curve)
        residuals = judge(adu, rebin(answer), GAIN, OFFSET, READ_E)
        left.append((residuals.var_z, residuals.corr1))
    all_tried, all_ours = np.array(tried), np.array(ours)
    tuned = int(np.argmax(all_tried.mean(axis=0)))
    var_z, corr1 = (float(v) for v in np.mean(left, axis=0))
    resolved = {n: resolved_px(frequency, np.mean(c, axis=0)) for n, c in curves.items()}
    return Row(
        peak_e, float(all_tried[:, tuned].mean()), names[tuned], float(all_ours.mean()),
        paired(all_ours - all_tried[:, tuned]), paired(all_ours - all_tried.max(axis=1)),
        var_z, corr1, resolved,
    )  # fmt: skip


def _filtered(electrons: Values, truth: Values) -> tuple[list[str], list[float], Values]:
    """Return the name and dB of every filter and setting, and the image of the best."""
    names, best = list[str](), truth
    values: list[float] = []
    for name, image in rivals.finer(electrons, PSF_PX):
        value = db(image, truth)
        if not values or value > max(values):
            best = image
        names.append(name)
        values.append(value)
    return names, values, best


def table_of(rows: list[Row]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", "superres: a camera binned 2 x 2, read noise 1.4 e-; the filters know binning and PSF "
        "(Gaussian, 0.8 fine px), and are tuned for each light, or, oracle, for every single image",
        "", "| peak, e-/px | best filter, dB | network, dB | gain, dB | over the oracle, dB | "
        "re-binned var_z, corr1 | resolved period, fine px: binned, oracle, network |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        resolved = ", ".join(f"{row.resolved_px[n]:.1f}" for n in ("binned", "filter", "network"))
        lines.append(
            f"| {row.peak_e:g} | {row.filter_db:.2f} ({row.filter_name}) | {row.network_db:.2f} | "
            f"{row.gain.words()} | {row.gain_over_oracle.words()} | "
            f"{row.var_z:.3f}, {row.corr1:+.3f} | {resolved} |"
        )
    return lines


def values_of(rows: list[Row]) -> dict[str, float]:
    """Return what the bars ask for: the worst light of each."""
    return {
        "models_superres_over_filter_db": min(row.gain.mean for row in rows),
        "models_superres_var_z_off": max(abs(row.var_z - 1.0) for row in rows),
        "models_superres_corr1": max(abs(row.corr1) for row in rows),
        "models_superres_resolved_over_filter": max(
            row.resolved_px["network"] / row.resolved_px["filter"] for row in rows
        ),
    }
