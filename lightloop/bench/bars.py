"""The table of promises, configs/bars.toml."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Literal

import msgspec


class Bar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One promised number: what a value may reach, from which side, and what it means."""

    name: str
    bench: str
    bound: float
    direction: Literal["at most", "at least"]
    unit: str
    means: str

    def is_met(self, value: float | None) -> bool:
        """Whether a value keeps the promise; one that was not measured, or is NaN, does not."""
        if value is None:
            return False
        return value <= self.bound if self.direction == "at most" else value >= self.bound


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bar: tuple[Bar, ...]


def load_bars(bench: str = "") -> tuple[Bar, ...]:
    """Return the bars of one bench, or all of them."""
    text = files("configs").joinpath("bars.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), _Table)
    return tuple(bar for bar in table.bar if bench in ("", bar.bench))
