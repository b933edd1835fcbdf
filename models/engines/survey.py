"""Try every engine on this machine: who runs, how fast, how faithful; and for the rest, why not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.engines import gate, table
from models.errors import EngineUnavailable, ParityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.engines.engine import Engine
    from models.engines.table import Choice
    from models.package import Package

WARM_UPS = 5


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying one engine.

    Attributes
    ----------
    choice
        Engine and precision.
    reason
        Why it does not run here, or why its answer is refused; empty where it passed.
    is_wrong
        Whether it runs, but failed the parity gate.
    version
        Of the engine's library.
    parity_rms, allowed_rms
        Deviation from the package's answer and its tolerance, in units of the noise.
    open_ms
        From nothing to the first answer, compiling included.
    times_ms
        Of each timed frame; empty where none was.
    """

    choice: Choice
    reason: str = ""
    is_wrong: bool = False
    version: str = ""
    parity_rms: float = float("nan")
    allowed_rms: float = float("nan")
    open_ms: float = float("nan")
    times_ms: tuple[float, ...] = ()

    @property
    def median_ms(self) -> float:
        """Median time of a frame."""
        return float(np.median(self.times_ms)) if self.times_ms else float("nan")

    @property
    def p99_ms(self) -> float:
        """The 99th percentile."""
        return float(np.percentile(self.times_ms, 99)) if self.times_ms else float("nan")


def survey(
    package: Package,
    shape: tuple[int, int],
    threads: int = 1,
    frames: int = 0,
    engine: str = "auto",
    precision: str = "auto",
    begun: Callable[[Choice], None] = lambda choice: None,
) -> Iterator[Tried]:
    """Open each engine, let it pass the gate, and time ``frames`` of its answers.

    ``begun`` is called before each engine, for whoever shows the progress.
    """
    for choice in table.candidates(engine, precision):
        begun(choice)
        yield _try(package, shape, threads, frames, choice)


def _try(
    package: Package, shape: tuple[int, int], threads: int, frames: int, choice: Choice
) -> Tried:
    allowed = gate.tolerance_rms(package, choice.precision)
    start = time.perf_counter_ns()
    try:
        opener = table.opener(choice.engine)
        engine = gate.open_checked(opener, package, shape, choice.precision, threads)
    except EngineUnavailable as err:
        return Tried(choice, str(err), allowed_rms=allowed)
    except ParityError as err:
        return Tried(choice, str(err), is_wrong=True, allowed_rms=allowed)
    open_ms = (time.perf_counter_ns() - start) * 1e-6
    try:
        times_ms = time_frames(engine, frames)
        info = engine.info()
    finally:
        engine.close()
    return Tried(
        choice,
        version=info.version,
        parity_rms=info.parity_rms,
        allowed_rms=allowed,
        open_ms=open_ms,
        times_ms=times_ms,
    )


def time_frames(engine: Engine, frames: int) -> tuple[float, ...]:
    """Return the time of each of ``frames`` answers to noise, ms, after a warm-up."""
    if frames < 1:
        return ()
    noise = np.random.default_rng(0).normal(0, 1, engine.frames.shape).astype(np.float32)
    times_ms = []
    for number in range(WARM_UPS + frames):
        start = time.perf_counter_ns()
        np.copyto(engine.frames, noise)
        engine.infer(engine.frames)
        if number >= WARM_UPS:
            times_ms.append((time.perf_counter_ns() - start) * 1e-6)
    return tuple(times_ms)
