"""eSRRF: what a frame costs, what it resolves, and how near two emitters may be to be told apart.

Ring correlation with the truth does not see what a linear filter does, such as a blur, so a mean of
many frames is a strong rival there; told apart, though, is what a person looks for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from lightloop.bench.models_nets import spoiled
from lightloop.bench.models_score import resolved_px, ring_correlation
from models.esrrf_rolling import RollingEsrrf
from models.train.binned import binned
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import READ_E

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.esrrf_sums import Statistic

    Values = NDArray[np.float64]
    Image = NDArray[np.float32]

SIDE_PX, THREADS, TIMED, WINDOW = 512, 2, 60, 30
FINE_PX, SPECIMENS, FRAMES = 256, 4, 100
PSF_PX = 2.6
"""Of the specimens, fine px: 1.3 of the camera's, as a camera that samples by Nyquist has it."""
PEAKS_E, ON_SHARES = (30.0, 200.0), (1.0, 0.5, 0.1)
_PER_PIXEL, _HOLD = 3.0, 5.0  # emitters of the brightest places, and frames that one stays on
_DIP = 0.26
"""Dip between two emitters from which on they are told apart: that of Rayleigh's distance."""
FILMS = 3
RAYLEIGHS = tuple(0.5 + 0.05 * k for k in range(19))
_RAYLEIGH_PX = 0.61 / 0.21 * PSF_PX / 2.0
"""The Gaussian nearest to an Airy disc has a sigma of 0.21 wavelengths / NA (Zhang, Zerubia &
Olivo-Marin, Appl. Opt. 46, 2007)."""
_STATISTICS: tuple[Statistic, ...] = ("avg", "var", "tac2")
_FIRST = 4  # rings: what is coarser than 64 px is background, and its few waves are chance
NAMES = ("one frame", "mean", *_STATISTICS)
_SEED = 9_701


class Speed(NamedTuple):
    """Time of one frame with the picture after it, in a full window."""

    statistic: str
    median_ms: float
    p99_ms: float


class Row(NamedTuple):
    """One light and one way of blinking: finest resolved period, fine px."""

    peak_e: float
    on_share: float
    resolved_px: dict[str, float]


def speeds(timed: int = TIMED) -> list[Speed]:
    """Time 512 x 512 px to 1024 x 1024."""
    rng = np.random.default_rng(_SEED)
    scene = 100 * np.maximum(make_scene(rng, SIDE_PX), 0.0) + 5
    frames = [rng.poisson(scene).astype(np.float32) for _ in range(8)]
    before = cv2.getNumThreads()
    cv2.setNumThreads(THREADS)
    try:
        return [_time(one, frames, timed) for one in _STATISTICS]
    finally:
        cv2.setNumThreads(before)


def _time(statistic: Statistic, frames: list[Image], timed: int) -> Speed:
    rolling = RollingEsrrf((SIDE_PX, SIDE_PX), WINDOW, statistic)
    times = []
    for n in range(WINDOW + timed):
        began_ns = time.perf_counter_ns()
        rolling.add(frames[n % len(frames)])
        rolling.picture()
        times.append((time.perf_counter_ns() - began_ns) * 1e-6)
    full = times[WINDOW:]
    return Speed(statistic, float(np.median(full)), float(np.percentile(full, 99)))


def score(specimens: int = SPECIMENS, *, sabotage: bool = False) -> list[Row]:
    """Return what is resolved, at each light and way of blinking, of the same specimens."""
    truths = [
        np.maximum(make_scene(np.random.default_rng(_SEED + n), FINE_PX), 0.0).astype(float)
        for n in range(specimens)
    ]
    rows = []
    for on_share in ON_SHARES:
        for peak_e in PEAKS_E:
            curves: dict[str, list[Values]] = {name: [] for name in NAMES}
            for n, truth in enumerate(truths):
                rng = np.random.default_rng((_SEED, n))
                shown = pictures_of(_film(rng, truth, peak_e, on_share))
                for name, image in shown.items():
                    seen = spoiled(image, sabotage=sabotage)
                    frequency, curve = ring_correlation(seen, truth)
                    curves[name].append(curve)
            found = {
                name: resolved_px(frequency[_FIRST:], np.mean(each, axis=0)[_FIRST:])
                for name, each in curves.items()
            }
            rows.append(Row(peak_e, on_share, found))
    return rows


def _film(rng: np.random.Generator, truth: Values, peak_e: float, on_share: float) -> list[Image]:
    """Return frames of a specimen of emitters that go on and off, each by itself."""
    there = rng.poisson(truth * _PER_PIXEL)
    is_on, frames = rng.binomial(there, on_share), []
    come = on_share / (1.0 - on_share) / _HOLD if on_share < 1.0 else 0.0
    for _ in range(FRAMES):
        if on_share < 1.0:
            gone, new = rng.binomial(is_on, 1.0 / _HOLD), rng.binomial(there - is_on, come)
            is_on = is_on - gone + new
        light = cv2.GaussianBlur(is_on / (_PER_PIXEL * on_share), (0, 0), PSF_PX)
        seen = binned(0.05 + peak_e / 4.0 * light)
        frames.append(expose(rng, seen, READ_E).electrons.astype(np.float32))
    return frames


def pictures_of(frames: list[Image]) -> dict[str, Image]:
    """Return what is made of a film, in pixels finer by two: of squares, the root."""
    shown = {"one frame": _enlarged(frames[-1]), "mean": _enlarged(np.mean(frames, axis=0))}
    for statistic in _STATISTICS:
        rolling = RollingEsrrf(frames[0].shape, len(frames), statistic)
        for frame in frames:
            rolling.add(frame)
        picture = rolling.picture()
        shown[statistic] = picture if statistic == "avg" else np.sqrt(np.maximum(picture, 0.0))
    return shown


def _enlarged(image: Image) -> Image:
    size = 2 * image.shape[1], 2 * image.shape[0]
    wide = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(wide, np.float32)


def told_apart(
    peak_e: float = 200.0, films: int = FILMS, *, sabotage: bool = False
) -> dict[str, float]:
    """Return the distance from which on two blinking emitters are told apart, Rayleighs.

    At each distance, the mean dip of several films counts. NaN: not even the farthest are.
    """
    rng = np.random.default_rng(_SEED)
    dips: dict[str, list[float]] = {name: [] for name in NAMES}
    for distance in RAYLEIGHS:
        apart_px = distance * _RAYLEIGH_PX
        shown = [pictures_of(_two(rng, apart_px, peak_e)) for _ in range(films)]
        for name in NAMES:
            seen = [spoiled(each[name], sabotage=sabotage) for each in shown]
            dips[name].append(float(np.mean([_dip(image, 2 * apart_px) for image in seen])))
    return {name: _from_on(each) for name, each in dips.items()}


def _from_on(dips: list[float]) -> float:
    missed = [n for n, dip in enumerate(dips) if dip < _DIP]
    first = missed[-1] + 1 if missed else 0
    return RAYLEIGHS[first] if first < len(RAYLEIGHS) else float("nan")


def _two(rng: np.random.Generator, distance_px: float, peak_e: float) -> list[Image]:
    """Return two emitters in 32 x 32 camera px, each on half of the time, five frames at once."""
    y, x = np.mgrid[:32, :32]
    across = [x - 15.5 - side * distance_px / 2 for side in (-1, 1)]
    sigma = PSF_PX / 2.0
    spots = [np.exp(-((y - 15.5) ** 2 + each**2) / (2 * sigma**2)) for each in across]
    is_on, frames = rng.random(2) < 0.5, []
    for _ in range(FRAMES):
        is_on ^= rng.random(2) < 1.0 / _HOLD
        light = 0.2 + peak_e * sum(on * spot for on, spot in zip(is_on, spots, strict=True))
        frames.append(expose(rng, light, READ_E).electrons.astype(np.float32))
    return frames


def _dip(image: Image, distance_px: float) -> float:
    """Return by how much the middle is darker than the dimmer of two emitters, as a share."""
    profile = image[31:33].mean(axis=0)
    places = (round(31.5 + side * distance_px / 2) for side in (-1, 1))
    dimmer = min(float(profile[at - 2 : at + 3].max()) for at in places)
    return max(1.0 - float(profile[31:33].mean()) / dimmer, 0.0) if dimmer > 0 else 0.0


def table_of(timed: list[Speed], rows: list[Row], apart: dict[str, float]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", f"eSRRF: {SIDE_PX} x {SIDE_PX} px to {2 * SIDE_PX} x {2 * SIDE_PX}, {WINDOW} frames in "
        f"the window, {THREADS} threads: a frame and the picture after it", "",
        "| statistic | median, ms | p99, ms |", "| --- | --- | --- |",
        *(f"| {s.statistic} | {s.median_ms:.1f} | {s.p99_ms:.1f} |" for s in timed),
        "", f"resolved period, fine px: ring correlation with the truth of {FRAMES} frames, PSF "
        f"{PSF_PX} fine px", "",
        f"| peak, e-/px and frame | on, % of the time | {' | '.join(NAMES)} |",
        "| --- |" + " --- |" * (1 + len(NAMES)),
    ]  # fmt: skip
    for row in rows:
        cells = " | ".join(f"{row.resolved_px[name]:.1f}" for name in NAMES)
        lines.append(f"| {row.peak_e:g} | {100 * row.on_share:g} | {cells} |")
    found = ", ".join(f"{name} {apart[name]:.2f}" for name in NAMES)
    note = f"two blinking emitters are told apart from this distance on, Rayleighs: {found}"
    return [*lines, "", note]


def values_of(timed: list[Speed], apart: dict[str, float]) -> dict[str, float]:
    """Return what the bars ask for: the default, which is the mean of the convergence."""
    return {
        "models_esrrf_ms": next(s.median_ms for s in timed if s.statistic == "avg"),
        "models_esrrf_told_apart": apart["avg"],
    }
