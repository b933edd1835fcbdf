"""What goes into a bench, and what comes out of it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import msgspec

DISTRIBUTIONS = ("lightloop", "numpy", "pyzmq", "msgspec", "openvino", "pymmcore", "pymmcore-plus")


class Options(msgspec.Struct, frozen=True):
    """How to run a bench.

    Attributes
    ----------
    sabotage
        Break what the bench guards; then a bar must be missed, or the bench is blind.
    data
        Folder of recorded images, for benches that want real ones.
    scale
        Share of the full length, for tests: 1 is what the bars are about.
    thin
        A small form of a bench that takes hours in full.
    network
        Which network to judge, for benches that judge one; empty: the one that runs by default.
    """

    sabotage: bool = False
    data: Path | None = None
    scale: float = 1.0
    thin: bool = False
    network: str = ""

    def times(self, full: int, least: int = 1) -> int:
        """Return how often to repeat what is repeated `full` times at full length."""
        return max(least, round(full * self.scale))


class Measured(msgspec.Struct, frozen=True):
    """A bench's answer: a value for each bar, the raw samples behind it, and a table for people."""

    values: dict[str, float]
    samples: dict[str, list[float]] = {}
    table: str = ""


class Row(msgspec.Struct, frozen=True):
    """One bar and what was measured; `value` is None where nothing was."""

    name: str
    value: float | None
    unit: str
    bound: float
    ok: bool


class Report(msgspec.Struct, frozen=True):
    """All that one run of a bench says."""

    bench: str
    rows: tuple[Row, ...]
    samples: dict[str, list[float]]
    versions: dict[str, str]
    is_sabotaged: bool = False
    table: str = ""

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def versions() -> dict[str, str]:
    """Return what the numbers depend on: software, processor, cores."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
    }
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
