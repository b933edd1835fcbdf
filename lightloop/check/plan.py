"""What a plan may ask of this run's lights, channels, cameras and focus: one sentence each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lightloop.predict.skips import skip_complaints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from useq import MDASequence

    from lightloop.config import ChannelConfig, RunConfig


def plan_complaints(config: RunConfig, sequence: MDASequence) -> Iterator[str]:
    """Yield one sentence for each thing of a plan that this config forbids or has not."""
    yield from _lights_left_alone(config, sequence)
    yield from _followed(config, sequence)
    yield from _cameras(config)
    yield from _focus(config, sequence)
    yield from skip_complaints(config, sequence)
    if config.loop.audit_every_shots and not config.network.denoise:
        yield (
            "loop.audit_every_shots takes images twice to judge a network, and network.denoise "
            "names none: set one of them"
        )
    for channel in config.channel:
        yield from _step(config, channel)


def _lights_left_alone(config: RunConfig, sequence: MDASequence) -> Iterator[str]:
    owners = {device: light.name for light in config.light for device in light.devices}
    setup: Any = sequence.setup
    lists = [("setup", setup.properties if setup is not None else None)]
    lists += [
        (f"stage_positions.{number}", place.properties)
        for number, place in enumerate(sequence.stage_positions)
    ]
    for where, properties in lists:
        for device, name, _ in properties or ():
            if device in owners:
                yield (
                    f"plan.{where} sets {device} {name}, which belongs to light "
                    f"{owners[device]!r}: take it out, only the light guard moves light"
                )
            elif device == "Core":
                yield f"plan.{where} sets Core {name}: what the core uses is lightloop's to say"
            elif name in ("Exposure", "Binning") and where != "setup":
                yield (
                    f"plan.{where} sets {device} {name}: exposures are decided, and frames keep "
                    "their shape; take it out"
                )


def _followed(config: RunConfig, sequence: MDASequence) -> Iterator[str]:
    """See to it that every shot holds the first channel: its cells are those that are followed."""
    first = config.channel[0]
    if first.acquire_every > 1:
        yield (
            f"channel {first.name!r} is the first one, by which every shot is judged: its "
            "acquire_every must be 1; put another channel first, or take it always"
        )
    for number, place in enumerate(sequence.stage_positions):
        own = place.sequence.channels if place.sequence is not None else ()
        found = next((one for one in own if one.config == first.name), None)
        if own and (found is None or found.acquire_every > 1):
            yield (
                f"plan.stage_positions.{number}.sequence leaves out channel {first.name!r}, the "
                "first one, by which every shot is judged: add it"
            )


def _cameras(config: RunConfig) -> Iterator[str]:
    labels = [camera.label for camera in config.other_camera]
    if len(set(labels)) < len(labels):
        yield "two entries of [[other_camera]] have the same label"
    named = {channel.camera for channel in config.channel} - {""}
    for label in sorted(set(labels) - named):
        yield f"[[other_camera]] {label!r} is used by no channel: name it there, or take it out"


def _focus(config: RunConfig, sequence: MDASequence) -> Iterator[str]:
    rules = config.focus
    names = [channel.name for channel in config.channel]
    if rules.channel and rules.channel not in names:
        yield f"focus.channel {rules.channel!r} is no channel; there are {', '.join(names)}"
    z_plan: Any = sequence.z_plan
    if rules.lock and z_plan is not None and not z_plan.is_relative:
        yield (
            "focus.lock holds the focus where it finds it, and plan.z_plan names absolute heights: "
            "give the planes relative to the focus"
        )
    if rules.method != "software" or not asks_for_focus(sequence):
        return
    for plan in focus_plans(sequence):
        if plan.autofocus_motor_offset is not None or plan.autofocus_device_name is not None:
            yield (
                "plan.autofocus_plan sets an offset of a device, and focus.method is a search by "
                "images: take the offset out (a channel has its z_offset_um), or use the device"
            )
            break
    channel = next((c for c in config.channel if c.name == rules.channel), config.channel[0])
    limits = next(light for light in config.light if light.name == channel.light).limits
    if not limits.min_exposure_ms <= rules.exposure_ms <= limits.max_exposure_ms:
        yield (
            f"focus.exposure_ms is {rules.exposure_ms:g}, but light {channel.light!r} allows "
            f"{limits.min_exposure_ms:g} to {limits.max_exposure_ms:g} ms"
        )
    if rules.power_fraction > limits.max_power_fraction:
        yield (
            f"focus.power_fraction is {rules.power_fraction:g}, but light {channel.light!r} allows "
            f"at most {limits.max_power_fraction:g}"
        )


def asks_for_focus(sequence: MDASequence) -> bool:
    """Whether a plan asks for an autofocus anywhere."""
    return any(True for _ in focus_plans(sequence))


def focus_plans(sequence: MDASequence) -> Iterator[Any]:
    """Yield the autofocus plans of the whole plan and of its places."""
    places = (place.sequence for place in sequence.stage_positions)
    for one in (sequence, *places):
        if one is not None and one.autofocus_plan is not None:
            yield one.autofocus_plan


def _step(config: RunConfig, channel: ChannelConfig) -> Iterator[str]:
    step_ms = channel.exposure_step_ms
    if not step_ms:
        return
    limits = next(light for light in config.light if light.name == channel.light).limits
    shortest_ms = max(1, math.ceil(limits.min_exposure_ms / step_ms - 1e-9)) * step_ms
    if shortest_ms > limits.max_exposure_ms:
        yield (
            f"channel {channel.name!r}: no multiple of exposure_step_ms {step_ms:g} is from "
            f"{limits.min_exposure_ms:g} to {limits.max_exposure_ms:g} ms, the limits of light "
            f"{channel.light!r}"
        )
