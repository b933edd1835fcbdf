"""Choose an engine: the fastest one here that gives the package's own answer (the parity gate)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from models.engines import order, table
from models.errors import EngineUnavailable, ModelError, ParityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines.engine import Engine
    from models.engines.table import Opener
    from models.package import Package

logger = logging.getLogger(__name__)

DEFAULT_TOLERANCE_RMS = {"f32": 1e-4, "bf16": 3e-2, "fp16": 1e-2, "int8": 1e-1}
"""For packages that name none, units of the noise. Seen: 1e-6, 1e-2, 3e-3 (float16 weights and
activations, simulated), 6e-2 (the log-variance; the correction 1e-2)."""
_MARGIN_PX = 48
"""No pixel of an answer sees further: the network's eye reaches 41 px (`models.unet`: 4 px in each
outer pair of convolutions, 8 in each middle one, 16 in the deepest, one for the poolings)."""


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
        "auto", or a name out of `models.engines.table`: "openvino" and "bf16", for example. "auto"
        tries what `lightloop models bench` found fastest here, else the usual order.
    threads
        CPU threads; leave a core to camera and window.

    Raises
    ------
    EngineUnavailable
        If no such engine runs here; the message has one reason for each that was tried.
    ParityError
        If engines run, but all give another answer than the package's reference.
    """
    choices = table.candidates(engine, precision)
    if len(choices) > 1:
        choices = order.remembered(package, shape, threads, choices)
    refusals: list[tuple[str, ModelError]] = []
    for name, kind in choices:
        try:
            return open_checked(table.opener(name), package, shape, kind, threads)
        except (EngineUnavailable, ParityError) as err:
            logger.info("%s %s refused: %s", name, kind, err)
            refusals.append((f"{name} {kind}", err))
    reasons = "; ".join(f"{who}: {err}" for who, err in refusals)
    failed = [err for _, err in refusals if isinstance(err, ParityError)]
    kind_of_error = ParityError if failed else EngineUnavailable
    cure = "get the package again, or install another engine"
    raise kind_of_error(f"no engine can run {package.model_id} here: {reasons}; {cure}")


def open_checked(
    opener: Opener, package: Package, shape: tuple[int, int], precision: str, threads: int
) -> Engine:
    """Open one engine, let it pass the gate, and warm it up for ``shape``."""
    if any(n % 8 or n < 8 for n in shape):
        raise ValueError(f"height and width must be multiples of 8, got {shape}")
    package.test_vector()  # one that does not fit is the package's fault, and no engine's
    try:
        return _open(opener, package, shape, precision, threads)
    except ModelError:
        raise
    except Exception as err:  # libraries' own errors have no common base: a reason for the table
        first = (str(err).strip().splitlines() or [type(err).__name__])[0]
        raise EngineUnavailable(f"fails on {package.model_id}: {first}") from err


def _open(
    opener: Opener, package: Package, shape: tuple[int, int], precision: str, threads: int
) -> Engine:
    engine = opener(package, shape, precision, threads)
    try:
        engine.parity_rms = parity(engine, package)
        engine.frames[...] = 0.0
        if not np.isfinite(engine.infer(engine.frames)).all():
            raise ParityError(f"{engine.name} {precision} answers a dark frame with no number")
    except BaseException:
        engine.close()
        raise
    return engine


def tolerance_rms(package: Package, precision: str) -> float:
    """Return how far an engine may be from the package's reference, in units of the noise."""
    default = DEFAULT_TOLERANCE_RMS.get(precision, 0.0)
    return package.manifest.tolerance_rms.get(precision, default)


def parity(engine: Engine, package: Package) -> float:
    """Return the engine's rms deviation from the test vector, in units of the noise.

    Where the engine's own input is large enough, the vector is laid into its four corners: so the
    very program is checked that will see the frames, not one for another size.

    Raises
    ------
    ParityError
        If it is above the package's tolerance for that precision, or not a number.
    """
    frames, wanted = package.test_vector()
    allowed = tolerance_rms(package, engine.precision)
    out = _answer(engine, frames, wanted.shape)
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


def _answer(
    engine: Engine, frames: NDArray[np.float32], wanted: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the engine's answer to the test vector, computed at its own size if possible."""
    height, width = frames.shape[2:]
    room_y, room_x = engine.frames.shape[2:]
    is_wide_enough = min(height, width) >= 2 * _MARGIN_PX
    if not is_wide_enough or room_y < 2 * height or room_x < 2 * width:
        return engine.infer(frames)
    engine.frames[...] = 0.0
    for rows in (slice(0, height), slice(room_y - height, room_y)):
        for columns in (slice(0, width), slice(room_x - width, room_x)):
            engine.frames[:, :, rows, columns] = frames
    out = engine.infer(engine.frames)
    upper, left = wanted[2] // 2, wanted[3] // 2  # each corner is right where the frame ends, too
    lower, right = wanted[2] - upper, wanted[3] - left
    top = np.concatenate([out[..., :upper, :left], out[..., :upper, -right:]], axis=-1)
    bottom = np.concatenate([out[..., -lower:, :left], out[..., -lower:, -right:]], axis=-1)
    return np.concatenate([top, bottom], axis=-2)
