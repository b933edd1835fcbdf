"""Several faults in one run, one after the other: each is judged by what followed until the next.

A run costs seconds before its first light, so that rows of the table which let it go on share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from lightloop.bench.faults_deeds import order
from lightloop.bench.faults_facts import Facts
from lightloop.bench.faults_judge import AFTER, BEFORE
from lightloop.bench.faults_stand import Stand
from lightloop.bench.faults_table import Fault

_NEVER_NS = 2**63 - 1


def break_in_turn(faults: Sequence[Fault], folder: Path) -> dict[str, Facts]:
    """Break one run by all faults, the config of the first; return what was noted of each.

    All but the last must let the run go on, and all want the same exit status.
    """
    struck_ns = []
    with Stand(folder, faults[0].config(folder)) as stand:
        stand.wait_for_exposures(BEFORE)
        for fault in faults:
            fault.deed(stand)
            struck_ns.append(stand.fault_ns)
            if fault.outcome in AFTER:
                stand.wait_for_exposures(fault.exposures_after or AFTER[fault.outcome])
        if faults[-1].outcome in AFTER:
            stand.end()
        whole = stand.finish()
    until_ns = [*struck_ns[1:], _NEVER_NS]
    return {
        fault.name: _between(whole, *span)
        for fault, *span in zip(faults, struck_ns, until_ns, strict=True)
    }


def pause_and_go_on(stand: Stand) -> None:
    """Let a person pause the run, look whether it is dark, and resume it."""
    assert stand.address is not None
    stand.strike()
    order(stand.address, "pause")
    stand.wait_for_dark(0.5)
    assert stand.box.state().is_dark
    order(stand.address, "resume")


def _between(whole: Facts, struck_ns: int, until_ns: int) -> Facts:
    """Return the facts of one fault: light and frames from the next one on are not its own."""
    return msgspec.structs.replace(
        whole,
        fault_ns=struck_ns,
        lit=tuple(span for span in whole.lit if span[0] < until_ns),
        doses=tuple(dose for dose in whole.doses if dose[0] < until_ns),
    )
