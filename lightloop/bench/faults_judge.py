"""Breaks a run by a row of the table, and judges whether what was declared came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.bench.faults_stand import Stand, StandFailed
from lightloop.bench.faults_table import Fault, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from lightloop.bench.faults_facts import Facts

BEFORE = 5
AFTER = {Outcome.CONTINUES: 5, Outcome.RESUMES: 5, Outcome.NEVER_MORE: 25}
"""Exposures before the fault, and after it where the run goes on."""
SETTLED = 20  # exposures that the shipped policy needs
DARK_S = 0.2  # "dark" is no light for so long
DEATH_MS = 400.0
SAME = 1e-6


def break_run(fault: Fault, folder: Path, *, is_sabotaged: bool = False) -> Facts:
    """Run, break, let it go on or end, and return what was noted.

    Raises
    ------
    StandFailed
        If the run did not get so far.
    """
    config = fault.config(folder)
    with Stand(folder, config, with_window=fault.with_window, is_sabotaged=is_sabotaged) as stand:
        stand.wait_for_exposures(BEFORE if fault.has_policy_of_its_own else SETTLED)
        fault.deed(stand)
        if fault.outcome in AFTER:
            stand.wait_for_exposures(fault.exposures_after or AFTER[fault.outcome])
            stand.end()
        return stand.finish()


def objections(fault: Fault, facts: Facts) -> list[str]:
    """Say what is not as declared; nothing if all is."""
    found = []
    if facts.exit_code != fault.exit_code:
        found.append(f"exit status {facts.exit_code}, not {fault.exit_code}")
    if fault.says not in facts.said:
        found.append(f"never said {fault.says!r}")
    if not facts.leases:
        found.append("there was no light at all")
    if fault.outcome is Outcome.UNCONFIRMED:
        return found
    if "DARK NOT CONFIRMED" in facts.said:
        found.append("dark was not confirmed")
    if not facts.is_dark:
        found.append("the light was still on after the scope had ended")
    if facts.lit_outside_s * 1e3 > fault.late_ms:
        found.append(f"{facts.lit_outside_s * 1e3:.1f} ms of light outside of every lease")
    if facts.dark_after_death_ms > DEATH_MS:
        found.append(f"{facts.dark_after_death_ms:.0f} ms of light after the owner's death")
    return found + _about_what_followed(fault, facts)


def _about_what_followed(fault: Fault, facts: Facts) -> list[str]:
    found = []
    after, dark_s = facts.exposures_after, facts.longest_dark_s
    if fault.outcome is Outcome.ENDS:
        if after > fault.runs_on:
            found.append(f"{after} exposures after the fault")
        return found
    if after < AFTER[fault.outcome]:
        found.append(f"only {after} exposures after the fault")
    if facts.status != "complete":
        found.append(f"the run file is {facts.status}")
    if fault.outcome is Outcome.RESUMES and dark_s < DARK_S:
        found.append(f"never dark for longer than {dark_s:.2f} s")
    if fault.outcome is Outcome.NEVER_MORE and facts.more_light > 1.0 + SAME:
        found.append(f"{facts.more_light:.3f} times the last good light")
    return found


__all__ = ["StandFailed", "break_run", "objections"]
