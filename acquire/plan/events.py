"""A useq plan, event by event: when, where, with which channel, and what comes before it.

useq's own iterator loses some of what a plan says: a channel's offset where there is no stack; its
offset, `do_stack` and `acquire_every` at places with a plan of their own; and its autofocus plan
remembers the last run. So it is only asked for the plain product of axes; the rest is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from acquire.plan.axes import has_time, height_um, in_time, place_of, products_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from useq import Channel, MDAEvent, MDASequence, Position

    from acquire.plan.axes import Origin

Property: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Focusing:
    """An autofocus that a plan asks for.

    Attributes
    ----------
    home_um
        Height that the plan takes for the focus of the place, um.
    device
        Label of the drive that is set to `offset`; empty for the autofocus device's own.
    offset
        Offset of the focus to be set first, in the device's units; None leaves it.
    tries
        How often to try.
    """

    home_um: float
    device: str = ""
    offset: float | None = None
    tries: int = 3


@dataclass(frozen=True, slots=True)
class PlanEvent:
    """One exposure of a plan.

    Attributes
    ----------
    place
        Position and tile of its grid.
    t, c, z
        Its time point, channel of the whole plan, and plane.
    offset_um
        The channel's own distance from the common focus; already in `position_um`.
    is_stacked
        Whether the channel takes part in stacks.
    home_um
        Height that the planes are relative to.
    resets_timer
        Times of this event and those that follow count from now.
    every
        The channel is taken at every so many time points.
    focus
        Autofocus before it, if any.
    properties
        Device properties of the place.
    """

    t: int
    place: tuple[int, int]
    c: int
    z: int
    channel: str
    camera: str
    position_um: Origin
    home_um: float
    offset_um: float
    is_stacked: bool
    min_start_s: float
    resets_timer: bool
    every: int
    focus: Focusing | None
    properties: tuple[Property, ...]


def plan_events(sequence: MDASequence, origin_um: Origin) -> Iterator[PlanEvent]:
    """Yield every exposure of a checked plan in order; `origin_um` is what it leaves open."""
    last_t, last_p = -1, -1
    last_index: dict[str, int] = {}
    for index, time_s, event in in_time(sequence, products_of(sequence, origin_um)):
        p, t = index.get("p", 0), index.get("t", 0)
        place = place_of(sequence, p)
        own = place.sequence if place is not None else None
        channels = _channels(sequence, own)
        z_plan: Any = own.z_plan if own is not None and own.z_plan else sequence.z_plan
        if "c" not in index or _is_left_out(channels[index["c"]], index, z_plan):
            continue
        home_um = _home(z_plan, height_um(sequence, place, origin_um))
        made = _event(sequence, channels[index["c"]], event, index, home_um)
        is_first = t == 0 and (last_t != 0 or (has_time(own) and p != last_p))
        yield replace(
            made,
            min_start_s=time_s,
            resets_timer=is_first,
            focus=_focusing(sequence, own, index, last_index, made.home_um),
            properties=_properties(place),
        )
        last_t, last_p, last_index = t, p, index


def _channels(sequence: MDASequence, own: MDASequence | None) -> tuple[Channel, ...]:
    return own.channels if own is not None and own.channels else sequence.channels


def _is_left_out(channel: Channel, index: dict[str, int], z_plan: Any) -> bool:
    """Whether a channel skips this time point, or this plane."""
    if index.get("t", 0) % channel.acquire_every:
        return True
    return not channel.do_stack and "z" in index and index["z"] != len(list(z_plan)) // 2


def _home(z_plan: Any, height_um: float) -> float:
    """Return the height that planes are relative to; of absolute ones, the middle one."""
    if z_plan is not None and not z_plan.is_relative:
        planes = list(z_plan)
        return float(planes[len(planes) // 2])
    return height_um


def _event(
    sequence: MDASequence, channel: Channel, event: MDAEvent, index: dict[str, int], home_um: float
) -> PlanEvent:
    offset_um = float(channel.z_offset or 0.0)
    z_um = home_um if event.z_pos is None else float(event.z_pos)
    whole = {one.config: (c, one.camera or "") for c, one in enumerate(sequence.channels)}
    c, camera = whole[channel.config]
    return PlanEvent(
        t=index.get("t", 0),
        place=(index.get("p", 0), index.get("g", 0)),
        c=c,
        z=index.get("z", 0),
        channel=channel.config,
        camera=camera,
        position_um=(float(event.x_pos or 0.0), float(event.y_pos or 0.0), z_um + offset_um),
        home_um=home_um,
        offset_um=offset_um,
        is_stacked=channel.do_stack,
        min_start_s=0.0,
        resets_timer=False,
        every=channel.acquire_every,
        focus=None,
        properties=(),
    )


def _focusing(
    sequence: MDASequence,
    own: MDASequence | None,
    index: dict[str, int],
    last: dict[str, int],
    home_um: float,
) -> Focusing | None:
    """Return the autofocus that is due where an axis of its plan has moved on."""
    plan: Any = own.autofocus_plan if own is not None else None
    plan = plan or sequence.autofocus_plan
    if plan is None or not any(
        axis in plan.axes and last.get(axis) != at for axis, at in index.items()
    ):
        return None
    action = plan.as_action()
    return Focusing(
        home_um,
        action.autofocus_device_name or "",
        action.autofocus_motor_offset,
        max(1, action.max_retries),
    )


def _properties(place: Position | None) -> tuple[Property, ...]:
    found = place.properties if place is not None else None
    return tuple((str(d), str(n), str(v)) for d, n, v in found or ())
