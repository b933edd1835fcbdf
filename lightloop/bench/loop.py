"""The way of one frame, live: real processes, the window open, a simulated camera without sleep.

Two runs. The first follows nothing and has no network: what is left is the loop itself, against a
bare echo of the same messages between the same processes. The second is the demo's whole pipeline.
The processor time is that of the loop's and the hub's threads and of the worker; the simulated
camera, which draws the specimen, stands for hardware and is not counted.

Sabotage: every tenth decision is delayed by 200 ms in the worker.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from acquire.errors import ScopeError
from lightloop.bench.report import Measured, Options
from lightloop.supervision.supervisor import supervise
from lightloop.task import RunTask

if TYPE_CHECKING:
    from lightloop.supervision.supervisor import Outcome
    from lightloop.supervision.usage import Sample

SHOTS = 2000
ECHOES = 1000


def run(options: Options) -> Measured:
    """Measure the loop without networks, then with the demo's pipeline."""
    bare = _run(_config(bare=True), options)
    full = _run(_config(bare=False), options)
    samples = {name: _samples(bare, name) for name in ("host to devices", "echo")}
    return Measured(
        {
            "loop_p50_ms": statistics.median(samples["host to devices"]),
            "loop_cpu_ms": _cpu_ms(bare),
            "loop_p99_over_echo": float(
                np.percentile(samples["host to devices"], 99) / np.percentile(samples["echo"], 99)
            ),
            "loop_denoised_p50_ms": statistics.median(_samples(full, "host to devices")),
            "memory_total_gb": max(_total_mb(full.usage), default=float("nan")) / 1e3,
            "memory_growth_mb": _growth_mb(full.usage),
        },
        {
            "loop_ms": samples["host to devices"],
            "echo_ms": samples["echo"],
            "denoised_ms": _samples(full, "host to devices"),
            "memory_mb": _total_mb(full.usage),
        },
    )


def _config(*, bare: bool) -> str:
    """Return the demo's config with no pause between shots, and light enough for all of them."""
    text = files("configs").joinpath("demo.toml").read_text("utf-8")
    text = re.sub(r"pace_s = [0-9.]+", "pace_s = 0.0", text)
    text = re.sub(r"loops = [0-9]+", "loops = 100000", text)
    # Five hours of the cells' life, not three days: else the specimen itself outgrows the memory.
    text = re.sub(r"seconds = [0-9]+", "seconds = 10", text)
    text = re.sub(r"budget_j_cm2 = [0-9.]+", "budget_j_cm2 = 1e6", text)
    if bare:  # an empty field is drawn fastest, and drawing is the hardware's part
        text = re.sub(r"n_cells = [0-9]+", "n_cells = 0", text)
        policy = files("lightloop.bench").joinpath("restless_policy.py")
        text = re.sub(
            r"\[policy\][^\[]*", f"[policy]\nkind = \"python\"\npath = '{policy}'\n", text
        )
        head, rest = text.split("[scope]", 1)
        text = f'{head}\nfollow = "nothing"\n[scope]{rest}\n[network]\ndenoise = ""\n'
    return text


def _run(config: str, options: Options) -> Outcome:
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    outcome = supervise(
        RunTask(
            config,
            "bench loop",
            "",
            with_window=True,
            ends_with_run=True,
            max_shots=options.times(SHOTS, least=60),
            measures_usage=True,
            echo_shots=options.times(ECHOES, least=50),
            sabotage="delay-decision" if options.sabotage else "",
        )
    )
    if outcome.exit_code or outcome.summary is None:
        raise ScopeError(f"the run of the bench failed: {outcome.reason}")
    return outcome


def _samples(outcome: Outcome, name: str) -> list[float]:
    assert outcome.summary is not None
    return outcome.summary.samples_ms[name]


def _cpu_ms(outcome: Outcome) -> float:
    assert outcome.summary is not None
    cpu_s = outcome.cpu_s.get("scope", np.nan) + outcome.cpu_s.get("worker", np.nan)
    return cpu_s / outcome.summary.frames * 1e3


def _total_mb(usage: tuple[Sample, ...]) -> list[float]:
    return [sum(sample.memory_mb.values()) for sample in usage]


def _growth_mb(usage: tuple[Sample, ...]) -> float:
    """Return the growth over the last three quarters of the samples in which everybody ran."""
    most = max((len(sample.memory_mb) for sample in usage), default=0)
    total = [sum(s.memory_mb.values()) for s in usage if len(s.memory_mb) == most]
    if len(total) < 4:
        return float("nan")
    quarter = len(total) // 4
    return statistics.median(total[-quarter:]) - statistics.median(total[quarter : 2 * quarter])
