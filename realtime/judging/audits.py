"""Two frames of one scene at equal light: what they say about the restored image, field by field.

An audit shot takes every plane twice, back to back. Both frames are restored from the same earlier
history; each then judges the other's restored image (`models.audit`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from models.audit import AuditError, AuditPool, compare
from models.audit_motion import moved_tiles, void

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo

    Image = NDArray[np.float32]

_MOST_FIELDS = 256
NO_AUDIT = AuditError(0.0, 0.0, 0.0, 0)


Errors = tuple[float, float]
"""Of background and cells, photo-electrons."""


class AuditResult(NamedTuple):
    """What the audits of a field have found so far.

    Attributes
    ----------
    cells, background
        The restored image's error, photo-electrons, at the light of the frame just seen.
    void
        Why this audit says nothing; empty if it counts, or if this frame ended none.
    ends_audit
        Whether this frame was the second of its plane.
    """

    cells: AuditError = NO_AUDIT
    background: AuditError = NO_AUDIT
    void: str = ""
    ends_audit: bool = False


@dataclass(slots=True)
class _Half:
    """The first frame of an audit: photo-electrons, and what was made of them."""

    shot: int
    frame: int
    light: tuple[float, float, str]
    raw_e: Image
    photons: Image


@dataclass(slots=True)
class _Audited:
    """One plane of a field: its audits so far, the mask of an earlier frame, and half an audit.

    Errors are in units of what was expected.
    """

    pool: AuditPool = field(default_factory=AuditPool)
    is_cell: NDArray[np.uint8] | None = None
    half: _Half | None = None
    cells: AuditError = NO_AUDIT
    background: AuditError = NO_AUDIT


class Auditor:
    """Collects audits, and says what they found; it keeps a bounded number of fields."""

    def __init__(self) -> None:
        self._planes: OrderedDict[tuple[int, int, int], _Audited] = OrderedDict()

    def see(
        self,
        info: FrameInfo,
        raw_e: Image,
        photons: Image,
        is_cell: NDArray[np.uint8],
        expected_e: Errors = (1.0, 1.0),
    ) -> AuditResult:
        """Take a frame; return what is known of its field.

        Parameters
        ----------
        info
            What the frame is; only a shot that is an audit is compared.
        raw_e, photons
            The camera's frame with each pixel's own offset taken off, and the restored one, (Y, X)
            float32 photo-electrons; copied where they are kept.
        is_cell
            Cells of the restored image (`models.regions`); those of the frame before an audit are
            its mask.
        expected_e
            Errors of background and cells that are expected of this frame: light changes, and
            what audits in other light have found is told as so many times what was expected then.
        """
        plane = self._plane((info.shot.position, info.index.c, info.index.z))
        why, ends = "", False
        half, plane.half = plane.half, None
        if not info.shot.is_audit:
            plane.is_cell = is_cell
        elif half is None or (half.shot, half.frame) != (info.shot.number, info.shot_frame - 1):
            light = _light(info)
            plane.half = _Half(
                info.shot.number, info.shot_frame, light, raw_e.copy(), photons.copy()
            )
        else:
            ends, why = True, _compare(plane, half, _light(info), raw_e, photons, expected_e)
            plane.is_cell = is_cell  # of an earlier frame than those of the next audit
        background, cells = (
            _scaled(error, scale)
            for error, scale in zip((plane.background, plane.cells), expected_e, strict=True)
        )
        return AuditResult(cells, background, why, ends_audit=ends)

    def tile(self, position: int, row: int, column: int, *, z: int = 0, c: int = 0) -> AuditError:
        """Return the error in the cells of one of 4 x 4 tiles of a field."""
        plane = self._planes.get((position, c, z))
        return NO_AUDIT if plane is None else plane.pool.tile(row, column, cells=True)

    def _plane(self, key: tuple[int, int, int]) -> _Audited:
        plane = self._planes.get(key)
        if plane is None:
            while len(self._planes) >= _MOST_FIELDS:
                self._planes.popitem(last=False)
            plane = self._planes[key] = _Audited()
        self._planes.move_to_end(key)
        return plane


def _light(info: FrameInfo) -> tuple[float, float, str]:
    return info.applied.exposure_ms, info.applied.power_fraction, info.applied.light


def _compare(
    plane: _Audited,
    half: _Half,
    light: tuple[float, float, str],
    raw_e: Image,
    photons: Image,
    expected_e: Errors,
) -> str:
    """Add an audit to its plane's; return why it says nothing, empty if it counts."""
    if plane.is_cell is None:
        return "no earlier frame says where the cells are"
    if light != half.light:
        return "the two frames did not get the same light"
    if not all(0.0 < each < float("inf") for each in expected_e):
        return "nobody says what error to expect"
    if why := void(half.raw_e, raw_e, half.photons, photons):
        return why
    moved = moved_tiles(half.photons, photons)
    if moved.all():
        return "everything moved between the two frames"
    pair = (half.raw_e, raw_e, half.photons, photons)
    plane.pool.add(compare(*pair, plane.is_cell, moved), expected_e)
    plane.background, plane.cells = (plane.pool.error(cells=which) for which in (False, True))
    return ""


def _scaled(error: AuditError, scale: float) -> AuditError:
    if not error.audits:
        return error
    return AuditError(error.rmse_e * scale, error.low_e * scale, error.high_e * scale, error.audits)
