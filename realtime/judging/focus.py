"""Out of focus, cells look as if they had bleached: an image that lost its edges is not believed.

Each field is compared with itself. Its reference is the mean of its own good shots; it rises fast,
since an image can always be sharper, and falls slowly, so that a drifting focus does not take it
along. What is out of focus stays so until an image is seen to be sharp again: in too little light
to tell, nothing changes. A sudden, smaller loss is told by its tiles
(`realtime.judging.focus_step`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from realtime.judging.focus_step import StepWatch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.focus import Sharpness, SharpnessMeter
    from realtime.policy.observation import Trust

FLAG = "out-of-focus"
DULLER = "duller"
"""Flag of a loss that has lasted, and that nobody explained: the image is believed, and it is said.
"""
LOST = 0.55
"""Share of its usual sharpness below which a field is out of focus (measured at NA 0.75: cells that
divide and walk move it by a fifth, among six by a third; 5 um of defocus take two thirds)."""
FOUND = 0.7
"""Share from which it is in focus again."""
SURE, SURE_LATELY = 2.0, 1.5
"""Standard errors by which a frame's share, and the running one, must lie beyond those bounds: few,
for a good image lies far from them."""
_SHARPER, _DULLER = 1 / 50, 1 / 150
"""Weight of a good shot in its field's reference, where it is sharper or duller than that."""
_FIRST, _EARLY = 8, 20
"""Shots from which there is a reference, and up to which it is their plain mean (proposed)."""
_LATELY = 0.2
"""Weight of a frame in the running share, which tells where one frame is too dim to (proposed)."""
_CALMER = math.sqrt(_LATELY / (2 - _LATELY))
"""Standard error of an exponential mean, relative to that of one value (Roberts 1959)."""


@dataclass(slots=True)
class _Plane:
    """One plane of one field.

    `usual` is the logarithm of its sharpness after `shots` good ones; `lately` and `error` are the
    running share of it and the standard error of one frame's.
    """

    usual: float = 0.0
    shots: int = 0
    is_lost: bool = False
    lately: float = 1.0
    error: float = 0.0
    steps: StepWatch = field(default_factory=StepWatch)


_State = dict[int, tuple[float, int, bool, float, float]]
"""What is kept of the planes of a field, by their number: a `_Plane` without its tiles."""


class FocusGate:
    """Withdraws the trust in frames that are less sharp than their field has been.

    Parameters
    ----------
    measure
        Measures raw counts.
    """

    def __init__(self, measure: SharpnessMeter) -> None:
        self._measure = measure
        self._fields: dict[int, dict[int, _Plane]] = {}  # by field, and there by plane

    def __call__(
        self,
        position: int,
        z: int,
        adu: NDArray[np.uint16],
        trust: Trust,
        *,
        is_held: bool = False,
    ) -> Trust:
        """Return the verdict on a frame of a field's plane, focus included; `adu` is (Y, X).

        `is_held` says that a focus lock or an autofocus vouches for the focus of this frame.
        """
        plane = self._fields.setdefault(position, {}).setdefault(z, _Plane())
        seen = self._measure(adu)
        share = self._judge(plane, seen)
        steps = plane.steps
        loss = steps.see(self._measure.tiles, is_held=is_held) if trust.is_trusted else 0.0
        if trust.is_trusted and not plane.is_lost and not loss:
            _learn(plane, seen)
        trust = msgspec.structs.replace(trust, focus=share)
        if not (plane.is_lost or loss):
            return _with_lasting(trust, steps.lasting)
        flags = (*trust.flags, FLAG)
        if not trust.is_trusted:
            return msgspec.structs.replace(trust, flags=flags)
        how = f"its edges have {share:.0%} of their usual power" if share > 0 else "too dim to tell"
        if not plane.is_lost:
            how = f"its edges lost {-math.expm1(-loss):.0%} of their power everywhere at once"
        why = f"out of focus: {how}"
        return msgspec.structs.replace(trust, is_trusted=False, why=why, flags=flags)

    def state(self, position: int) -> bytes:
        """Return how sharp each plane of a field usually is, and whether it is lost."""
        planes = {
            z: (of.usual, of.shots, of.is_lost, of.lately, of.error)
            for z, of in self._fields.get(position, {}).items()
        }
        return msgspec.msgpack.encode(planes)

    def resume(self, position: int, state: bytes) -> None:
        """Go on with a field from a state; its tiles are compared anew.

        Raises
        ------
        ValueError
            If it is no such state.
        """
        try:
            planes = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as error:
            raise ValueError(f"it is not the state of a focus gate: {error}") from error
        if not all(math.isfinite(value) for plane in planes.values() for value in plane):
            raise ValueError("a number in the state of a focus gate is none")
        field_ = self._fields.setdefault(position, {})
        field_ |= {z: _Plane(*plane) for z, plane in planes.items()}

    def _judge(self, plane: _Plane, seen: Sharpness) -> float:
        """Return the sharpness relative to the usual one; 0 if it cannot be told."""
        if plane.shots < _FIRST or not math.isfinite(seen.error):
            return 0.0
        usual = math.exp(plane.usual)
        share, error = seen.ratio / usual, seen.error / usual
        plane.lately += _LATELY * (min(share, 1.0) - plane.lately)
        plane.error += _LATELY * (error - plane.error)
        calm = SURE_LATELY * _CALMER * plane.error
        error *= SURE
        if share + error < LOST or plane.lately + calm < LOST:
            plane.is_lost = True
        elif share - error > FOUND or plane.lately - calm > FOUND:
            plane.is_lost = False
        return share


def _with_lasting(trust: Trust, loss: float) -> Trust:
    """Keep a lasting loss in words; who sees it may refocus, or see that the cells have changed."""
    if not loss or not trust.is_trusted:
        return trust
    why = (
        f"{trust.why}; but its edges lost {-math.expm1(-loss):.0%} of their power and did not "
        "find it again: refocus, or look at the cells"
    )
    return msgspec.structs.replace(trust, why=why, flags=(*trust.flags, DULLER))


def _learn(plane: _Plane, seen: Sharpness) -> None:
    """Let the usual sharpness follow that of a good frame, if the frame can tell it."""
    if not seen.ratio > 2.0 * seen.error:
        return
    plane.shots += 1
    change = math.log(seen.ratio) - plane.usual
    slow = _SHARPER if change > 0 else _DULLER
    plane.usual += change * max(1 / plane.shots if plane.shots <= _EARLY else 0.0, slow)
