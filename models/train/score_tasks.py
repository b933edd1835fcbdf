"""Held-out scores of what a single-frame denoiser cannot do: memory, finer pixels, planes between.

Simulated specimens of seeds that never trained, with engines as users run them. Needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.axial import AxialInterpolator
from models.denoise import Denoiser
from models.package import Package, shipped
from models.superres import SuperResolver
from models.train.binned import binned
from models.train.movies import Motion, moved
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, Scores, gauss, psnr_db, to_adu
from models.train.volumes import LAYERS_PER_DEPTH_OF_FIELD, make_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SEED = 778
_SPEEDS_PX = (0.0, 0.1, 0.3, 1.0, 3.0, 6.0)
_FRAMES, _MOVIE_PX, _MOVIES = 8, 160, 10
_SIGMAS_PX = (0.5, 0.8, 1.2, 1.7, 2.4, 3.4)
_FINE_PX, _FINE_SCENES = 256, 10
_STACK_PX, _STACKS = 128, 10
_STEPS = (2, 4, 6)
"""Layers between neighbouring planes, of which every other one is skipped."""


def score_movies(package: Package, peak_e: float = 10.0) -> list[Scores]:
    """Score the last frame of movies with all their frames and alone, one row per speed."""
    rng = np.random.default_rng(_SEED)
    around = _MOVIE_PX + 2 * 48
    scenes = [np.maximum(make_scene(rng, around), 0.0) for _ in range(_MOVIES)]
    denoiser = Denoiser(package, (_MOVIE_PX, _MOVIE_PX), GAIN, OFFSET, READ_E)
    rows = []
    for speed in _SPEEDS_PX:
        parts = []
        for scene in scenes:
            turn = rng.uniform(0, 2 * np.pi)
            age = np.arange(1 - _FRAMES, 1)[:, None]
            path = age * speed * np.array([np.sin(turn), np.cos(turn)])
            movie = moved(scene, (48, 48), _MOVIE_PX, Motion(path.astype(np.float32)))
            photons = 0.2 + peak_e * movie.astype(np.float64)
            adu = [to_adu(expose(rng, frame, READ_E).electrons) for frame in photons]
            denoiser.forget()
            whole = [denoiser(frame).photons.copy() for frame in adu][-1]
            denoiser.forget()
            alone = denoiser(adu[-1]).photons
            parts.append([psnr_db(image, photons[-1]) for image in (alone, whole)])
        one_db, all_db = (float(v) for v in np.mean(parts, axis=0))
        rows.append({"speed_px": speed, "one_frame_db": one_db, "all_frames_db": all_db})
    denoiser.close()
    return rows


def score_superres(package: Package) -> list[Scores]:
    """Score fine images against Wiener and Gaussian filters, one row per peak, e-/camera pixel.

    Each rival has the best setting for every single image: more than anybody has.
    """
    rng = np.random.default_rng(_SEED)
    scenes = [np.maximum(make_scene(rng, _FINE_PX), 0.0) for _ in range(_FINE_SCENES)]
    half = _FINE_PX // 2
    resolver = SuperResolver(package, (half, half), GAIN, OFFSET, READ_E)
    rows = []
    for peak_e in (2.0, 5.0, 10.0, 30.0, 100.0):
        parts = []
        for scene in scenes:
            truth = (0.2 + peak_e * scene.astype(np.float64)) / 4.0
            adu = to_adu(expose(rng, binned(truth), READ_E).electrons)
            electrons = (adu.astype(np.float64) - OFFSET) / GAIN
            cubic = _enlarged(electrons)
            answer = resolver(adu).photons
            rival = max(psnr_db(image, truth) for image in _filtered(cubic))
            found = (psnr_db(cubic, truth), rival, psnr_db(answer, truth))
            parts.append([*found, float(answer.mean() / truth.mean() - 1.0)])
        cubic_db, rival_db, net_db, bias = (float(v) for v in np.mean(parts, axis=0))
        rows.append({"peak_e": peak_e, "cubic_db": cubic_db, "filter_db": rival_db,
                     "network_db": net_db, "bias_percent": 100.0 * bias})  # fmt: skip
    resolver.close()
    return rows


def _enlarged(coarse: NDArray[np.float64]) -> NDArray[np.float64]:
    size = (2 * coarse.shape[1], 2 * coarse.shape[0])
    cubic = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) / 4.0
    return np.asarray(cubic, np.float64)


def _filtered(image: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Smooth, or undo the binning by Wiener's filter for a falling spectrum, in many ways."""
    for sigma in _SIGMAS_PX:
        yield gauss(image, sigma)
    k = np.fft.fftfreq(image.shape[0])
    seen = np.outer(np.cos(np.pi * k), np.cos(np.pi * k))  # two pixels collected as one
    falling = (np.hypot.outer(k, k) + 1e-3) ** -3.0
    spectrum = np.fft.fft2(image)
    for signal in np.geomspace(1e-6, 1e-1, 16):
        wiener = seen * signal * falling / (seen**2 * signal * falling + 1.0)
        yield np.maximum(np.fft.ifft2(spectrum * wiener).real, 0.0)


def score_axial(package: Package, denoiser_name: str = "denoise-2d") -> list[Scores]:
    """Score skipped planes against the own denoiser and the better of linear and cubic."""
    rng = np.random.default_rng(_SEED)
    stacks = [np.maximum(make_stack(rng, _STACK_PX), 0.0) for _ in range(_STACKS)]
    camera = ((_STACK_PX, _STACK_PX), GAIN, OFFSET, READ_E)
    denoiser = Denoiser(Package.load(shipped(denoiser_name)), *camera)
    net = AxialInterpolator(package, *camera, depth_of_field_um=1.0)
    rows = []
    for light_e in (5.0, 20.0, 100.0):
        for step in _STEPS:
            parts = [_score_plane(rng, stack, step, light_e, denoiser, net) for stack in stacks]
            rival_db, net_db = (float(v) for v in np.mean(parts, axis=0))
            rows.append({"peak_e": light_e, "dz_depths_of_field": step / LAYERS_PER_DEPTH_OF_FIELD,
                         "denoised_and_interpolated_db": rival_db,
                         "network_db": net_db})  # fmt: skip
    denoiser.close()
    net.close()
    return rows


def _score_plane(
    rng: np.random.Generator,
    stack: NDArray[np.float32],
    step: int,
    light_e: float,
    denoiser: Denoiser,
    net: AxialInterpolator,
) -> tuple[float, float]:
    """Return the rival's and the network's PSNR for the middle plane, dB."""
    middle = len(stack) // 2
    photons = 0.2 + light_e * stack.astype(np.float64)
    adu: dict[int, Any] = {}
    restored = {}
    for away in (-3, -1, 1, 3):
        if 0 <= middle + away * step < len(stack):
            adu[away] = to_adu(expose(rng, photons[middle + away * step], READ_E).electrons)
            restored[away] = denoiser(adu[away]).photons.astype(np.float64)
            denoiser.forget()
    truth, rivals = photons[middle], [0.5 * (restored[-1] + restored[1])]
    if len(restored) == 4:
        rivals.append((9 * (restored[-1] + restored[1]) - restored[-3] - restored[3]) / 16)
    dz_um = 2 * step / LAYERS_PER_DEPTH_OF_FIELD
    answer = net(adu[-1], adu[1], dz_um, 0.5, adu.get(-3), adu.get(3)).photons
    return max(psnr_db(rival, truth) for rival in rivals), psnr_db(answer, truth)
