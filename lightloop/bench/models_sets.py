"""Recorded pairs for the bench of the networks: a noisy image, and the mean of many as reference.

None of them has ever trained a shipped network. For each noisy image there are two cameras: the
given one (a calibration, or a blind guess from that image alone) and an oracle's, from its distance
to the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.blind_noise import estimate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

Camera = tuple[float, float, float]
"""Gain, ADU per photo-electron; offset, ADU; read noise, photo-electrons."""

W2S_FIELDS, EB3_FRAMES, PAST = 8, 5, 4
W2S_PX = 128
"""Side of the middle of each image of w2s that is scored, for the sake of BM3D, which takes seconds
for an image; cameras are guessed from whole images, and all other sets are scored whole."""
_W2S_MEAN_OF, _FMD_MEAN_OF = 400, 50
_BINS, _LEAST_PIXELS = 16, 200
_COUNTER: Camera = (1.0, 0.0, 0.0)
"""A photon counter: one count is one photon."""


class Pair(NamedTuple):
    """One noisy image.

    Attributes
    ----------
    field
        Images of one field are not independent.
    noisy
        Counts, (Y, X).
    reference, reference_variance
        Mean of other exposures, and the mean variance of its own noise.
    given, oracle
        The camera as calibrated or guessed from the image alone, and from its distance to the
        reference.
    is_calibrated
        Whether the given camera is a calibration.
    before
        The frames before it, oldest first, (T, Y, X); none of them is in the reference.
    """

    field: int
    noisy: NDArray[Any]
    reference: NDArray[np.float64]
    reference_variance: float
    given: Camera
    oracle: Camera
    is_calibrated: bool = False
    before: NDArray[Any] | None = None


def load(folder: Path) -> dict[str, list[Pair]]:
    """Return all sets by name."""
    readers: dict[str, Callable[[Path], list[Pair]]] = {
        "w2s": _w2s, "fmd": _fmd, "hazelnut": _hazelnut, "eb3": _eb3,
    }  # fmt: skip
    return {name: read(folder) for name, read in readers.items()}


def oracle_camera(noisy: NDArray[Any], reference: NDArray[Any]) -> Camera:
    """Return the camera that the distance to the reference shows: ``var = gain * mean + b``.

    Pixels at 0 and at full scale are left out; the reference is first brought to the noisy scale.
    """
    inside = (noisy > 0) & (noisy < np.iinfo(noisy.dtype).max)
    y, x = noisy[inside].astype(float), reference[inside].astype(float)
    slope, shift = np.polyfit(x, y, 1)
    mean, squares = slope * x + shift, (y - slope * x - shift) ** 2
    edges = np.unique(np.quantile(mean, np.linspace(0, 1, _BINS + 1)))
    which = np.clip(np.searchsorted(edges, mean, "right") - 1, 0, len(edges) - 2)
    kept = [which == k for k in range(len(edges) - 1) if np.sum(which == k) >= _LEAST_PIXELS]
    means = np.array([mean[k].mean() for k in kept])
    variances = np.array([squares[k].mean() for k in kept])
    gain, b = (float(v) for v in np.polyfit(means, variances, 1, w=1 / variances))
    if gain <= 0.0:  # read noise alone
        gain, b = 1e-3 * float(variances.mean()), float(variances.mean())
    offset = max(-b / gain, float(np.quantile(mean, 0.005)))
    return gain, offset, float(np.sqrt(max(b + gain * offset, 0.0)) / gain)


def _read(path: Path, *names: str) -> list[NDArray[Any]]:
    import h5py

    with h5py.File(path, "r") as file:
        return [np.asarray(file[name]) for name in names]


def _left_variance(noisy: NDArray[Any], clean: NDArray[Any], mean_of: int) -> float:
    """Return the noise left in a mean of exposures, from one exposure's distance to it."""
    slope, shift = np.polyfit(clean.ravel(), noisy.ravel(), 1)  # of y on x: only y is noisy
    distance = float(np.mean((noisy - slope * clean - shift) ** 2))
    return distance / max(float(slope), 1e-9) ** 2 / mean_of


def _w2s(folder: Path) -> list[Pair]:
    noisy, clean, names = _read(folder / "denoise_w2s_pairs.h5", "noisy", "clean", "fov_channel")
    fields = np.unique(names[:, 0])
    chosen = fields[np.linspace(0, len(fields) - 1, W2S_FIELDS).astype(int)]
    return [
        _middle(_pair(int(names[k, 0]), noisy[k], clean[k], _W2S_MEAN_OF))
        for k in range(len(noisy))
        if names[k, 0] in chosen
    ]


def _fmd(folder: Path) -> list[Pair]:
    noisy, clean = _read(folder / "denoise_fmd_confocal.h5", "noisy", "clean")
    pairs = zip(noisy, clean, strict=True)
    return [_pair(k, n, c, _FMD_MEAN_OF) for k, (n, c) in enumerate(pairs)]


def _pair(field: int, noisy: NDArray[Any], clean: NDArray[Any], mean_of: int) -> Pair:
    reference = clean.astype(float)
    variance = _left_variance(noisy.astype(float), reference, mean_of)
    cameras = (estimate(noisy).camera, oracle_camera(noisy, reference))
    return Pair(field, noisy, reference, variance, *cameras)


def _hazelnut(folder: Path) -> list[Pair]:
    (frames,) = _read(folder / "repeat_photons_hazelnut.h5", "frames")
    pairs = []
    for k, noisy in enumerate(frames):
        reference, variance = _mean(np.delete(frames, k, axis=0))
        cameras = (_COUNTER, oracle_camera(noisy, reference))
        pairs.append(Pair(k, noisy, reference, variance, *cameras, is_calibrated=True))
    return pairs


def _eb3(folder: Path) -> list[Pair]:
    (frames,) = _read(folder / "repeat_eb3_scmos.h5", "frames")
    pairs = []
    for k in np.linspace(PAST, len(frames) - 1, EB3_FRAMES).astype(int):
        shown = np.arange(k - PAST, k + 1)
        reference, variance = _mean(np.delete(frames, shown, axis=0))
        cameras = (estimate(frames[k]).camera, oracle_camera(frames[k], reference))
        before = frames[k - PAST : k]
        pairs.append(Pair(int(k), frames[k], reference, variance, *cameras, before=before))
    return pairs


def _middle(pair: Pair) -> Pair:
    """Return the middle of a pair; its cameras stay those of the whole image."""
    y, x = ((n - W2S_PX) // 2 for n in pair.noisy.shape)
    part = (slice(y, y + W2S_PX), slice(x, x + W2S_PX))
    noisy = np.ascontiguousarray(pair.noisy[part])
    return pair._replace(noisy=noisy, reference=pair.reference[part])


def _mean(frames: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Return the mean of frames, and the mean variance of the noise that is left in it."""
    mean: NDArray[np.float64] = frames.mean(axis=0, dtype=float)
    return mean, float(frames.var(axis=0, ddof=1).mean()) / len(frames)
