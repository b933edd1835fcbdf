"""What a useq plan can say and we do not do: each refused with one sentence, none dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquire.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from useq import MDAEvent, MDASequence, Position

MOST_TIMES = 1_000_000  # time points; a year of one each half minute, proposed
_NAMES = {
    "t": "time_plan", "p": "stage_positions", "g": "grid_plan", "c": "channels", "z": "z_plan"
}  # fmt: skip
_OF_A_FIELD = "tpg"  # what changes from shot to shot; the others change within one
_SETUP = ("properties", "roi", "x_pos", "y_pos", "z_pos", "action", "metadata")


def check_plan(sequence: MDASequence) -> None:
    """Refuse a plan of which something would be dropped, or would pass the light guard by.

    Raises
    ------
    PlanRefused
        With one sentence for each thing, and what to do about it.
    """
    if found := list(objections(sequence)):
        raise PlanRefused("; ".join(found))


def objections(sequence: MDASequence) -> Iterator[str]:
    """Yield one sentence for each thing in a plan that we do not do."""
    if sequence.keep_shutter_open_across:
        yield (
            "keep_shutter_open_across: the light is closed after each exposure, so that none is "
            "given between them; take it out"
        )
    yield from _of_order(sequence)
    yield from _of_time(sequence, "time_plan")
    if sequence.setup is not None:
        yield from _of_setup(sequence.setup)
    yield from _of_autofocus(sequence.autofocus_plan, "autofocus_plan")
    yield from _of_points(sequence.grid_plan, "grid_plan")
    wells = getattr(sequence.stage_positions, "well_points_plan", None)
    yield from _of_points(wells, "stage_positions.well_points_plan")
    for number, place in enumerate(sequence.stage_positions):
        if place.sequence is not None:
            yield from _of_place(place, sequence, f"stage_positions.{number}.sequence")


def _of_order(sequence: MDASequence, where: str = "") -> Iterator[str]:
    order = "".join(str(axis) for axis in sequence.axis_order)
    used = {
        axis
        for axis, name in _NAMES.items()
        if getattr(sequence, name) is not None and len_of(getattr(sequence, name))
    }
    for axis in _NAMES:
        if axis in used and axis not in order:
            yield (
                f"{where}{_NAMES[axis]} would be left out: axis_order is {order!r}; "
                f"put {axis} into it"
            )
    kept = [axis for axis in order if axis in used]
    inner = [axis for axis in kept if axis not in _OF_A_FIELD]
    if inner and any(axis in _OF_A_FIELD for axis in kept[kept.index(inner[0]) :]):
        yield (
            f"{where}axis_order {order!r} comes back to a field within one time point: put t, p "
            "and g before c and z, as light is decided for all channels and planes together"
        )


def len_of(part: Any) -> bool:
    """Whether a part of a plan has anything in it."""
    return not isinstance(part, tuple) or bool(part)


def _of_time(sequence: MDASequence, where: str) -> Iterator[str]:
    plan: Any = sequence.time_plan
    if plan is None:
        return
    phases = getattr(plan, "phases", (plan,))
    if any(getattr(one, "prioritize_duration", False) for one in (plan, *phases)):
        yield (
            f"{where}: prioritize_duration is not followed: every time point is taken, late ones "
            "at once; take it out"
        )
    if sum(phase.loops for phase in phases) > MOST_TIMES:
        yield f"{where}: more than {MOST_TIMES} time points"


def _of_setup(setup: MDAEvent) -> Iterator[str]:
    for name in sorted(setup.model_fields_set - set(_SETUP)):
        if getattr(setup, name):
            yield f"setup.{name} is not for the beginning of a run: take it out"
    if setup.action.type != "custom" or getattr(setup.action, "name", "") != "setup":
        yield f"setup.action {setup.action.type!r} is nothing that we can do: take it out"


def _of_autofocus(plan: Any, where: str) -> Iterator[str]:
    for axis in plan.axes if plan is not None else ():
        if axis not in _NAMES:
            yield f"{where}: axis {axis!r} never moves: axes are t, p, g, c and z"
    if plan is not None and not plan.axes:
        yield f"{where}: names no axes, so it would never be done; name some, or take it out"


def _of_points(plan: Any, where: str) -> Iterator[str]:
    """Look at a grid: its places must be known before the run, and the same when it goes on."""
    if plan is None:
        return
    if hasattr(plan, "random_seed"):
        if plan.random_seed is None:
            yield f"{where}: give random_seed, or no run could go on with the same places"
    elif hasattr(plan, "overlap") and (plan.fov_width is None or plan.fov_height is None):
        yield (
            f"{where}: give fov_width and fov_height, the size of a field at the sample in um: "
            "nobody else says how far apart its tiles are"
        )


def _of_place(place: Position, whole: MDASequence, where: str) -> Iterator[str]:
    """Look at the plan that a place has of its own."""
    own = place.sequence
    assert own is not None
    if own.setup is not None:
        yield f"{where}.setup: only the whole plan has a setup; use the place's properties"
    if own.keep_shutter_open_across:
        yield f"{where}.keep_shutter_open_across: take it out"
    if own.time_plan is not None and whole.time_plan is not None:
        yield (
            f"{where}.time_plan: the whole plan has a time_plan too, and a place cannot be visited "
            "by two clocks; take one out"
        )
    yield from _of_order(own, f"{where}: ")
    yield from _of_time(own, f"{where}.time_plan")
    yield from _of_points(own.grid_plan, f"{where}.grid_plan")
    yield from _of_autofocus(own.autofocus_plan, f"{where}.autofocus_plan")
    known = {channel.config for channel in whole.channels}
    for channel in own.channels:
        if channel.config not in known:
            names = ", ".join(sorted(known)) or "none"
            yield f"{where}: channel {channel.config!r} is none of the run's ({names})"
        if channel.exposure is not None:
            yield (
                f"{where}: channel {channel.config!r}: its exposure is that of the run's channel, "
                "and then decided; take it out"
            )
        if channel.camera is not None:
            yield f"{where}: channel {channel.config!r}: its camera is that of the run's channel"
