"""Takes up a field where a worker before this one left it, and says what is known of it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from realtime.memory.known import MOST_LEARNT, Lasting
from realtime.wire.seen import Recalled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquire.frame import FrameInfo
    from realtime.cell_dose import CellDose
    from realtime.following import Following
    from realtime.judging.focus import FocusGate
    from realtime.memory.known import Known, Past
    from realtime.policy import Policy


class _LastShot(NamedTuple):
    seq: int
    dose: dict[str, float]


class Recollection:
    """The memory of a pipeline, field by field.

    The light of shots that nobody told of is made up for: each is booked with the larger of what
    the shots before and after them took. So a cell's dose may be too high by it, not too low.

    Parameters
    ----------
    past
        What a worker before this one knew; None: nothing is recalled or kept.
    doses
        Light of each field in this run, by line; the pipeline's own.
    policy, focus
        Whatever decides, and tells what is out of focus; they are kept if they can be.
    """

    def __init__(
        self,
        past: Past | None,
        following: Following,
        doses: dict[int, dict[str, float]],
        cell_dose: CellDose | None,
        policy: Policy,
        focus: FocusGate | None = None,
    ) -> None:
        self._past, self._following = past, following
        self._doses, self._cell_dose = doses, cell_dose
        parts = {"policy": policy, "focus": focus}
        self._lasting = {name: at for name, at in parts.items() if isinstance(at, Lasting)}
        self._arrived: set[int] = set()
        self._taken_up: dict[int, tuple[Known | None, Recalled]] = {}
        self._last: dict[int, _LastShot] = {}

    def arrive(self, info: FrameInfo) -> None:
        """Bring back what was known of a field, with its first frame."""
        position = info.shot.position
        if self._past is None or position in self._arrived:
            return
        self._arrived.add(position)
        known, first_name = self._past.recall(position, info.shot.number)
        try:
            if known is not None and known.shape != (info.height, info.width):
                raise ValueError("its images had another size")
            self._following.begin(info, known, first_name)
        except ValueError as error:
            self._past.refuse(position, str(error))
            known = None
            self._following.begin(info, known, first_name)
        if known is not None:
            self._doses[position] = dict(known.dose)
            if self._cell_dose is not None and known.cells is not None:
                self._cell_dose.resume(position, known.stood_um, known.dose, known.cells)
        recalled = Recalled(known.shot if known else -1, first_name, self._resume(known))
        self._taken_up[position] = known, recalled

    def _resume(self, known: Known | None) -> tuple[str, ...]:
        """Let policy and focus gate go on with a field; return who does."""
        return tuple(name for name in self._lasting if known and self._resume_one(name, known))

    def _resume_one(self, name: str, known: Known) -> bool:
        if self._past is None or not known.learnt.get(name):
            return False
        try:
            self._lasting[name].resume(known.position, known.learnt[name])
        except ValueError as error:
            self._past.refuse_part(known.position, name, str(error))
            return False
        return True

    def settle(self, seen: Sequence[FrameInfo]) -> Recalled | None:
        """Book what a whole shot tells of those before it; once, return what was recalled.

        Parameters
        ----------
        seen
            The shot's frames, whose own light is booked elsewhere.
        """
        if self._past is None:
            return None
        position = seen[0].shot.position
        dose: dict[str, float] = {}
        for info in seen:
            light = info.applied.light
            dose[light] = dose.get(light, 0.0) + info.applied.dose_j_cm2
        self._last[position] = _LastShot(seen[-1].seq, dose)
        if position not in self._taken_up:
            return None
        known, recalled = self._taken_up.pop(position)
        if known is not None:
            self._make_up(known, seen[0], dose)
        return recalled

    def _make_up(self, known: Known, info: FrameInfo, dose: dict[str, float]) -> None:
        """Book the light of the shots that nobody told of."""
        missed, position = known.missed(info), info.shot.position
        x_um, y_um, _ = info.position_um
        for light in {**known.shot_dose, **dose}:
            made_up = missed * max(known.shot_dose.get(light, 0.0), dose.get(light, 0.0))
            field = self._doses.setdefault(position, {})
            field[light] = field.get(light, 0.0) + made_up
            if made_up > 0 and self._cell_dose is not None and light in self._cell_dose.lights:
                self._cell_dose.light(position, light, x_um, y_um, made_up)

    def known(self, position: int) -> Known | None:
        """Return what is known of a field after its last shot; None if it cannot be kept."""
        last = self._last.get(position)
        if self._past is None or last is None:
            return None
        doses = self._cell_dose
        known = self._following.known(
            self._past.session,
            position,
            last.seq,
            dose=dict(self._doses.get(position, {})),
            shot_dose=last.dose,
            cells=doses.known(position) if doses is not None else None,
        )
        if known is None:
            return None
        learnt = {name: self._learnt(self._past, name, position) for name in self._lasting}
        return msgspec.structs.replace(known, learnt=learnt)

    def _learnt(self, past: Past, name: str, position: int) -> bytes:
        """Return what one part has learnt of a field; nothing if it cannot be kept."""
        try:
            state = self._lasting[name].state(position)
            if len(state) > MOST_LEARNT:
                raise ValueError(f"it takes {len(state)} bytes; at most {MOST_LEARNT} are kept")
        except ValueError as error:
            past.refuse_part(position, name, str(error))
            return b""
        return state
