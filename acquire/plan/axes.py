"""The axes of a useq plan: every combination of time, place, tile, channel and plane, by useq."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from useq import Channel, MDAEvent, MDASequence, Position

Origin: TypeAlias = tuple[float, float, float]
Product: TypeAlias = "tuple[dict[str, int], float, MDAEvent]"


def in_time(sequence: MDASequence, products: Iterable[Product]) -> Iterator[Product]:
    """Put the events of a place with times of its own in their order.

    useq takes all of its times in one channel of the whole plan, and then in the next.
    """
    for p, visit in groupby(products, key=lambda product: product[0].get("p", 0)):
        place = place_of(sequence, p)
        if place is not None and has_time(place.sequence):
            yield from sorted(visit, key=lambda product: product[0]["t"])
        else:
            yield from visit


def products_of(sequence: MDASequence, origin_um: Origin) -> Iterator[Product]:
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
    at: dict[str, float | None] = {"z": height_um(sequence, place, origin_um)}
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


def has_time(own: MDASequence | None) -> bool:
    """Whether a place has times of its own."""
    return own is not None and own.time_plan is not None


def place_of(sequence: MDASequence, p: int) -> Position | None:
    """Return a stage position of a plan, if it has any."""
    return sequence.stage_positions[p] if sequence.stage_positions else None


def height_um(sequence: MDASequence, place: Position | None, origin_um: Origin) -> float:
    """Return the height of a place, um; one that says nothing is where the focus stands.

    A plate knows no heights, but useq fills in 0 for its wells: that is no place to drive to.
    """
    z_um = place.z if place is not None else None
    if hasattr(sequence.stage_positions, "well_points_plan"):
        return origin_um[2] + (z_um or 0.0)
    return origin_um[2] if z_um is None else float(z_um)
