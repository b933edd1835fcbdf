"""The frames before this one, as a causal network sees them: same field, plane and light.

Nothing of what comes later is ever seen. A past frame that is not there (the start, a gap, a scene
cut, a stage move, too different a light) is stood in for by the present frame's own blurred image,
which tells nothing new. So are places of a past frame where the light has changed since
(`models.changes`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.changes import Changes
from models.strips import strips

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

MAX_FIELDS, MAX_BYTES = 24, 512 << 20
"""Positions x planes that are remembered, and the memory that they may take (proposed)."""
RATIO = (0.5, 2.0)
"""Present over past light within which a past frame is brought to the present light."""
_SAME_LIGHT = 1e-3
MOVED_PX = 2.0
"""Stage move from which the field is another one, px (proposed: less than cells may walk)."""
_BLOCK_PX = 16
_CUT = 0.5
"""Squared difference of two frames over their contrast, from which they show different scenes: 1
for two that have nothing in common, and below 0.2 for cells that move by a third of themselves."""
_LEAST_CONTRAST = 0.05
"""Contrast that a frame has at least, noise^2: two empty frames differ by chance, 2 / 16^2."""


class Moment(NamedTuple):
    """What a frame is of; frames of one `field` make one history.

    Attributes
    ----------
    field
        Position, channel and plane, or anything else that tells histories apart.
    t
        Time point: a step of more than 1 is a gap, one back is a new beginning.
    look
        Frames of one look do not see each other, such as the two of an audit.
    light
        Dose of the exposure, any unit; 0 if it is not known.
    y_px, x_px
        Where the stage stood, in pixels of the camera.
    """

    field: Hashable
    t: int
    look: Hashable
    light: float
    y_px: float = 0.0
    x_px: float = 0.0


@dataclass(slots=True)
class _Past:
    """One frame of the past: its normalised plane, its step, and under which light it was taken."""

    plane: Image
    step: int = 0
    light: float = 0.0


@dataclass(slots=True)
class _Field:
    """The history of one field, oldest first; what was used longest ago lends its memory."""

    frames: list[_Past]
    thumb: Image
    last: Moment
    step: int = 0
    spare: list[_Past] = field(default_factory=list)

    def clear(self) -> None:
        self.spare += self.frames
        self.frames.clear()


class History:
    """Fills the past planes of a network's input, for every field apart, in bounded memory.

    Parameters
    ----------
    past
        Frames before the present one.
    shape
        Of the network's planes, (padded Y, padded X).
    pedestal, mu, sd
        The camera's pedestal, e-, and the package's normalisation.
    max_fields, max_bytes
        Whichever is reached first; then what was not seen for longest is forgotten. One field is
        always remembered.
    """

    def __init__(
        self,
        past: int,
        shape: tuple[int, int],
        pedestal: float,
        mu: float,
        sd: float,
        max_fields: int = MAX_FIELDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._past, self._shape = past, shape
        self._pedestal, self._mu, self._sd = pedestal, mu, sd
        # One more than the network sees: the second frame of an audit sees what the first has seen.
        bytes_each = 4 * (past + 1) * shape[0] * shape[1]
        self.max_fields = max(1, min(max_fields, max_bytes // bytes_each))
        self._fields: OrderedDict[Hashable, _Field] = OrderedDict()
        self._thumb = np.empty(self._thumb_shape(), np.float32)
        self._work = np.empty(self._thumb_shape(), np.float32)
        self._changes = Changes(shape, sd)

    def __len__(self) -> int:
        return len(self._fields)

    def _thumb_shape(self) -> tuple[int, int]:
        return max(self._shape[0] // _BLOCK_PX, 1), max(self._shape[1] // _BLOCK_PX, 1)

    def fill(self, moment: Moment, base: Image, planes: Image) -> int:
        """Write the past of the present frame, and remember the frame.

        Parameters
        ----------
        base
            The present frame, blurred and normalised, (padded Y, padded X).
        planes
            The network's input, (past + 1, padded Y, padded X); the last plane is the present
            frame, normalised.

        Returns
        -------
        int
            How many of the past planes show a past frame.
        """
        kept = self._open(moment)
        cv2.resize(base, self._thumb.shape[::-1], dst=self._thumb, interpolation=cv2.INTER_AREA)
        if kept.frames and self._is_new_scene(kept, moment):
            kept.clear()
        is_again = bool(kept.frames) and kept.last.look == moment.look
        step = kept.step if is_again else kept.step + max(1, moment.t - kept.last.t)
        found = self._show(kept, moment, step, base, planes)
        if not is_again:
            self._remember(kept, moment, step, planes[-1])
        return found

    def forget(self) -> None:
        """Remember nothing; the memory stays."""
        for kept in self._fields.values():
            kept.clear()

    def _open(self, moment: Moment) -> _Field:
        """Return the history of a field; a new one takes the memory of the longest unseen."""
        kept = self._fields.get(moment.field)
        if kept is None:
            if len(self._fields) >= self.max_fields:
                _, kept = self._fields.popitem(last=False)
                kept.clear()
            else:
                spare = [_Past(np.empty(self._shape, np.float32)) for _ in range(self._past + 1)]
                kept = _Field([], np.empty_like(self._thumb), moment, spare=spare)
            self._fields[moment.field] = kept
        self._fields.move_to_end(moment.field)
        return kept

    def _is_new_scene(self, kept: _Field, moment: Moment) -> bool:
        last = kept.last
        if moment.t < last.t:
            return True
        if abs(moment.y_px - last.y_px) > MOVED_PX or abs(moment.x_px - last.x_px) > MOVED_PX:
            return True
        return self._is_cut(kept, self._ratio(moment.light, last.light))

    def _is_cut(self, kept: _Field, ratio: float) -> bool:
        """Compare the frame with the last one in blocks of 16 px, where noise is all but gone."""
        now, then = self._thumb, self._work
        self._relight(kept.thumb, ratio, then)
        contrast = float(now.var() + then.var())
        np.subtract(then, now, out=then)
        difference = float(np.vdot(then, then)) / then.size
        return difference > _CUT * max(contrast, _LEAST_CONTRAST / self._sd**2)

    def _show(self, kept: _Field, moment: Moment, step: int, base: Image, planes: Image) -> int:
        by_lag = {step - past.step: past for past in kept.frames}
        found = 0
        if by_lag:
            self._changes.look(planes[-1])
        for lag in range(1, self._past + 1):
            plane, past = planes[self._past - lag], by_lag.get(lag)
            ratio = 0.0 if past is None else self._ratio(moment.light, past.light)
            if past is None or not RATIO[0] <= ratio <= RATIO[1]:
                np.copyto(plane, base)
                continue
            self._relight(past.plane, ratio, plane)
            self._changes.hide(plane, ratio, base)
            found += 1
        return found

    def _relight(self, past: Image, ratio: float, out: Image) -> None:
        """Turn ``d = 2 sqrt(x + c)`` into ``2 sqrt(ratio x + c)``, normalised, into ``out``."""
        if abs(ratio - 1.0) < _SAME_LIGHT:
            np.copyto(out, past)
            return
        zero = np.float32(self._mu / self._sd)  # all in units of sd: d = sd (n + mu / sd)
        more = np.float32(4.0 * self._pedestal * (1.0 - ratio) / self._sd**2)
        for rows in strips(*out.shape):
            light = np.add(past[rows], zero, out=out[rows])
            np.multiply(light, light, out=light)
            np.multiply(light, np.float32(ratio), out=light)
            np.add(light, more, out=light)
            np.maximum(light, np.float32(0.0), out=light)
            np.sqrt(light, out=light)
            np.subtract(light, zero, out=light)

    def _ratio(self, now: float, then: float) -> float:
        """Return present over past light; 1 where neither is known, 0 where only one is."""
        if now > 0 and then > 0:
            return now / then
        return 1.0 if now == then else 0.0

    def _remember(self, kept: _Field, moment: Moment, step: int, present: Image) -> None:
        entry = kept.spare.pop() if kept.spare else kept.frames.pop(0)
        np.copyto(entry.plane, present)
        entry.step, entry.light = step, moment.light
        kept.frames.append(entry)
        kept.step, kept.last = step, moment
        np.copyto(kept.thumb, self._thumb)
