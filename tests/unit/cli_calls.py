"""The command line called in this process: what it printed, its status, and what it asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lightloop.supervision.supervisor
from lightloop.cli import app
from lightloop.summary import Summary
from lightloop.supervision.supervisor import Outcome
from lightloop.task import RunTask

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = str(CONFIGS / "demo.toml")
SUMMARY = Summary(
    frames=12,
    shots=6,
    gaps=1,
    late=2,
    dose={"488": 1.25},
    reference_dose={"488": 5.0},
    dose_unit="J/cm2",
    latency_ms={"restore": (7.0, 9.5), "host to devices": (8.25, 12.0)},
    status="complete",
    reason="the plan is done",
    is_dark=True,
    divisions=3,
    cells=41,
)


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout, done.stderr


def keep_tasks(monkeypatch: pytest.MonkeyPatch) -> list[RunTask]:
    """Take the supervisor's place; return what it will have been asked."""
    asked: list[RunTask] = []

    def supervise(task: RunTask) -> Outcome:
        asked.append(task)
        return Outcome(0, SUMMARY, SUMMARY.reason)

    monkeypatch.setattr(lightloop.supervision.supervisor, "supervise", supervise)
    return asked


def bring_in(folder: Path, *more: str) -> tuple[int, str, str]:
    film = folder / "film.npy"
    np.save(film, np.random.default_rng(1).poisson(100, (3, 32, 48)).astype(np.uint16))
    words = {
        "--axes": "TYX", "--pixel-um": "0.5", "--interval-s": "60", "--exposure-ms": "20",
        "--gain-adu-per-e": "1", "--offset": "10", "--read-noise": "1.5",
        "--out": str(folder / "run.h5"),
    }  # fmt: skip
    words.update([more] if more else [])  # type: ignore[arg-type]
    return call("import", str(film), *(part for pair in words.items() for part in pair))
