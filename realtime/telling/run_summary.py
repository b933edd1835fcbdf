"""A run in numbers: what a run file says of its frames, light, decisions and images."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from realtime.importing.importer import LIGHT
from realtime.telling.audit_summary import AuditSummary, summarize_audits
from realtime.telling.kind_summary import summarize_kinds
from realtime.telling.plane_summary import PlaneSummary, summarize_planes
from realtime.wire import CameraInfo, Gap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquire.frame import FrameInfo
    from acquire.settings import Applied
    from realtime.run_file import RunReader


class ChannelSummary(msgspec.Struct, frozen=True):
    """One channel of a run: its frames, and the bounds of its light."""

    channel: str
    light: str
    n_frames: int
    exposure_ms: tuple[float, float]
    power_fraction: tuple[float, float]

    @property
    def knows_power(self) -> bool:
        """Whether anybody wrote down which light it was; an import does not say."""
        return self.light != LIGHT


class RunSummary(msgspec.Struct, frozen=True):
    """A run in numbers.

    Attributes
    ----------
    status
        "complete", "partial", or "recording" (it goes on, or its recorder died).
    reason
        Why it ended.
    n_lost
        Sequence numbers that gaps occupy.
    duration_s, host_s
        From the first frame to the last, in experiment time and on the host's clock.
    dose
        By light line, summed over fields, in `dose_unit`; `dose_by_field` is what each got.
    is_calibrated
        False if any exposure's dose is only relative.
    reasons
        Why policies decided as they did, and how often, the most frequent first.
    n_clamped, n_late, n_refused
        Exposures that the guard cut, that no new decision was ready for, and that it refused.
    ratio
        Bytes of pixels for each byte on disk.
    n_restored, n_restored_lost, models
        Restored images that were kept and that could not be, and the networks that made them.
    audits
        What pairs of frames said of the restored images; None where none were taken.
    planes
        What became of stacks of which planes may be skipped; None where none may.
    kinds
        How many confirmed cells were of each kind when they were last seen.
    """

    name: str
    origin: str
    status: str
    reason: str
    session_id: str
    t_utc_ns: int
    n_parts: int
    n_frames: int
    n_shots: int
    n_gaps: int
    n_lost: int
    n_positions: int
    duration_s: float
    host_s: float
    cameras: tuple[CameraInfo, ...]
    channels: tuple[ChannelSummary, ...]
    dose: dict[str, float]
    dose_by_field: dict[int, dict[str, float]]
    dose_unit: str
    is_calibrated: bool
    n_decisions: int
    policies: tuple[str, ...]
    reasons: dict[str, int]
    n_clamped: int
    n_late: int
    n_refused: int
    n_results: int
    size_bytes: int
    ratio: float
    gaps: tuple[Gap, ...] = ()
    notices: tuple[str, ...] = ()
    n_restored: int = 0
    n_restored_lost: int = 0
    models: tuple[str, ...] = ()
    audits: AuditSummary | None = None
    planes: PlaneSummary | None = None
    kinds: dict[str, int] = {}


def summarize(reader: RunReader) -> RunSummary:
    """Return a run in numbers."""
    infos = reader.infos
    used = [info.applied for info in infos]
    start, end = reader.start, reader.end
    by_field = _dose_by_field(infos)
    reasons = Counter(decision.reason for decision in reader.decisions)
    n_bytes = sum(info.height * info.width * 2 for info in infos)
    restored = list(reader.restored_entries())
    n_bytes += sum(entry.height * entry.width * 2 for entry in restored if entry.is_kept)
    return RunSummary(
        name=reader.name,
        origin=start.origin,
        status=reader.status,
        reason=end.reason if end is not None else "",
        session_id=start.session_id,
        t_utc_ns=start.t_utc_ns,
        n_parts=len(reader.parts),
        n_frames=len(infos),
        n_shots=len(reader.shots()),
        n_gaps=len(reader.gaps),
        n_lost=sum(gap.seq_to - gap.seq_from + 1 for gap in reader.gaps),
        n_positions=len({info.shot.position for info in infos}),
        duration_s=infos[-1].t_s - infos[0].t_s if infos else 0.0,
        host_s=(infos[-1].t_ns - infos[0].t_ns) * 1e-9 if infos else 0.0,
        cameras=start.cameras,
        channels=_channels(used),
        dose=_total(by_field.values()),
        dose_by_field=by_field,
        dose_unit=start.dose_unit,
        is_calibrated=all(applied.calibrated for applied in used),
        n_decisions=len(reader.decisions),
        policies=tuple(dict.fromkeys(decision.policy for decision in reader.decisions)),
        reasons=dict(reasons.most_common()),
        n_clamped=sum(bool(applied.clamped) for applied in used),
        n_late=sum(applied.late > 0 for applied in used),
        n_refused=sum(bool(message.refused) for message in reader.applied),
        n_results=len(reader.results),
        size_bytes=reader.size_bytes,
        ratio=n_bytes / reader.size_bytes,
        gaps=tuple(reader.gaps),
        notices=tuple(f"{notice.level}: {notice.text}" for notice in reader.notices),
        n_restored=sum(entry.is_kept for entry in restored),
        n_restored_lost=sum(not entry.is_kept for entry in restored),
        models=tuple(dict.fromkeys(entry.model for entry in restored if entry.is_kept)),
        audits=summarize_audits(infos, reader.results),
        planes=summarize_planes(reader.results),
        kinds=summarize_kinds(reader.results),
    )


def _channels(used: Iterable[Applied]) -> tuple[ChannelSummary, ...]:
    groups: dict[tuple[str, str], list[Applied]] = {}
    for applied in used:
        groups.setdefault((applied.channel, applied.light), []).append(applied)
    return tuple(
        ChannelSummary(
            channel,
            light,
            len(group),
            _bounds(applied.exposure_ms for applied in group),
            _bounds(applied.power_fraction for applied in group),
        )
        for (channel, light), group in groups.items()
    )


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    return min(known), max(known)


def _dose_by_field(infos: Iterable[FrameInfo]) -> dict[int, dict[str, float]]:
    given: dict[int, dict[str, list[float]]] = {}
    for info in infos:
        lights = given.setdefault(info.shot.position, {})
        lights.setdefault(info.applied.light, []).append(info.applied.dose_j_cm2)
    return {
        position: {light: math.fsum(doses) for light, doses in lights.items()}
        for position, lights in sorted(given.items())
    }


def _total(fields: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for field in fields:
        for light, dose in field.items():
            total[light] = total.get(light, 0.0) + dose
    return total
