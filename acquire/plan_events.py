"""A useq plan, event by event: when, where, with which channel, and what comes before it.

useq's own iterator loses some of what a plan says: a channel's offset where there is no stack; its
offset, `do_stack` and `acquire_every` at places with a plan of their own; and its autofocus plan
remembers the last run. So it is only asked for the plain product of axes; the rest is done here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from useq import Channel, MDAEvent, MDASequence, Position

Property: TypeAlias = tuple[str, str, str]
Origin: TypeAlias = tuple[float, float, float]
Product: TypeAlias = "tuple[dict[str, int], float, MDAEvent]"


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
    for index, time_s, event in _in_time(sequence, _products(sequence, origin_um)):
        p, t = index.get("p", 0), index.get("t", 0)
        place = _place(sequence, p)
        own = place.sequence if place is not None else None
        channels = _channels(sequence, own)
        z_plan: Any = own.z_plan if own is not None and own.z_plan else sequence.z_plan
        if "c" not in index or _is_left_out(channels[index["c"]], index, z_plan):
            continue
        home_um = _home(z_plan, _height_um(sequence, place, origin_um))
        made = _event(sequence, channels[index["c"]], event, index, home_um)
        is_first = t == 0 and (last_t != 0 or (_has_time(own) and p != last_p))
        yield replace(
            made,
            min_start_s=time_s,
            resets_timer=is_first,
            focus=_focusing(sequence, own, index, last_index, made.home_um),
            properties=_properties(place),
        )
        last_t, last_p, last_index = t, p, index


def _in_time(sequence: MDASequence, products: Iterable[Product]) -> Iterator[Product]:
    """Put the events of a place with times of its own in their order.

    useq takes all of its times in one channel of the whole plan, and then in the next.
    """
    for p, visit in groupby(products, key=lambda product: product[0].get("p", 0)):
        place = _place(sequence, p)
        if place is not None and _has_time(place.sequence):
            yield from sorted(visit, key=lambda product: product[0]["t"])
        else:
            yield from visit


def _products(sequence: MDASequence, origin_um: Origin) -> Iterator[Product]:
    """Yield the index, time and place of every combination of the axes.

    Time, where it is the outermost axis, is not asked of useq, which would hold all of it at once:
    each time point repeats the first one's places.
    """
    order = "".join(str(axis) for axis in sequence.axis_order)
    is_outermost = order.startswith("t") and sequence.time_plan is not None
    plain = _plain(sequence, origin_um, with_time=not is_outermost)
    if not is_outermost:
        for event in plain.iter_events():
            yield dict(event.index), float(event.min_start_time or 0.0), event
        return
    once = [(dict(event.index), event) for event in plain.iter_events()]
    times: Any = sequence.time_plan
    for t, time_s in enumerate(times):
        for index, event in once:
            yield {"t": t, **index}, float(time_s), event


def _plain(sequence: MDASequence, origin_um: Origin, *, with_time: bool) -> MDASequence:
    """Return a plan of axes alone, with every coordinate filled in."""
    import useq  # here, so that `import acquire` stays light

    order = "".join(str(axis) for axis in sequence.axis_order)
    places = tuple(sequence.stage_positions) or (useq.Position(),)
    return useq.MDASequence(
        axis_order=tuple(order if "p" in order else "p" + order),
        time_plan=sequence.time_plan if with_time else None,
        stage_positions=tuple(_filled(place, sequence, origin_um) for place in places),
        grid_plan=sequence.grid_plan,
        channels=tuple(_bare(one) for one in sequence.channels),
        z_plan=sequence.z_plan,
    )


def _filled(place: Position, sequence: MDASequence, origin_um: Origin) -> Position:
    """Return a place with all its coordinates, and its own plan reduced to axes."""
    import useq

    own = place.sequence if _has_axes(place.sequence) else None
    grid = own.grid_plan if own is not None and own.grid_plan is not None else sequence.grid_plan
    x_um, y_um, _ = origin_um
    at: dict[str, float | None] = {"z": _height_um(sequence, place, origin_um)}
    if grid is None or grid.is_relative:  # an absolute grid says where, whatever its place does
        at["x"] = x_um if place.x is None else place.x
        at["y"] = y_um if place.y is None else place.y
    sub = None
    if own is not None:
        sub = useq.MDASequence(
            axis_order=own.axis_order,
            time_plan=own.time_plan,
            grid_plan=own.grid_plan,
            channels=tuple(_bare(one) for one in own.channels),
            z_plan=own.z_plan,
        )
    return useq.Position(x=at.get("x"), y=at.get("y"), z=at["z"], sequence=sub)


def _bare(channel: Channel) -> Channel:
    """Return a channel of which useq knows the name alone."""
    import useq

    return useq.Channel(config=channel.config, exposure=None)


def _has_axes(own: MDASequence | None) -> bool:
    if own is None:
        return False
    return bool(own.time_plan or own.grid_plan or own.channels or own.z_plan)


def _has_time(own: MDASequence | None) -> bool:
    return own is not None and own.time_plan is not None


def _place(sequence: MDASequence, p: int) -> Position | None:
    return sequence.stage_positions[p] if sequence.stage_positions else None


def _channels(sequence: MDASequence, own: MDASequence | None) -> tuple[Channel, ...]:
    return own.channels if own is not None and own.channels else sequence.channels


def _is_left_out(channel: Channel, index: dict[str, int], z_plan: Any) -> bool:
    """Whether a channel skips this time point, or this plane."""
    if index.get("t", 0) % channel.acquire_every:
        return True
    return not channel.do_stack and "z" in index and index["z"] != len(list(z_plan)) // 2


def _height_um(sequence: MDASequence, place: Position | None, origin_um: Origin) -> float:
    """Return the height of a place, um; one that says nothing is where the focus stands.

    A plate knows no heights, but useq fills in 0 for its wells: that is no place to drive to.
    """
    z_um = place.z if place is not None else None
    if hasattr(sequence.stage_positions, "well_points_plan"):
        return origin_um[2] + (z_um or 0.0)
    return origin_um[2] if z_um is None else float(z_um)


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
