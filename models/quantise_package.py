"""Add the int8 form of its network to a package: ``python -m models.quantise_package FOLDER``.

Runs where networks are trained (extra "train"); who uses the package needs nothing of that.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.engines.eight_bits import INT8
from models.package import ONNX, Package
from models.quantise import quantise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.manifest import Manifest

FRAMES = 24
FRAME_PX = 192
_SEED = 8
_BRIGHTEST_E = 300.0
_READ_NOISE_E = 1.4
_EXTRA = {"dz": (0.2, 4.0), "fraction": (0.25, 0.75)}
"""Range of the constant planes, as `models.package.Manifest` defines them."""
_STACKS, _STACK_FRAMES = 30, 60
_SLACK = 1.5
"""Tolerance over the deviation seen: another processor rounds the rest differently."""


def calibration_frames(manifest: Manifest) -> list[NDArray[np.float32]]:
    """Return simulated inputs from dark to bright, each (1, C, Y, X), normalised as the package's.

    The images of one input show one specimen, each with noise of its own, as frames of a live
    recording do.
    """
    if manifest.restored_by:
        return _planes_of_stacks(manifest)
    from models.train.noisy import expose, stabilised
    from models.train.scenes import make_scene

    rng = np.random.default_rng(_SEED)
    peaks_e = np.geomspace(0.5, _BRIGHTEST_E, FRAMES)
    frames = []
    for peak_e in peaks_e:
        # A lone spot far above its image would widen the ranges for all the others: 0.1 dB.
        scene = np.clip(make_scene(rng, FRAME_PX), 0.0, 1.0)
        photons = np.minimum(0.3 + peak_e * scene, manifest.photons_max_e)
        images = [
            stabilised(expose(rng, photons, _READ_NOISE_E))[0] for _ in range(manifest.in_frames)
        ]
        planes = [(image - manifest.mu) / manifest.sd for image in images]
        for name in manifest.extra_channels:
            value = rng.uniform(*_EXTRA.get(name, (0.0, 1.0)))
            planes.append(np.full_like(planes[0], value))
        frames.append(np.stack(planes)[None].astype(np.float32))
    return frames


def _planes_of_stacks(manifest: Manifest) -> list[NDArray[np.float32]]:
    """Return examples as the network learnt from: some of its images are restored ones.

    Single noisy frames in place of these made ranges too wide: 0.04 to 0.18 dB, not 0.01 to 0.03.
    """
    from models.train.recipes import recipe
    from models.train.stacks import simulated_stacks

    rng, how = np.random.default_rng(_SEED), recipe(manifest.task, manifest.in_frames)
    stacks = simulated_stacks(_SEED, _STACKS)
    return [how.batch(rng, stacks, 1).planes for _ in range(_STACK_FRAMES)]


def add_int8(folder: Path, frames: Sequence[NDArray[np.float32]] | None = None) -> Package:
    """Write ``int8.onnx`` into a package, state its tolerance, and seal the package again.

    Parameters
    ----------
    folder
        A whole package; an int8 form that is there already is replaced.
    frames
        Normalised inputs to learn the ranges from; None: `calibration_frames`.

    Returns
    -------
    Package
        The package as it is now.
    """
    from models.train.seal import seal

    package = Package.load(folder)
    content = quantise(package.read(ONNX), frames or calibration_frames(package.manifest))
    deviation = _deviation_rms(package, content)
    (package.folder / INT8).write_bytes(content)
    tolerance = float(f"{_SLACK * deviation:.2g}")
    tolerances = package.manifest.tolerance_rms | {"int8": tolerance}
    seal(package.folder, msgspec.structs.replace(package.manifest, tolerance_rms=tolerances))
    return Package.load(folder)


def _deviation_rms(package: Package, content: bytes) -> float:
    """Return how far the int8 form is from the test vector's answer, in units of the noise."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    frames, wanted = package.test_vector()
    out = session.run(None, {session.get_inputs()[0].name: frames})[0]
    return float(np.sqrt(np.mean((out - wanted) ** 2, axis=(0, 2, 3))).max())


def main(folders: Sequence[str]) -> None:
    """Add the int8 form to each package named on the command line."""
    for folder in folders:
        package = add_int8(Path(folder))
        allowed = package.manifest.tolerance_rms["int8"]
        sys.stdout.write(f"{package.model_id}: {INT8} added, tolerance {allowed:g} of the noise\n")


if __name__ == "__main__":
    main(sys.argv[1:])
