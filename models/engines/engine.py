"""What runs a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who computed an image; recorded with every run.

    Attributes
    ----------
    engine, version, precision, threads
        "openvino", its version, "bf16" or "f32", CPU threads.
    parity_rms
        Deviation from the package's float32 reference, in units of the noise; NaN: not checked.
    """

    engine: str
    version: str
    precision: str
    threads: int
    parity_rms: float


class Engine(Protocol):
    """Runs one network on this machine.

    Attributes
    ----------
    name, precision
        Such as "openvino" and "bf16"; all are in `models.engines.table`.
    frames
        The engine's own input, (1, C, Y, X) float32: written here, frames need no copy. C is the
        package's ``in_channels``.
    parity_rms
        Set by the parity gate.
    """

    name: str
    precision: str
    frames: NDArray[np.float32]
    parity_rms: float

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to the answer (1, K, s Y, s X), a view valid until the next call.

        K is the package's ``outputs``, s its ``upscale``. Any height and width that are multiples
        of 8 will do; those of `frames` are fastest, others may have to be compiled first.
        """
        ...

    def info(self) -> EngineInfo:
        """Say who computes."""
        ...

    def close(self) -> None:
        """Free the machine; may be called twice."""
        ...
