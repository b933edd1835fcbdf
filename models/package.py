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
from models.manifest import Manifest

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

MANIFEST = "package.toml"
_STRIDE = 8
"""Height and width of what a network sees are multiples of this, px (`models.unet`)."""
ONNX, WEIGHTS, VECTOR = "model.onnx", "weights.npz", "test_vector.npz"


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
        except (ValueError, OSError, TypeError, BadZipFile) as err:
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
