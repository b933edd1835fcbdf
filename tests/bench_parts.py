"""Of each bench the part that a bar is measured by, so that a test need not wait for the rest.

What is left out gives no value: its bars are then missed, and the test looks at one bar only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import pytest

from lightloop.bench import (
    detect,
    faults,
    kill,
    ledger,
    loop,
    models,
    record,
    replay,
    specimen,
    stream,
    trust,
    trust_jobs,
)
from lightloop.bench.report import Measured, Options
from lightloop.bench.trust_jobs import Done, Job

NOTHING = Measured({})
EASY_TO_TELL = "saturated"
"""A fault of an image that every watch of any use tells in the first frame."""


def _faults(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(faults, "FAULTS", faults.FAULTS[:1])  # sabotage: nobody darkens, in any row


def _kill(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kill, "_kill_scope", lambda folder, rng: 0)  # a bar of its own
    patch.setattr(kill, "LIFE_S", 0.2)  # s; a recorder dies somewhere in it


def _ledger(patch: pytest.MonkeyPatch) -> None:
    by_hand = next(mode for mode in ledger.MODES if mode.gate == "software")
    gated = (mode for mode in ledger.MODES if mode.gate == "camera")
    patch.setattr(ledger, "MODES", (*gated, by_hand))
    patch.setattr(ledger, "measure_rival", lambda *each: None)


def _loop(patch: pytest.MonkeyPatch) -> None:
    measured, runs = loop._run, list[Any]()

    def first(config: str, options: Options) -> Any:
        if not runs:  # the loop itself; the demo's pipeline has other bars
            runs.append(measured(config, options))
        return runs[0]

    patch.setattr(loop, "_run", first)


def _record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(record.record_live, "run", lambda options: NOTHING)


def _replay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(replay, "_is_found", lambda *each: True)  # changed pixels: a bar of its own
    patch.setattr(replay, "busy", lambda count: nullcontext())  # a tired machine is busy enough


def _specimen(patch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("_frames_s", [1.0]), ("_stacks_s", [1.0]), ("_memory_mb", [0.0]), ("_unlike_frames", 0.0),
    ):  # fmt: skip
        patch.setattr(specimen, name, lambda *each, value=value: value)


def _trust(patch: pytest.MonkeyPatch) -> None:
    """Show one fault and one good scene, in this process: each of a pool opens the network anew."""

    def work(options: Options, scale: float) -> list[Job]:
        shown = trust_jobs.jobs("fault", trust.SEED + 2, 1, EASY_TO_TELL)
        return shown + trust_jobs.jobs("good", trust.SEED + 5, 1)

    def run_all(package: str, wanted: Sequence[Job]) -> Iterator[Done]:
        trust_jobs._open(package)
        return map(trust_jobs._do, wanted)

    patch.setattr(trust, "_work", work)
    patch.setattr(trust, "run_all", run_all)
    patch.setattr(trust, "_coverage", lambda *each, **how: ({}, {}))
    patch.setattr(trust, "_cost_ms", lambda package: [0.0])


PARTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "detect": lambda patch: patch.setattr(detect, "CROWDS", {}),  # those are timed
    "faults": _faults,
    "kill": _kill,
    "ledger": _ledger,
    "loop": _loop,
    "models": lambda patch: patch.setattr(models, "PARTS", (models._movies,)),
    "record": _record,
    "replay": _replay,
    "specimen": _specimen,
    "stream": lambda patch: patch.setattr(stream.transport, "run", lambda options: NOTHING),
    "trust": _trust,
}
"""What is left out of a bench, by its name; any other is measured whole."""
