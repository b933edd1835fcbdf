"""Choose an engine: the fastest one here that gives the package's own answer (the parity gate)."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np

from models.errors import EngineUnavailable, ModelError, ParityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engines.engine import Engine
    from models.package import Package

    Opener = Callable[[Package, tuple[int, int], str, int], Engine]

logger = logging.getLogger(__name__)

_CLASSES = {
    "openvino": ("models.engines.openvino", "OpenVinoEngine"),
    "onnxruntime": ("models.engines.onnxruntime", "OnnxRuntimeEngine"),
    "torch": ("models.engines.torch_cpu", "TorchCpuEngine"),
}
FASTEST_FIRST = (
    ("openvino", "bf16"),
    ("openvino", "f32"),
    ("onnxruntime", "f32"),
    ("torch", "f32"),
)
"""Best of 100 runs of `denoise-2d` on 512 x 512 px, one thread of a Xeon with AMX: 8, 24, 50 and
33 ms. torch comes last: it is the reference, not a way to run."""


def open_engine(
    package: Package,
    shape: tuple[int, int],
    engine: str = "auto",
    precision: str = "auto",
    threads: int = 1,
) -> Engine:
    """Open the fastest engine that passes the parity gate on this machine.

    Parameters
    ----------
    package
        The network.
    shape
        Height and width of the frames, px, multiples of 8.
    engine, precision
        "auto", or "openvino", "onnxruntime", "torch" and "bf16", "f32".
    threads
        CPU threads; leave a core to camera and window.

    Raises
    ------
    EngineUnavailable
        If no such engine runs here; the message has one reason for each that was tried.
    ParityError
        If engines run, but all give another answer than the package's reference.
    """
    candidates = _candidates(engine, precision)
    refusals: list[tuple[str, ModelError]] = []
    for name, kind in candidates:
        try:
            return open_checked(_opener(name), package, shape, kind, threads)
        except (EngineUnavailable, ParityError) as err:
            logger.info("%s %s refused: %s", name, kind, err)
            refusals.append((f"{name} {kind}", err))
    reasons = "; ".join(f"{who}: {err}" for who, err in refusals)
    failed = [err for _, err in refusals if isinstance(err, ParityError)]
    kind_of_error = ParityError if failed else EngineUnavailable
    raise kind_of_error(f"no engine can run {package.model_id} here: {reasons}")


def _candidates(engine: str, precision: str) -> list[tuple[str, str]]:
    found = [
        (name, kind)
        for name, kind in FASTEST_FIRST
        if engine in ("auto", name) and precision in ("auto", kind)
    ]
    if not found:
        known = ", ".join(f"{name} {kind}" for name, kind in FASTEST_FIRST)
        raise EngineUnavailable(f"there is no engine {engine!r} in {precision!r}; known: {known}")
    return found


def _opener(name: str) -> Opener:
    module, attribute = _CLASSES[name]
    return cast("Opener", getattr(import_module(module), attribute))


def open_checked(
    opener: Opener, package: Package, shape: tuple[int, int], precision: str, threads: int
) -> Engine:
    """Open one engine, let it pass the gate, and warm it up for ``shape``."""
    if any(n % 8 or n < 8 for n in shape):
        raise ValueError(f"height and width must be multiples of 8, got {shape}")
    engine = opener(package, shape, precision, threads)
    try:
        engine.parity_rms = parity(engine, package)
        if not np.isfinite(engine.infer(engine.frames)).all():
            raise ParityError(f"{engine.name} {precision} answers a dark frame with no number")
    except BaseException:
        engine.close()
        raise
    return engine


def parity(engine: Engine, package: Package) -> float:
    """Return the engine's rms deviation from the test vector, in units of the noise.

    Raises
    ------
    ParityError
        If it is above the package's tolerance for that precision, or not a number.
    """
    frames, wanted = package.test_vector()
    allowed = package.manifest.tolerance_rms.get(engine.precision, 0.0)
    out = engine.infer(frames)
    if out.shape != wanted.shape:
        raise ParityError(f"{engine.name} answers {out.shape}, the reference is {wanted.shape}")
    per_channel = np.sqrt(np.mean((out.astype(np.float64) - wanted) ** 2, axis=(0, 2, 3)))
    deviation = float(per_channel.max())
    if not deviation <= allowed:  # NaN too
        raise ParityError(
            f"{engine.name} {engine.precision} deviates from the reference of {package.model_id} "
            f"by {deviation:.2g} (allowed: {allowed:.2g})"
        )
    return deviation
