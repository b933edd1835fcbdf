"""The account of light against the light's own meter, in every way of giving light.

A simulated light box counts what its lines really gave, in its own time and at the sample; we book
from what the devices were told and said. Beside it: the same light given by pymmcore-plus, and what
its frames' metadata add up to (power and irradiance are filled in for it, which it does not keep).

Sabotage: the power calibration is wrong by 3 %.
"""

from __future__ import annotations

import logging
import sys
import time

from rich import box
from rich.console import Console
from rich.table import Table

from acquire.dose import Ledger
from acquire.dose.budget import Budget
from acquire.dose.footprint import Footprint
from lightloop.bench.ledger_modes import MODES, Booked, Mode, measure, measure_rival
from lightloop.bench.report import Measured, Options

SABOTAGE = -0.03
BOOKINGS = 20_000
FIELDS = 25  # of a grid whose tiles overlap by a tenth, in turn


def run(options: Options) -> Measured:
    """Give light in every mode, print what was booked and metered, and time the booking."""
    error = SABOTAGE if options.sabotage else 0.0
    rows: list[tuple[Mode, Booked, Booked | None]] = []
    quiet = logging.getLogger("acquire.light.account")
    quiet.disabled = True  # a loaded machine is slow to close: it is booked, and measured here
    try:
        for mode in MODES:
            ours = measure(mode, options.scale, error)
            rival = measure_rival(mode, options.scale) if mode.rival_ms else None
            rows.append((mode, ours, rival))
    finally:
        quiet.disabled = False
    Console(width=None if sys.stdout.isatty() else 120).print(_table(rows))
    gated = [abs(ours.error_pct) for mode, ours, _ in rows if mode.gate == "camera"]
    software = [ours.error_pct for mode, ours, _ in rows if mode.gate == "software"]
    booking_us = _booking_us(options.times(BOOKINGS, least=500))
    return Measured(
        {
            "ledger_gated_error_pct": max(gated),
            "ledger_software_most_pct": max(software),
            "ledger_software_least_pct": min(software),
            "ledger_booking_us": booking_us,
        },
        {mode.name: [ours.booked, ours.metered] for mode, ours, _ in rows}
        | {
            f"pymmcore-plus, {mode.name}": [rival.booked, rival.metered]
            for mode, _, rival in rows
            if rival is not None
        },
    )


def _table(rows: list[tuple[Mode, Booked, Booked | None]]) -> Table:
    table = Table(title="J/cm2", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("mode")
    for heading in ("booked", "metered", "off by", "pymmcore-plus metadata", "metered", "off by"):
        table.add_column(heading, justify="right")
    for mode, ours, rival in rows:
        theirs = _cells(rival) if rival is not None else ("-", "-", "-")
        table.add_row(mode.name, *_cells(ours), *theirs)
    return table


def _cells(booked: Booked) -> tuple[str, str, str]:
    return f"{booked.booked:.4f}", f"{booked.metered:.4f}", f"{booked.error_pct:+.2f} %"


def _booking_us(times: int) -> float:
    """Return the mean time to set an exposure's dose aside and to settle it, us."""
    footprint = Footprint.of(166.0, 166.0, rim=0.75)
    ledger = Ledger(
        {"488": Budget(1e9, 1e9)}, footprints={"488": footprint}, harm={"488": 0.03}, damage=1e9
    )
    places = [(150.0 * (i % 5), 150.0 * (i // 5)) for i in range(FIELDS)]
    start = time.perf_counter_ns()
    for i in range(times):
        field = i % FIELDS
        ledger.settle(ledger.reserve(field, "488", 1e-3, places[field]), 1e-3)
    return (time.perf_counter_ns() - start) * 1e-3 / times
