"""Measuring what is promised: every bar of configs/bars.toml has a bench that measures it."""

from lightloop.bench.bars import Bar, load_bars
from lightloop.bench.harness import BENCHES, find, measure
from lightloop.bench.report import Measured, Options, Report, Row

__all__ = [
    "BENCHES",
    "Bar",
    "Measured",
    "Options",
    "Report",
    "Row",
    "find",
    "load_bars",
    "measure",
]
