"""A user's script that runs bare pymmcore-plus, and its light box: two processes to be broken."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire.simulated.config import LASER
from acquire.simulated.light.light_box import LightBoxClient, serve
from lightloop.bench.faults_box import FaultyBox
from lightloop.bench.faults_parts import listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from acquire.simulated.light.light_words import Line

EXPOSURE_MS, PAUSE_S, POWER = 30.0, 0.03, 20.0


def shine(owners: list[Connection], words: Connection, chart_path: str) -> None:
    """Be the light box."""
    from acquire.simulated.config import SimulatedScopeConfig

    chart = Path(chart_path)

    def note(begin_s: float, end_s: float) -> None:
        with chart.open("a", encoding="utf-8") as lines:
            lines.write(f"{round(begin_s * 1e9)} {round(end_s * 1e9)}\n")

    def make(lines: Sequence[Line], clock: Callable[[], float]) -> FaultyBox:
        box = FaultyBox(lines, clock, note)
        listen(words, {"set": partial(setattr, box)})
        return box

    serve(owners, SimulatedScopeConfig(gate="software").lines(), make=make)


def drive(light: Connection, hand: Connection, keeps_open: bool, said_path: str) -> None:
    """Be the script: whatever ends its run, it ends too, and says how.

    What it prints goes into a file: hundreds of tracebacks, and the table is to be read.
    """
    os.dup2(os.open(said_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
    os.environ.setdefault("PYMM_SIGNALS_BACKEND", "psygnal")
    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.simulated import load_simulated_scope
    from acquire.simulated.config import SimulatedScopeConfig

    config = SimulatedScopeConfig(height=128, width=128, n_cells=6, gate="software")
    core: Any = UniMMCore()
    load_simulated_scope(core, config, LightBoxClient(light), time.perf_counter)
    core.setTimeoutMs(500)
    core.setProperty("Camera", "RealTime", "On")
    if keeps_open:
        core.setAutoShutter(True)
    else:  # Micro-Manager's autoshutter lights nothing with Python devices: the camera fires it
        core.setProperty("Camera", "AutoShutter", "On")
    core.setProperty(LASER, "Power", str(POWER))
    orders: list[str] = []
    listen(
        hand,
        {
            "set": lambda *words: core.setProperty(*words),
            "cancel": core.mda.cancel,
            "do": orders.append,
        },
    )

    def look(image: Any, event: Any) -> None:
        if "callback" in orders:
            raise RuntimeError("the analysis was told to fail")

    core.mda.events.frameReady.connect(look)
    error = ""
    try:
        core.mda.run(_events(orders, keeps_open))
    except Exception as problem:  # what a script would see
        error = f"{type(problem).__name__}: {problem}".splitlines()[0]
    finish = core.mda.status.finish_reason
    hand.send_bytes(f"end {getattr(finish, 'value', finish)} {error}".encode())
    time.sleep(0.3)  # what still runs in MMCore's threads at the end of a script may abort it
    os._exit(0)


def _events(orders: list[str], keeps_open: bool) -> Iterator[Any]:
    import useq

    for t in range(100_000):
        time.sleep(PAUSE_S)
        power, exposure_ms = POWER * (0.9 if t % 2 else 1.0), EXPOSURE_MS
        if "raise" in orders:
            raise RuntimeError("the policy was told to fail")
        if "nan" in orders:
            orders.remove("nan")
            exposure_ms = float("nan")
        if "late" in orders:
            orders.remove("late")
            time.sleep(1.0)
        event: dict[str, Any] = {
            "index": {"t": t},
            "exposure": exposure_ms,
            "x_pos": 5.0 * (t % 2),
            "y_pos": 0.0,
            "properties": [(LASER, "Power", f"{power:g}")],
            "keep_shutter_open": keeps_open,
        }
        yield useq.MDAEvent(**event)
