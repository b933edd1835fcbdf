"""What was noted of a run that was broken: leases, light, frames, and how it ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from lightloop.bench.faults_wiring import CHART, LEASES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Span = tuple[int, int]
GRACE_NS = 50_000_000
"""How long after a lease's deadline light may still be on."""


class Facts(msgspec.Struct, frozen=True):
    """One broken run. All times are those of the host's clock, ns.

    Attributes
    ----------
    said
        What the command printed.
    is_dark
        What the light box said after the scope had ended.
    fault_ns, death_ns
        When it was broken, and when an owner of the light died (0: none did).
    leases
        When the keeper heard of each lease; and when it heard that it is dark again, or, if it did
        not, the deadline and 50 ms.
    lit
        Each stretch of light.
    doses
        Time and booked dose of each recorded frame, J/cm2.
    status
        What the run file says of itself; "none" if there is none.
    """

    exit_code: int
    said: str
    is_dark: bool
    fault_ns: int
    death_ns: int
    leases: tuple[Span, ...]
    lit: tuple[Span, ...]
    doses: tuple[tuple[int, float], ...] = ()
    status: str = "none"

    @property
    def lit_outside_s(self) -> float:
        """Light outside of every lease, s."""
        return 1e-9 * sum(end - begin for begin, end in without(self.lit, self.leases))

    @property
    def dark_after_death_ms(self) -> float:
        """From an owner's death to the last light, ms; 0 if nobody died."""
        if not self.death_ns:
            return 0.0
        return 1e-6 * max((end - self.death_ns for _, end in self.lit), default=0)

    @property
    def exposures_after(self) -> int:
        """Stretches of light that began after the fault."""
        return sum(begin > self.fault_ns for begin, _ in self.lit)

    @property
    def longest_dark_s(self) -> float:
        """The longest time without light after the fault, up to the last light, s."""
        ends = [self.fault_ns, *(end for _, end in self.lit if end > self.fault_ns)]
        begins = [begin for begin, _ in self.lit if begin > self.fault_ns]
        gaps = [min((b for b in begins if b >= end), default=end) - end for end in ends]
        return 1e-9 * max(gaps, default=0)

    @property
    def more_light(self) -> float:
        """The dearest frame of what followed over the last good one.

        The first two frames after the fault may still rest on decisions that were made before.
        """
        after = [dose for t_ns, dose in self.doses if t_ns >= self.fault_ns]
        return max(after[2:]) / max(after[:2]) if len(after) > 2 else math.inf


def without(spans: Sequence[Span], allowed: Sequence[Span]) -> list[Span]:
    """Return what is left of spans where the allowed ones are cut out."""
    left: list[Span] = []
    for span in spans:
        pieces = [span]
        for begin, end in allowed:
            pieces = [
                piece
                for old in pieces
                for piece in ((old[0], min(old[1], begin)), (max(old[0], end), old[1]))
                if piece[0] < piece[1]
            ]
        left += pieces
    return left


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that touch as one."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin - found[-1][1] < 2_000:  # rounding of the chart
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)


def leases_of(heard: Sequence[Span]) -> tuple[Span, ...]:
    """Return the leases from what the keeper heard: when, and a deadline; 0: it is dark again."""
    leases: list[Span] = []
    opened: list[Span] = []
    for heard_ns, deadline_ns in heard:
        if deadline_ns:
            opened.append((heard_ns, deadline_ns + GRACE_NS))
        else:
            leases += [(begin, min(end, heard_ns)) for begin, end in opened]
            opened = []
    return (*leases, *opened)


def read_facts(
    folder: Path, *, exit_code: int, is_dark: bool, fault_ns: int, death_ns: int
) -> Facts:
    """Read what a run left in its folder."""
    status, doses = _recorded(folder / "run.h5")
    return Facts(
        exit_code=exit_code,
        said=(folder / "said.txt").read_text("utf-8", "replace"),
        is_dark=is_dark,
        fault_ns=fault_ns,
        death_ns=death_ns,
        leases=leases_of(read_spans(folder / LEASES)),
        lit=joined(read_spans(folder / CHART)),
        doses=doses,
        status=status,
    )


def read_spans(path: Path) -> tuple[Span, ...]:
    """Read begin and end of each line; a line that a dying process cut short is left out."""
    if not path.exists():
        return ()
    lines = path.read_text("utf-8").split("\n")[:-1]
    return tuple((int(begin), int(end)) for begin, end in (line.split() for line in lines))


def _recorded(path: Path) -> tuple[str, tuple[tuple[int, float], ...]]:
    from realtime.errors import RunFileError
    from realtime.run_file import RunReader

    try:
        with RunReader(path) as reader:
            doses = tuple((info.t_ns, info.applied.dose_j_cm2) for info in reader.infos)
            return reader.status, doses
    except (RunFileError, OSError):
        return "none", ()
