"""What the audits of a run found, for a person: how wrong the restored images really were."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquire.frame import FrameInfo
    from realtime.policy.observation import Trust
    from realtime.wire import Result


class FieldAudits(msgspec.Struct, frozen=True):
    """One field: the last that its audits said, photo-electrons.

    Attributes
    ----------
    audits
        Those that count.
    rmse_e, low_e, high_e
        Error of the restored image in cells and its 80 % interval; `expected_e` is the network's
        own opinion of it.
    is_out_of_bounds
        Whether the error was too far from the expected one for the network to be trusted.
    """

    audits: int
    rmse_e: float
    low_e: float
    high_e: float
    expected_e: float
    is_out_of_bounds: bool


class AuditSummary(msgspec.Struct, frozen=True):
    """The audits of a run.

    Attributes
    ----------
    n_taken, n_judged
        Shots that were audits, and those of them that a worker answered.
    dose
        What their second looks gave, by light line, in the run's unit of dose.
    void
        Why audits counted for nothing, and how often.
    fields
        By field, where an audit counted.
    """

    n_taken: int
    n_judged: int
    dose: dict[str, float]
    void: dict[str, int]
    fields: dict[int, FieldAudits]

    @property
    def n_void(self) -> int:
        """How many audits counted for nothing."""
        return sum(self.void.values())


def summarize_audits(infos: Sequence[FrameInfo], results: Iterable[Result]) -> AuditSummary | None:
    """Return what the audits of a run found; None where none was taken."""
    shots = {info.shot.number for info in infos if info.shot.is_audit}
    if not shots:
        return None
    void: Counter[str] = Counter()
    fields: dict[int, FieldAudits] = {}
    judged = 0
    for result in results:
        trust = result.observation.trust
        judged += result.shot in shots
        if trust.audit_void:
            void[trust.audit_void] += 1
        if trust.audits:
            fields[result.position] = _field(trust)
    return AuditSummary(len(shots), judged, _second_looks(infos), dict(void.most_common()), fields)


def _field(trust: Trust) -> FieldAudits:
    return FieldAudits(
        trust.audits,
        trust.audit_rmse_e,
        trust.audit_low_e,
        trust.audit_high_e,
        trust.expected_rmse_e,
        "audit" in trust.flags,
    )


def _second_looks(infos: Sequence[FrameInfo]) -> dict[str, float]:
    """Return the dose of frames that repeat the one before them, by light line."""
    dose: dict[str, float] = {}
    last: FrameInfo | None = None
    for info in infos:
        is_again = last is not None and (last.shot, last.index) == (info.shot, info.index)
        if info.shot.is_audit and is_again:
            light = info.applied.light
            dose[light] = dose.get(light, 0.0) + info.applied.dose_j_cm2
        last = info
    return dose
