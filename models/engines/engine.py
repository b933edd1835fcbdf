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
        "openvino", "onnxruntime" or "torch"; "f32" or "bf16".
    frames
        The engine's own input, (1, C, Y, X) float32: written here, frames need no copy.
    parity_rms
        Set by the parity gate.
    """

    name: str
    precision: str
    frames: NDArray[np.float32]
    parity_rms: float

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to the answer (1, K, Y, X), a view valid until the next call.

        Any height and width that are multiples of 8 will do; those of `frames` are fastest.
        """
        ...

    def info(self) -> EngineInfo:
        """Say who computes."""
        ...

    def close(self) -> None:
        """Free the machine; may be called twice."""
        ...
