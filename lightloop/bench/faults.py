"""Everything that can break, broken from outside: what lightloop makes of it, and pymmcore-plus.

Each row of the table (`faults_table`) is a run of the real command on a simulated microscope whose
light box charts when it gave light. Beside it the same on bare pymmcore-plus, where it can be
expressed: `core.mda.run` in a process of its own, with the same devices and the same light box.

Sabotage: the guard's darkening does nothing, and says that all is dark.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import ScopeError
from lightloop.bench.faults_judge import break_run, objections
from lightloop.bench.faults_rival import RivalFacts, measure
from lightloop.bench.faults_table import FAULTS, Fault, Outcome
from lightloop.bench.posix import refuse_without_signals
from lightloop.bench.report import Measured, Options

if TYPE_CHECKING:
    from lightloop.bench.faults_facts import Facts

KEPT_OPEN = ("cancel", "raise")
"""Faults that are shown, not judged, also with events that keep the shutter open for the next."""


def run(options: Options) -> Measured:
    """Break everything, on both sides, and count what did not come as declared."""
    refuse_without_signals("faults")
    rows: list[str] = []
    held: dict[str, float] = {}
    rival_held: list[bool] = []
    outside_s = death_ms = 0.0
    for fault in FAULTS[: options.times(len(FAULTS), least=2)]:
        facts, trouble = _broken(fault, is_sabotaged=options.sabotage)
        held[fault.name] = float(not trouble)
        trouble = [*trouble, fault.not_yet] if trouble and fault.not_yet else trouble
        if facts is not None and fault.outcome is not Outcome.UNCONFIRMED:
            outside_s += max(0.0, facts.lit_outside_s - fault.late_ms * 1e-3)
            death_ms = max(death_ms, facts.dark_after_death_ms)
        theirs = fault.no_rival or "-"
        if fault.rival and not options.sabotage:
            theirs, is_as_declared = _rival(fault)
            rival_held.append(is_as_declared)
        mark = "as declared" if not trouble else "NOT AS DECLARED: " + "; ".join(trouble)
        rows.append(f"| {fault.name} | {fault.outcome.value} | {mark} | {theirs} |")
        print(rows[-1], file=sys.stderr)
    n_held = int(sum(held.values()))
    head = ["| fault | declared | lightloop | bare pymmcore-plus |", "| --- | --- | --- | --- |"]
    total = f"| **as declared** | | **{n_held} of {len(held)}** | **{_score(rival_held)}** |"
    return Measured(
        {
            "faults_not_as_declared": len(held) - n_held,
            "faults_lit_outside_s": outside_s,
            "faults_dark_after_death_ms": death_ms,
        },
        {"held": list(held.values())},
        "\n".join([*head, *rows, total]),
    )


def _broken(fault: Fault, *, is_sabotaged: bool) -> tuple[Facts | None, list[str]]:
    with tempfile.TemporaryDirectory(prefix="ll-", ignore_cleanup_errors=True) as folder:
        try:
            facts = break_run(fault, Path(folder), is_sabotaged=is_sabotaged)
        except ScopeError as error:
            return None, [str(error).splitlines()[0]]
    return facts, objections(fault, facts)


def _rival(fault: Fault) -> tuple[str, bool]:
    """Return what pymmcore-plus made of a fault, in words, and whether that is as declared."""
    try:
        facts = measure(fault.rival)
        text = facts.in_words()
        is_as_declared = as_declared(fault.outcome, facts)
        if fault.rival in KEPT_OPEN:
            kept = measure(fault.rival, keeps_open=True)
            text += f" (with keep_shutter_open: {kept.in_words()})"
    except ScopeError as error:
        return str(error).splitlines()[0], False
    return ("" if is_as_declared else "**not as declared**: ") + text, is_as_declared


def as_declared(outcome: Outcome, facts: RivalFacts) -> bool:
    """Whether what came of a fault is what our table declares."""
    if facts.stays_on:
        return outcome is Outcome.UNCONFIRMED and facts.is_told
    if outcome in (Outcome.ENDS, Outcome.UNCONFIRMED):
        return facts.is_told and facts.lit_late_s == 0.0
    return not facts.is_over and facts.exposures_after > 0


def _score(held: list[bool]) -> str:
    return f"{sum(held)} of {len(held)} that can be expressed" if held else "not measured"
