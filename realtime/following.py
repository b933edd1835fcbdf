"""Follows each field by its own tracker, and keeps from it what is no new shot of that field."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from realtime.memory import Known, LastingTracker
from realtime.planes.heights import with_heights
from realtime.tracker.doubts import LATE, NOT_NUMBERS, RESIZED, UNTRUSTED, sentence
from realtime.wire import Tracks

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.detections import Detections
    from realtime.memory import CellsLight
    from realtime.policy.observation import Trust
    from realtime.steps import CellTracker
    from realtime.wire import TrackEvent


@dataclass(slots=True)
class _Field:
    """What is known of a field: its tracker, and the last shot."""

    tracker: CellTracker
    stood_um: tuple[float, float]
    shape: tuple[int, ...]
    number: int = -1
    t: int = 0
    stride: int = 0
    tracks: Tracks = field(default_factory=Tracks)
    is_deep: bool | None = None


class Following:
    """Keeps a tracker for each position: a stage move between wells is not motion.

    A shot that comes after a later one of its field, or holds no numbers, changes nothing; missing
    ones are told to the tracker; with images of another size it begins anew. Each is flagged.

    Parameters
    ----------
    new_tracker
        A tracker for a field that was not seen before.
    pixel_um
        Size of a pixel at the sample, by which stage moves inside a field are told; 0: never.
    """

    def __init__(self, new_tracker: Callable[[], CellTracker], pixel_um: float) -> None:
        self._new_tracker, self._pixel_um = new_tracker, pixel_um
        self._fields: dict[int, _Field] = {}

    def update(
        self, info: FrameInfo, image: NDArray[np.float32], found: Detections | None
    ) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Take in what was found in a shot, (Y, X) `image`; return its cells and events.

        `found` is None where not every pixel is a number: nobody looked.
        """
        flags = []
        of = self._fields.get(info.shot.position)
        is_resized = of is not None and of.shape != image.shape
        if of is None or is_resized:
            x_um, y_um, _ = info.position_um
            of = _Field(self._anew(self.next_name(info.shot.position)), (x_um, y_um), image.shape)
            self._fields[info.shot.position] = of
            flags += [RESIZED] * is_resized
        if info.shot.number <= of.number:
            return msgspec.structs.replace(of.tracks, flags=(LATE,)), ()
        self._carry(of, info)
        self._skip(of, info)
        of.number = info.shot.number
        if found is None:  # nobody looked, so nobody was missed
            return msgspec.structs.replace(of.tracks, flags=(*flags, NOT_NUMBERS)), ()
        if of.is_deep is None:
            of.is_deep = bool(of.tracks.z_px) if of.tracks.ids else found.z_px is not None
        tracks, events = of.tracker.update(with_heights(found, of.tracks, is_deep=of.is_deep))
        if flags:
            tracks = msgspec.structs.replace(tracks, flags=(*flags, *tracks.flags))
        of.tracks = tracks
        return tracks, events

    def begin(self, info: FrameInfo, known: Known | None, first_name: int) -> None:
        """Follow a field on from what was known of it, or anew; no new name is below `first_name`.

        Raises
        ------
        ValueError
            If what was known cannot be used; nothing has changed then.
        """
        x_um, y_um, _ = info.position_um
        tracker = self._anew(0)
        of = _Field(tracker, (x_um, y_um), (info.height, info.width))
        if known is not None:
            if not isinstance(tracker, LastingTracker):
                raise ValueError("this tracker cannot take up what another knew")
            tracker.resume(known.tracker)
            of.stood_um, of.number, of.t = known.stood_um, known.shot, known.t
            of.stride, of.is_deep = known.stride, known.is_deep
            of.tracks = known.lay or of.tracks
        if isinstance(tracker, LastingTracker):
            tracker.name_from(first_name)
        self._fields[info.shot.position] = of

    def next_name(self, position: int) -> int:
        """Return the name that a field's next new cell gets; 0 where names are not counted."""
        of = self._fields.get(position)
        # Before every answer: asking whether it is a `LastingTracker` takes 20 us.
        return int(getattr(of.tracker, "next_name", 0)) if of is not None else 0

    def known(
        self,
        session: str,
        position: int,
        seq: int,
        *,
        dose: dict[str, float],
        shot_dose: dict[str, float],
        cells: CellsLight | None,
    ) -> Known | None:
        """Return what is known of a field after its last shot; None if its tracker does not say."""
        of = self._fields.get(position)
        if of is None or not isinstance(of.tracker, LastingTracker):
            return None
        last = of.tracks
        lay = Tracks(last.ids, y_px=last.y_px, x_px=last.x_px, z_px=last.z_px)
        return Known(
            session, position, of.number, of.t, of.stride, seq, of.stood_um, of.shape,
            of.tracker.state(), dose, shot_dose, cells,
            is_deep=of.is_deep, lay=lay if of.is_deep and last.z_px else None,
        )  # fmt: skip

    def _anew(self, first_name: int) -> CellTracker:
        """Return a tracker for a field that begins."""
        tracker = self._new_tracker()
        if first_name and isinstance(tracker, LastingTracker):
            tracker.name_from(first_name)
        return tracker

    def _carry(self, of: _Field, info: FrameInfo) -> None:
        """Tell a tracker how far the stage has moved since the last shot of its field."""
        x_um, y_um, _ = info.position_um
        if not (math.isfinite(x_um) and math.isfinite(y_um)):
            return  # a stage that does not say where it stands; the next one that does counts
        was_um, of.stood_um = of.stood_um, (x_um, y_um)
        if self._pixel_um > 0 and was_um != (x_um, y_um):  # what stands still goes the other way
            y_px, x_px = (was_um[1] - y_um) / self._pixel_um, (was_um[0] - x_um) / self._pixel_um
            of.tracker.carry(y_px, x_px)

    @staticmethod
    def _skip(of: _Field, info: FrameInfo) -> None:
        """Tell a tracker that shots of its field are missing: more time points than usual."""
        stride = info.index.t - of.t
        if of.number >= 0 and 0 < of.stride < stride:
            of.tracker.skip(round(stride / of.stride) - 1)
        of.t = info.index.t
        if of.number >= 0 and stride > 0:
            of.stride = stride


def doubted(trust: Trust, flags: tuple[str, ...]) -> Trust:
    """Withdraw the trust where the tracker says that a shot cannot be believed."""
    bad = [flag for flag in flags if flag in UNTRUSTED]
    if not bad:
        return trust
    why = trust.why if not trust.is_trusted else sentence(bad[0])
    all_flags = tuple(dict.fromkeys((*trust.flags, *bad)))
    return msgspec.structs.replace(trust, is_trusted=False, why=why, flags=all_flags)
