"""Two frames of one scene at equal light: what they say about the restored image, field by field.

An audit shot takes every plane twice, back to back. Both frames are restored from the same earlier
history; each then judges the other's restored image (`models.audit`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from models.audit import AuditError, AuditPool, compare, void

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo

    Image = NDArray[np.float32]

_MOST_FIELDS = 256
NO_AUDIT = AuditError(0.0, 0.0, 0.0, 0)


class AuditResult(NamedTuple):
    """What the audits of a field have found so far.

    Attributes
    ----------
    cells, background
        The restored image's error, photo-electrons.
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
    light: tuple[float, float, str]
    raw_e: Image
    photons: Image


@dataclass(slots=True)
class _Audited:
    """One plane of a field: its audits so far, the mask of an earlier frame, and half an audit."""

    pool: AuditPool = field(default_factory=AuditPool)
    is_cell: NDArray[np.uint8] | None = None
    half: _Half | None = None
    result: AuditResult = field(default_factory=AuditResult)


class Auditor:
    """Collects audits, and says what they found; it keeps a bounded number of fields."""

    def __init__(self) -> None:
        self._planes: OrderedDict[tuple[int, int, int], _Audited] = OrderedDict()

    def see(
        self, info: FrameInfo, raw_e: Image, photons: Image, is_cell: NDArray[np.uint8]
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
        """
        plane = self._plane((info.shot.position, info.index.c, info.index.z))
        if not info.shot.is_audit:
            plane.is_cell, plane.half = is_cell, None
            return plane.result._replace(void="", ends_audit=False)
        light = (info.applied.exposure_ms, info.applied.power_fraction, info.applied.light)
        half, plane.half = plane.half, None
        if half is None or half.shot != info.shot.number:
            plane.half = _Half(info.shot.number, light, raw_e.copy(), photons.copy())
            return plane.result._replace(void="", ends_audit=False)
        plane.result = self._compare(plane, half, light, raw_e, photons)
        return plane.result

    @staticmethod
    def _compare(
        plane: _Audited, half: _Half, light: tuple[float, float, str], raw_e: Image, photons: Image
    ) -> AuditResult:
        if plane.is_cell is None:
            why = "no earlier frame says where the cells are"
        elif light != half.light:
            why = "the two frames did not get the same light"
        else:
            why = void(half.raw_e, raw_e, half.photons, photons)
        if why or plane.is_cell is None:
            return plane.result._replace(void=why, ends_audit=True)
        plane.pool.add(compare(half.raw_e, raw_e, half.photons, photons, plane.is_cell))
        cells, background = (plane.pool.error(cells=which) for which in (True, False))
        return AuditResult(cells, background, "", ends_audit=True)

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
