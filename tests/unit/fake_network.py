"""A network whose answer is known: no engine, no weights."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from models.engines.engine import EngineInfo
from models.manifest import Manifest
from models.package import Package, shipped


def no_change(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correct nothing, and be as sure as can be."""
    return np.zeros(planes.shape[1:], np.float32), np.full(planes.shape[1:], -7.0, np.float32)


class FakeEngine:
    """Answers by a function of its planes, into one buffer that it uses again."""

    name, precision = "fake", "f32"
    answer = staticmethod(no_change)

    def __init__(self, manifest: Manifest, shape: tuple[int, int]) -> None:
        self.frames = np.zeros((1, manifest.in_channels, *shape), np.float32)
        up = manifest.upscale
        self.out = np.empty((1, 2, shape[0] * up, shape[1] * up), np.float32)
        self.parity_rms, self.is_open, self.seen = 0.0, True, []

    def infer(self, frames: np.ndarray) -> np.ndarray:
        up = self.out.shape[2] // frames.shape[2]
        self.seen.append(frames[0].copy())
        for channel, image in enumerate(type(self).answer(frames[0])):
            self.out[0, channel] = image.repeat(up, 0).repeat(up, 1)
        return self.out

    def info(self) -> EngineInfo:
        return EngineInfo("fake", "0", "f32", 1, 0.0)

    def close(self) -> None:
        self.is_open = False


def package(**changes: object) -> Package:
    """Return the shipped denoiser's package with another manifest."""
    known = Package.load(shipped("denoise-2d"))
    return Package(Path(known.folder), msgspec.structs.replace(known.manifest, **changes))


def use(monkeypatch, answer=no_change) -> list[FakeEngine]:
    """Open fake engines from now on; return those that are opened."""
    opened: list[FakeEngine] = []

    def open_engine(package: Package, shape: tuple[int, int], *_: object) -> FakeEngine:
        opened.append(FakeEngine(package.manifest, shape))
        return opened[-1]

    monkeypatch.setattr("models.network.open_engine", open_engine)
    monkeypatch.setattr(FakeEngine, "answer", staticmethod(answer))
    return opened
