"""Calcium transients: what a network, and its memory, do to their height, decay and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from lightloop.bench.models_nets import spoiled
from models.denoise import Denoiser
from models.train.noisy import expose
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import Package

    Values = NDArray[np.float64]

_SEED = 9_002
CELLS, TRANSIENT_FRAMES, ONSET = 9, 48, 10
BASE_E, RISE, DECAY = 8.0, 2.0, (4.0, 12.0)
"""Photo-electrons of a cell at rest; its light rises by this factor, and decays in so many frames
(1/e): a fast and a slow indicator at ten frames a second (proposed)."""
_REPEATS = 3
_DRAWS = 300
_CELLS_TRIED, _CLEAR = 12, 4.0
"""Of the recorded film, and how many deviations of the trace a rise must be."""


class Transient(NamedTuple):
    """How the mean light of cells followed a transient.

    Attributes
    ----------
    peak_bias, decay_bias
        Height above rest and time of decay, relative to the truth.
    lag_frames
        How much later than the truth.
    decay_noise
        Standard error of `decay_bias` that the truth itself has, where it is a noisy mean; else 0.
    """

    name: str
    peak_bias: float
    decay_bias: float
    lag_frames: float
    cells: int
    decay_noise: float = 0.0

    @property
    def sure_decay_bias(self) -> float:
        """Size of the bias that the truth's own noise does not explain (95 %)."""
        return max(abs(self.decay_bias) - 1.96 * self.decay_noise, 0.0)


def simulated(package: Package, *, sabotage: bool = False) -> list[Transient]:
    """Restore cells that flash, and follow the mean of each."""
    rng = np.random.default_rng(_SEED)
    cells = _discs()
    t = np.arange(TRANSIENT_FRAMES, dtype=float)
    denoise = Denoiser(package, cells.shape[1:], GAIN, OFFSET, READ_E)
    found = []
    for decay in DECAY:
        course = 1.0 + RISE * np.where(t >= ONSET, np.exp(-(t - ONSET) / decay), 0.0)
        true, seen = [], []
        for _ in range(_REPEATS):
            denoise.forget()
            traces = []
            for light in course:
                photons = 1.0 + BASE_E * light * cells.sum(axis=0).astype(float)
                answer = denoise(to_adu(expose(rng, photons, READ_E).electrons))
                image = spoiled(answer.photons, sabotage=sabotage)
                traces.append([float(image[cell > 0.5].mean()) for cell in cells])
            seen.append(np.array(traces))
            true.append([float((1.0 + BASE_E * cell[cell > 0.5]).mean()) for cell in cells])
        rest = np.mean(true, axis=0)  # (cells,)
        truth = 1.0 + (rest[None] - 1.0) * course[:, None]
        got = np.mean(seen, axis=0)
        found.append(follow(f"simulated, decay {decay:g} frames", truth, got, ONSET))
    denoise.close()
    return found


def _discs() -> NDArray[np.float32]:
    """Return soft discs of 7 px radius on a grid, (CELLS, Y, X), each 0 to 1."""
    side = int(np.sqrt(CELLS))
    discs = np.zeros((CELLS, 32 * side, 32 * side), np.float32)
    for k in range(CELLS):
        centre = (32 * (k % side) + 16, 32 * (k // side) + 16)
        cv2.circle(discs[k], centre, 7, 1.0, -1)
        discs[k] = cv2.GaussianBlur(discs[k], (0, 0), 1.2)
    return discs


def follow(name: str, truth: Values, got: Values, onset: int) -> Transient:
    """Compare mean traces, (T, cells); before ``onset`` the cells are at rest."""
    scores = []
    for true, seen in zip(truth.T, got.T, strict=True):
        height = [trace[onset] - np.median(trace[:onset]) for trace in (true, seen)]
        scores.append((
            height[1] / height[0] - 1.0, _decay(seen, onset) / _decay(true, onset) - 1.0,
            lag(true, seen),
        ))  # fmt: skip
    peak, decay, late = np.mean(scores, axis=0)
    return Transient(name, float(peak), float(decay), float(late), truth.shape[1])


def _decay(trace: Values, onset: int) -> float:
    """Return the time constant of the exponential that fits best above rest, frames."""
    above = trace[onset:] - np.median(trace[:onset])
    t = np.arange(len(above))
    taus = np.geomspace(0.3, 100.0, 600)
    curves = np.exp(-t[None] / taus[:, None])
    # The best height of each curve leaves |above|^2 - (above . curve)^2 / |curve|^2.
    explained = (curves @ above) ** 2 / (curves**2).sum(axis=1)
    return float(taus[int(np.argmax(explained))])


def lag(true: Values, seen: Values) -> float:
    """Return the delay of the true trace that fits best, gain and offset free, frames."""
    t = np.arange(len(true), dtype=float)
    shifts = np.arange(-1.5, 1.51, 0.02)
    inner = slice(2, -2)
    errors = []
    for shift in shifts:
        delayed = np.interp(t - shift, t, true)[inner]
        design = np.stack([delayed, np.ones_like(delayed)], axis=1)
        rest = seen[inner] - design @ np.linalg.lstsq(design, seen[inner], rcond=None)[0]
        errors.append(float(rest @ rest))
    return float(shifts[int(np.argmin(errors))])


def recorded(package: Package, folder: Path, *, sabotage: bool = False) -> list[Transient]:
    """Follow the brightest events of two-photon calcium imaging, against the raw means.

    Raw means over a cell are free of bias, and noisy: heights are means over all events. Events are
    chosen by one half of a cell's pixels (a chequerboard) and measured with the other half.
    """
    import h5py

    from models.blind_noise import estimate

    with h5py.File(folder / "timelapse_calcium_mouse.h5", "r") as file:
        raw = np.asarray(file["tyx"])
    guess = estimate(raw)
    denoise = Denoiser(package, raw.shape[1:], *guess.camera)
    restored = np.stack([
        spoiled(denoise(frame).photons, sabotage=sabotage) for frame in raw
    ])  # fmt: skip
    denoise.close()
    electrons = (raw.astype(float) - guess.offset_adu) / guess.gain_adu_per_e
    events = _events(electrons)
    if not events:
        return []
    half = np.indices(raw.shape[1:]).sum(axis=0) % 2 == 1
    truth, got = [], []
    for cell, start in events:
        window = slice(start - ONSET, start + 12)
        truth.append(electrons[window][:, cell & half].mean(axis=1))
        got.append(restored[window][:, cell & half].mean(axis=1))
    mean_true, mean_got = np.mean(truth, axis=0)[:, None], np.mean(got, axis=0)[:, None]
    name = f"mouse, {len(events)} events"
    found = follow(name, mean_true, mean_got, ONSET)
    noise = _decay_noise(np.array(truth), np.array(got))
    return [found._replace(cells=len(events), decay_noise=noise)]


def _decay_noise(truth: Values, got: Values) -> float:
    """Return the standard error of the decay's bias, events drawn with return, (events, T) each."""
    rng = np.random.default_rng(_SEED)
    draws = rng.integers(0, len(truth), (_DRAWS, len(truth)))
    biases = [
        _decay(got[d].mean(axis=0), ONSET) / _decay(truth[d].mean(axis=0), ONSET) - 1.0
        for d in draws
    ]
    return float(np.std(biases))


def _events(electrons: Values) -> list[tuple[NDArray[np.bool_], int]]:
    """Return cells (masks) and the frame of the steepest rise of each of their events."""
    half = np.indices(electrons.shape[1:]).sum(axis=0) % 2 == 0
    skew = cv2.GaussianBlur(((electrons - electrons.mean(axis=0)) ** 3).mean(axis=0), (0, 0), 2.0)
    events, left = [], skew.copy()
    for _ in range(_CELLS_TRIED):
        y, x = np.unravel_index(int(np.argmax(left)), left.shape)
        disc = np.zeros(left.shape, np.uint8)
        cv2.circle(disc, (int(x), int(y)), 4, 1, -1)
        cell = disc.astype(bool)
        left[cv2.dilate(disc, np.ones((5, 5), np.uint8)).astype(bool)] = -np.inf
        trace = electrons[:, cell & half].mean(axis=1)
        rise = trace[1:] - trace[:-1]
        spread = 1.4826 * float(np.median(np.abs(rise - np.median(rise))))
        for start in np.argsort(rise)[::-1][:3] + 1:
            if rise[start - 1] > _CLEAR * spread and ONSET <= start < len(trace) - 12:
                events.append((cell, int(start)))
    return events


def table_of(role: str, seen: list[Transient]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", f"transients through {role}: mean light of cells; the recorded film has no truth but "
        "the raw means", "",
        "| film | cells or events | peak bias, % | decay bias, % | lag, frames |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for t in seen:
        noise = f" ({100 * t.decay_noise:.1f} standard error)" if t.decay_noise else ""
        lines.append(
            f"| {t.name} | {t.cells} | {100 * t.peak_bias:+.1f} | {100 * t.decay_bias:+.1f}{noise} "
            f"| {t.lag_frames:+.2f} |"
        )
    return lines


def values_of(seen: list[Transient]) -> dict[str, float]:
    """Return what the bars ask for: the worst of all, but for what is a noisy truth's own error."""
    return {
        "models_transient_peak_pct": 100 * max(abs(t.peak_bias) for t in seen),
        "models_transient_decay_pct": 100 * max(t.sure_decay_bias for t in seen),
        "models_transient_lag_frames": max(abs(t.lag_frames) for t in seen),
    }
