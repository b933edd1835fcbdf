"""Stacks of which planes are skipped: whether a plan allows it, and what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from realtime.planes.skipped import SkippedPlanes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from useq import MDASequence

    from lightloop.config import RunConfig

MOST_PLANES = 128  # `realtime.planes.watch`: those of a longer stack could not be compared


def skips_of(config: RunConfig, sequence: MDASequence | None = None) -> SkippedPlanes | None:
    """Return which planes of a plan's stacks may be skipped; None where none are.

    Raises
    ------
    ValueError
        If planes are to be skipped and the stack has too few, or is uneven.
    """
    if config.network.axial_skip == 1:
        return None
    z_plan: Any = (sequence or config.sequence()).z_plan
    return SkippedPlanes([] if z_plan is None else list(z_plan), config.network.skip())


def skip_complaints(config: RunConfig, sequence: MDASequence) -> Iterator[str]:
    """Yield one sentence for each thing that speaks against skipping planes."""
    if config.network.axial_skip == 1:
        return
    said = f"network.axial_skip is {config.network.axial_skip}"
    if config.loop.mode != "event":
        yield f'{said}, which is for loop.mode = "event", and mode is "{config.loop.mode}"'
    z_plan: Any = sequence.z_plan
    own = [
        n
        for n, place in enumerate(sequence.stage_positions)
        if place.sequence is not None and place.sequence.z_plan is not None
    ]
    if z_plan is None or own:
        where = f"plan.stage_positions.{own[0]} has one of its own" if own else "it has none"
        yield f"{said}, which needs one z_plan for the whole plan, and {where}"
        return
    if not z_plan.is_relative:
        yield f"{said}, and plan.z_plan names absolute heights: give them relative to the focus"
    yield from _channels(config, said)
    try:
        planes = skips_of(config, sequence)
    except ValueError as error:
        yield f"{said}: {error}"
        return
    assert planes is not None
    if len(planes.planes_um) > MOST_PLANES:
        yield f"{said}, for {MOST_PLANES} planes at most, and the plan has {len(planes.planes_um)}"
    first = config.channel[0]
    step = len(planes.planes_um) / len(planes.kept)
    limits = next(light for light in config.light if light.name == first.light).limits
    if limits.max_step_up < step:
        yield (
            f"{said}, and a whole stack after one with skipped planes is a step up of {step:.3g} "
            f"times; light {first.light!r} allows max_step_up = {limits.max_step_up:g}: raise it, "
            "or skip fewer planes"
        )


def _channels(config: RunConfig, said: str) -> Iterator[str]:
    first, *others = config.channel
    if not first.do_stack:
        yield f"{said}, and channel {first.name!r}, the first one, takes no stack: do_stack = true"
    for channel in others:
        if channel.do_stack:
            yield (
                f"{said}, and planes are drawn in the first channel alone: set do_stack = false in "
                f"channel {channel.name!r}, whose planes would be lost, or axial_skip to 1"
            )
