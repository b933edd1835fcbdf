"""A model package: a folder that says what a network is for, and proves that it is whole.

``package.toml`` names every other file with its sha256; nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import io
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import msgspec
import numpy as np

from models.errors import ModelError
from models.residuals import Limits

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

MANIFEST = "package.toml"
_STRIDE = 8
"""Height and width of what a network sees are multiples of this, px (`models.unet`)."""
ONNX, WEIGHTS, VECTOR = "model.onnx", "weights.npz", "test_vector.npz"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``package.toml`` says.

    Attributes
    ----------
    name, task, version
        Which network, what for ("denoise", "superres", "axial", "segment"), which training.
    in_frames, base
        Images that go in, channels of the finest level.
    mu, sd
        Network input is ``(stabilised - mu) / sd``, the same for every frame for ever.
    smooth_px
        The first output corrects the stabilised frame after a Gaussian blur of this sigma, px.
    inverse
        How to leave the stabilised domain. "posterior-mean": ``(m^2 + v) / 4 - 3/8 - read^2`` of
        the estimated mean m and variance v.
    log_variance_min, log_variance_max
        The second output is clamped to this.
    photons_min_e, photons_max_e
        Mean photo-electrons per pixel that it was trained for.
    command
        How it was trained.
    sources
        Real images that it learnt from, with their licences.
    limits
        Residuals that may be trusted.
    tolerance_rms
        Largest deviation of an engine from the test vector, per precision, in units of the noise.
    sha256
        Every other file of the folder.
    upscale
        Output pixels per input pixel along each axis.
    outputs
        Channels that come out: 2 are correction and log-variance.
    extra_channels
        Constant planes that go in after the images, by name: "dz" is the distance between both
        measured planes over the depth of field, at most 4; "fraction" is where between them the
        wanted plane lies.
    restored_by
        For "axial": the shipped denoiser whose answers to both planes go in after the planes
        themselves, and whose blend is what the first output corrects; none if empty.
    target
        What it learnt from: "clean" or "noisy" images. It decides which inverse is right.
    conformal
        Factor on the predicted standard deviation per octave of mean photo-electrons, so that it
        covers what it says; octaves without one take 1.
    """

    name: str
    task: str
    version: str
    in_frames: int
    base: int
    mu: float
    sd: float
    smooth_px: float
    inverse: str
    log_variance_min: float
    log_variance_max: float
    photons_min_e: float
    photons_max_e: float
    command: str
    sources: tuple[str, ...]
    limits: Limits
    tolerance_rms: dict[str, float]
    sha256: dict[str, str]
    upscale: int = 1
    outputs: int = 2
    extra_channels: tuple[str, ...] = ()
    restored_by: str = ""
    target: str = "clean"
    conformal: dict[str, float] = {}

    @property
    def in_channels(self) -> int:
        """Planes that go in: images and constant planes."""
        return self.in_frames + len(self.extra_channels)


@dataclass(frozen=True, slots=True)
class Package:
    """A model package that was checked: every file is there and is the one that was packed."""

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, folder: Path | str, task: str | None = None) -> Package:
        """Open and check a package.

        Raises
        ------
        ModelError
            If a file is missing or damaged, or the package is for another task than ``task``.
        """
        folder = Path(folder)
        package = cls(folder, _read_manifest(folder))
        manifest = package.manifest
        if task is not None and manifest.task != task:
            raise ModelError(
                f"{folder.name}: made for {manifest.task!r}, but {task!r} is needed: "
                f"choose a package of that task"
            )
        for name in manifest.sha256:
            package.read(name)
        return package

    @property
    def model_id(self) -> str:
        """Name and version, as recordings state it."""
        return f"{self.manifest.name}@{self.manifest.version}"

    def read(self, name: str) -> bytes:
        """Return the bytes of a file after checking that they are the packed ones.

        Raises
        ------
        ModelError
            If the file is missing or damaged.
        """
        wanted = self.manifest.sha256.get(name)
        if wanted is None:
            raise ModelError(f"{self.folder.name}: {MANIFEST} names no file {name!r}")
        try:
            content = (self.folder / name).read_bytes()
        except OSError as err:
            raise ModelError(
                f"{self.folder.name}: the file {name} cannot be read ({err.strerror}): "
                "get the package again"
            ) from err
        if hashlib.sha256(content).hexdigest() != wanted:
            raise ModelError(
                f"{self.folder.name}: the file {name} is damaged (its sha256 differs from "
                f"{MANIFEST}): get the package again"
            )
        return content

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of an ``.npz`` file of the package.

        Raises
        ------
        ModelError
            If the file is missing, damaged, or holds something else.
        """
        content = io.BytesIO(self.read(name))
        try:
            with np.load(content, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except (ValueError, OSError, AttributeError, BadZipFile) as err:
            raise ModelError(
                f"{self.model_id}: the file {name} holds no arrays ({err}): get the package again"
            ) from err

    def test_vector(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return frames (1, C, Y, X) and the float32 reference answer to them (1, K, Y, X).

        Raises
        ------
        ModelError
            If they cannot be of this network.
        """
        arrays, m = self.arrays(VECTOR), self.manifest
        frames, out = arrays.get("frames"), arrays.get("out")
        if (
            frames is None or out is None or frames.ndim != 4
            or not frames.dtype == out.dtype == np.float32
            or frames.shape[:2] != (1, m.in_channels)
            or any(n % _STRIDE or n == 0 for n in frames.shape[2:])
            or out.shape != (1, m.outputs, *(m.upscale * n for n in frames.shape[2:]))
        ):  # fmt: skip
            found = {key: f"{array.dtype} {array.shape}" for key, array in arrays.items()}
            raise ModelError(
                f"{self.model_id}: the test vector does not fit a network of {m.in_channels} "
                f"planes and {m.outputs} answers ({found}): get the package again"
            )
        return frames, out


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise ModelError(
            f"{folder}: no model package here, {MANIFEST} cannot be read ({err.strerror}); "
            f"shipped are: {', '.join(list_shipped())}"
        ) from err
    except UnicodeDecodeError as err:
        raise ModelError(f"{folder.name}: {MANIFEST} is damaged (not UTF-8 text)") from err
    try:
        manifest = msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as err:
        raise ModelError(f"{folder.name}: {MANIFEST} cannot be understood: {err}") from err
    for name in manifest.sha256:
        if Path(name).name != name:
            raise ModelError(f"{folder.name}: {MANIFEST} names {name!r}, which lies outside it")
    return manifest


def _shelf() -> Path:
    return Path(str(resources.files("models"))) / "weights"


def list_shipped() -> list[str]:
    """Return the names of the packages that come with lightloop."""
    return sorted(path.parent.name for path in _shelf().glob(f"*/{MANIFEST}"))


def shipped(name: str) -> Path:
    """Return the folder of a package that comes with lightloop.

    Raises
    ------
    ModelError
        If there is none of that name.
    """
    known = list_shipped()
    if name not in known:
        raise ModelError(f"no network called {name!r} is shipped; there are: {', '.join(known)}")
    return _shelf() / name
