"""Finds a bench by its name, runs it, and holds it against its bars."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING

from lightloop.bench.bars import load_bars
from lightloop.bench.report import Measured, Options, Report, Row, versions
from lightloop.config import ConfigError
from lightloop.config.complaints import near_miss

if TYPE_CHECKING:
    from collections.abc import Callable

BENCHES = {
    "denoise": "lightloop.bench.denoise",
    "detect": "lightloop.bench.detect",
    "faults": "lightloop.bench.faults",
    "kill": "lightloop.bench.kill",
    "light": "lightloop.bench.light",
    "ledger": "lightloop.bench.ledger",
    "loop": "lightloop.bench.loop",
    "models": "lightloop.bench.models",
    "record": "lightloop.bench.record",
    "replay": "lightloop.bench.replay",
    "specimen": "lightloop.bench.specimen",
    "stream": "lightloop.bench.stream",
    "touching": "lightloop.bench.touching",
    "track": "lightloop.bench.track",
    "training": "lightloop.bench.training",
    "trust": "lightloop.bench.trust",
}
"""Name of each bench, and the module whose `run(options)` measures it."""


def find(name: str) -> Callable[[Options], Measured]:
    """Return the function of a bench.

    Raises
    ------
    ConfigError
        If there is no bench of that name.
    """
    if name not in BENCHES:
        raise ConfigError(f"there is no bench {name!r}{near_miss(name, set(BENCHES))}")
    run: Callable[[Options], Measured] = import_module(BENCHES[name]).run
    return run


def measure(name: str, options: Options) -> Report:
    """Run a bench and compare what it measured with its bars.

    A network that was named is held to the bars that apply to it: one whose images are for looking
    raises no flags.
    """
    measured = find(name)(options)
    rows = []
    for bar in load_bars(name):
        if options.network and bar.name not in measured.values:
            continue
        value = measured.values.get(bar.name)
        if value is not None and not math.isfinite(value):
            value = None  # JSON has no NaN, and NaN meets no bar
        rows.append(Row(bar.name, value, bar.unit, bar.bound, bar.is_met(value)))
    return Report(name, tuple(rows), measured.samples, versions(), options.sabotage, measured.table)
