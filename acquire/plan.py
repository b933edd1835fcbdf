"""From a useq plan to shots: what light is decided for together, and where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import PlanRefused
from acquire.frame import Index, Shot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from useq import MDAEvent, MDASequence

    from acquire.settings import Settings


@dataclass(frozen=True, slots=True)
class PlannedExposure:
    """One exposure of a shot: its channel, where stage and focus (um) are, and how many frames."""

    channel: str
    index: Index
    position_um: tuple[float, float, float]
    n_frames: int = 1


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """All channels and planes of one field at one time.

    Attributes
    ----------
    focus_um
        Height that the planes of new settings are relative to, um.
    min_start_s
        Experiment time before which it may not start, s.
    """

    shot: Shot
    exposures: tuple[PlannedExposure, ...]
    focus_um: float
    min_start_s: float

    def frames(self) -> dict[str, int]:
        """Return the number of frames of each channel."""
        channels = dict.fromkeys(one.channel for one in self.exposures)
        return {
            channel: sum(one.n_frames for one in self.exposures if one.channel == channel)
            for channel in channels
        }

    def with_planes(self, settings: Settings) -> PlannedShot:
        """Return the same shot with the planes that the settings ask for, if they ask for any."""
        if not settings.z_um:
            return self
        first_of_channel = {one.index.c: one for one in reversed(self.exposures)}
        exposures = tuple(
            replace(
                one,
                index=Index(one.index.t, one.index.c, z, one.index.p),
                position_um=(*one.position_um[:2], self.focus_um + offset_um),
            )
            for _, one in sorted(first_of_channel.items())
            for z, offset_um in enumerate(settings.z_um)
        )
        return replace(self, shot=_count(self.shot, exposures), exposures=exposures)


def plan_shots(
    sequence: MDASequence,
    origin_um: tuple[float, float, float] = (0.0, 0.0, 0.0),
    audit_every: int = 0,
) -> Iterator[PlannedShot]:
    """Turn a useq plan into shots, one after the other, as they are needed.

    Parameters
    ----------
    sequence
        The plan; its exposure times are left to the settings of the run.
    origin_um
        Where stage and focus stand: what the plan leaves open, um.
    audit_every
        Every so many time points a shot takes two frames where it would take one, for judging the
        networks; 0 for never.

    Raises
    ------
    PlanRefused
        If the plan asks for something that would pass the light guard by, or that we cannot do.
    """
    if sequence.setup is not None:
        raise PlanRefused("the plan has a setup event, which may set devices: take it out")
    filled, focus_um = _fill_places(sequence, origin_um)
    fields: dict[tuple[int, int], int] = {}
    seen: set[tuple[int, tuple[int, int]]] = set()
    for number, ((t, place), group) in enumerate(groupby(filled, key=_time_and_place)):
        if (t, place) in seen:
            raise PlanRefused(
                "the plan comes back to a field within one time point: in axis_order, put t, p and "
                f"g before c and z (got {_order(sequence)!r})"
            )
        seen.add((t, place))
        position = fields.setdefault(place, len(fields))
        is_audit = audit_every > 0 and t % audit_every == audit_every - 1
        events = tuple(_require_known(event) for event in group)
        exposures = tuple(_exposure(event, position, 2 if is_audit else 1) for event in events)
        yield PlannedShot(
            shot=_count(Shot(number, position, 0, is_audit), exposures),
            exposures=exposures,
            focus_um=focus_um[place[0]],
            min_start_s=float(events[0].min_start_time or 0.0),
        )


def _fill_places(
    sequence: MDASequence, origin_um: tuple[float, float, float]
) -> tuple[MDASequence, tuple[float, ...]]:
    """Return the plan with no coordinate left open, and the height of each of its places, um."""
    import useq  # here, so that `import acquire` stays light

    x_um, y_um, z_um = origin_um
    places = tuple(
        place.model_copy(
            update={
                "x": x_um if place.x is None else place.x,
                "y": y_um if place.y is None else place.y,
                "z": z_um if place.z is None else place.z,
            }
        )
        for place in (tuple(sequence.stage_positions) or (useq.Position(),))
    )
    order = _order(sequence)
    axis_order = order if "p" in order else "p" + order
    filled = sequence.replace(stage_positions=places, axis_order=axis_order)
    return filled, tuple(float(place.z or 0.0) for place in places)


def _order(sequence: MDASequence) -> str:
    return "".join(str(axis) for axis in sequence.axis_order)


def _time_and_place(event: MDAEvent) -> tuple[int, tuple[int, int]]:
    index = event.index
    return index.get("t", 0), (index.get("p", 0), index.get("g", 0))


def _require_known(event: MDAEvent) -> MDAEvent:
    """Refuse what would set a device, and so maybe light, behind the guard's back."""
    at = dict(event.index)
    if event.action.type != "acquire_image":
        raise PlanRefused(f"event {at}: {event.action.type} is not supported yet; take it out")
    if event.properties or event.slm_image is not None or event.roi is not None:
        raise PlanRefused(
            f"event {at} sets properties, a pattern or a region; take it out of "
            "the plan: presets set filters, settings set the region, and the guard sets the light"
        )
    return event


def _exposure(event: MDAEvent, position: int, n_frames: int) -> PlannedExposure:
    index = event.index
    if event.channel is None:
        raise PlanRefused(
            f"event {dict(index)} has no channel; every exposure needs one, for its light"
        )
    return PlannedExposure(
        channel=event.channel.config,
        index=Index(index.get("t", 0), index.get("c", 0), index.get("z", 0), position),
        position_um=(event.x_pos or 0.0, event.y_pos or 0.0, event.z_pos or 0.0),
        n_frames=n_frames,
    )


def _count(shot: Shot, exposures: Iterable[PlannedExposure]) -> Shot:
    return msgspec.structs.replace(shot, n_frames=sum(one.n_frames for one in exposures))
