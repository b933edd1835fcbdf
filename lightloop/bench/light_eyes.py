"""Who looks at the frames: the worker's own pipeline, and what it was told to make of the cells."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lightloop.bench.light_score import Forest
from models.denoise import Denoised, Passthrough

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.frame import Frame
    from acquire.settings import Settings
    from lightloop.config import RunConfig
    from models.denoise import Restorer
    from realtime.pipeline import Pipeline
    from realtime.policy import Decision
    from realtime.wire import Result, Start


class Smoothed:
    """Photo-electrons through a Gaussian filter: what a careful operator does without networks."""

    def __init__(self, plain: Passthrough, sigma_px: float) -> None:
        self.model_id = f"gaussian {sigma_px:g} px"
        self._plain, self._sigma_px = plain, sigma_px

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU; the answer is valid until the next call."""
        photons = self._plain(adu).photons
        if self._sigma_px > 0:
            cv2.GaussianBlur(photons, (0, 0), self._sigma_px, dst=photons)
        return Denoised(photons, None)

    def close(self) -> None:
        """Free nothing: there is no machine."""


class _Kept:
    """A restorer whose last answer can be looked at; sabotaged, it is shown a shuffled frame."""

    def __init__(self, inner: Restorer, *, is_blind: bool) -> None:
        self.model_id = inner.model_id
        self._inner, self._is_blind = inner, is_blind
        self._rng = np.random.default_rng(0)
        self.photons: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        if self._is_blind:
            adu = self._rng.permutation(adu.ravel()).reshape(adu.shape)
        answer = self._inner(adu)
        self.photons = answer.photons
        return answer

    def close(self) -> None:
        self._inner.close()


@dataclass(slots=True)
class Eyes:
    """One pipeline, and all that it said of the cells.

    Attributes
    ----------
    results
        Its answer to each shot.
    """

    pipeline: Pipeline
    _restore: _Kept
    results: list[Result] = field(default_factory=list)

    def see(self, frame: Frame) -> Decision:
        """Restore, track, judge and decide, as the worker does."""
        self.pipeline.see(frame.info, frame.pixels)
        result, message = self.pipeline.answer()
        self.results.append(result)
        return message.decision

    @property
    def photons(self) -> NDArray[np.float32]:
        """The restored image of the last frame, photo-electrons, (Y, X)."""
        return self._restore.photons

    def close(self) -> None:
        """Free the network."""
        self._restore.close()

    def forest(self) -> Forest:
        """Return the cells as they were followed, every verdict of the tracker heeded."""
        return forest_of(self.results)


def network_eyes(config: RunConfig, first: Settings, *, is_blind: bool = False) -> Eyes:
    """Return the pipeline that the worker would build for a config and its first settings."""
    return _eyes(config, first, None, is_blind=is_blind)


def gaussian_eyes(config: RunConfig, sigma_px: float, first: Settings) -> Eyes:
    """Return the same pipeline with a Gaussian filter instead of the network."""
    scope = config.scope
    assert scope.kind == "simulated"
    camera = scope.calibration()
    numbers = (camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e)
    plain = Passthrough((scope.height, scope.width), *numbers)
    raw = config.model_copy(update={"network": config.network.model_copy(update={"denoise": ""})})
    return _eyes(raw, first, Smoothed(plain, sigma_px), is_blind=False)


def _eyes(config: RunConfig, first: Settings, restore: Restorer | None, *, is_blind: bool) -> Eyes:
    from lightloop.build.pipeline import build_pipeline
    from realtime.pipeline import Pipeline

    pipeline = build_pipeline(config, _start(config, first), None)
    kept = _Kept(restore or pipeline.steps.restore, is_blind=is_blind)
    return Eyes(Pipeline(pipeline.steps._replace(restore=kept)), kept)


def _start(config: RunConfig, first: Settings) -> Start:
    """Return the session as a hub would announce it; only the camera and the settings matter."""
    from realtime.wire import CameraInfo, RingInfo, Start

    scope = config.scope
    assert scope.kind == "simulated"
    camera = CameraInfo("Camera", scope.height, scope.width, scope.pixel_um, scope.calibration())
    return Start("bench", 0, 0, (camera,), RingInfo("", 0, 0), first)


def forest_of(results: list[Result]) -> Forest:
    """Return tracks as a forest.

    A cell that was missed and found again is where the tracker expected it meanwhile; one that was
    not found again ended where it was last seen. A division counts if it became final; as its
    verdict comes late, the mother's places from the split on belong to the daughter who went on
    in her track. A birth that was withdrawn did not happen.
    """
    places: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    last_seen: dict[int, int] = {}
    families: dict[int, list[int]] = defaultdict(list)
    for shot, result in enumerate(results):
        tracks = result.tracks
        for name, y, x, missed in zip(
            tracks.ids, tracks.y_px, tracks.x_px, tracks.missed, strict=True
        ):
            places[name][shot] = (y, x)
            if missed == 0:
                last_seen[name] = shot
        for event in result.events:
            if event.kind == "division" and event.is_final:
                families[event.parent_id].append(event.track_id)
    for name, path in places.items():
        for shot in [s for s in path if s > last_seen.get(name, -1)]:
            del path[shot]
    mothers = {d: mother for mother, pair in families.items() for d in pair}
    for mother, (daughter, sister, *_) in families.items():
        split = min(places[daughter], default=0)
        for shot in [s for s in places[mother] if s >= split]:
            places[sister][shot] = places[mother].pop(shot)
    return _forest(places, mothers)


def _forest(places: dict[int, dict[int, tuple[float, float]]], mothers: dict[int, int]) -> Forest:
    nodes = sorted((shot, name) for name, path in places.items() for shot in path)
    index = {node: i for i, node in enumerate(nodes)}
    last = {name: max(path) for name, path in places.items() if path}
    before = []
    for shot, name in nodes:
        came_from = index.get((shot - 1, name), -1)
        mother = mothers.get(name, -1)
        if came_from < 0 and mother in last and last[mother] == shot - 1:
            came_from = index[last[mother], mother]
        before.append(came_from)
    return Forest(
        np.array([shot for shot, _ in nodes], np.int64),
        np.array([places[name][shot] for shot, name in nodes], float).reshape(-1, 2),
        np.array(before, np.int64),
    )
