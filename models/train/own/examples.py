"""Which images of a recording teach which: input, its past, and the image to be found.

What a network must not see is the noise of its target. So a target is another exposure, another
plane, or a part of the light that was split off; and no target is among the past frames that go in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from models.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.train.own.takes import Take

Task: TypeAlias = Literal["denoise", "superres", "axial"]
Mode: TypeAlias = Literal["paired", "noise2noise", "blind-spot"]

BRIGHTER = 1.5
"""A frame counts as a bright exposure of a pair from this ratio of light on (proposed)."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One image: number of the take, number of the frame in it."""

    take: int
    frame: int


@dataclass(frozen=True, slots=True)
class Example:
    """Images that go in, and the one to be found.

    Attributes
    ----------
    images
        Oldest first, the one to be restored last; for "axial" the planes below and above.
    target
        The image to be found; the last input itself where its light is to be split or hidden.
    gain
        Light of the target over light of the last input, as far as it was recorded.
    field, t_s
        Where and when, for the split.
    """

    images: tuple[Spot, ...]
    target: Spot
    gain: float
    field: str
    t_s: float


def find_examples(takes: Sequence[Take], task: Task, mode: Mode, in_frames: int) -> list[Example]:
    """List every example that the takes hold.

    Parameters
    ----------
    in_frames
        Images that go into the network.

    Raises
    ------
    ModelError
        If there are none; the text says what such a recording needs.
    """
    if task == "axial":
        found = list(_between_planes(takes))
        need = "stacks of at least 3 planes, all of one channel at one place"
    elif mode == "paired":
        found = list(_paired(takes, in_frames))
        need = (
            f"bright exposures between dim ones (at least {BRIGHTER:g} times the light, the same "
            "field and plane)"
        )
    elif mode == "noise2noise":
        found = list(_repeated(takes, in_frames))
        need = "at least 2 exposures of the same field, channel and plane"
    else:
        found = list(_alone(takes, in_frames))
        need = "at least one image"
    if not found:
        names = "; ".join(take.name for take in takes[:4]) or "no image at all"
        raise ModelError(f"--mode {mode} needs {need}, found {names}: choose another mode or run")
    return found


def _past(take: Take, number: int, among: Sequence[int], in_frames: int) -> list[int]:
    """Return the frames that go in, oldest first, without those not yet taken."""
    place = list(among).index(number)
    return [*among[max(place + 1 - in_frames, 0) : place + 1]]


def _alone(takes: Sequence[Take], in_frames: int) -> Iterator[Example]:
    for index, take in enumerate(takes):
        every = range(len(take.frames))
        for number in every:
            images = tuple(Spot(index, k) for k in _past(take, number, every, in_frames))
            yield Example(images, images[-1], 1.0, take.field, float(take.t_s[number]))


def _repeated(takes: Sequence[Take], in_frames: int) -> Iterator[Example]:
    """Ask for the next frame: it is never among the past that goes in."""
    for index, take in enumerate(takes):
        every = range(len(take.frames))
        for number in every[:-1]:
            images = tuple(Spot(index, k) for k in _past(take, number, every, in_frames))
            gain = _ratio(take.light[number + 1], take.light[number])
            yield Example(
                images, Spot(index, number + 1), gain, take.field, float(take.t_s[number])
            )


def _paired(takes: Sequence[Take], in_frames: int) -> Iterator[Example]:
    """Each dim frame with the nearest bright one of the same field, plane and light line."""
    groups: dict[tuple[str, str, int, str], list[int]] = defaultdict(list)
    for index, take in enumerate(takes):
        groups[take.run, take.field, take.plane, take.line].append(index)
    for members in groups.values():
        spots = [Spot(i, k) for i in members for k in range(len(takes[i].frames))]
        light = np.array([takes[s.take].light[s.frame] for s in spots])
        when = np.array([takes[s.take].t_s[s.frame] for s in spots])
        bright = light >= BRIGHTER * light.min()
        if not bright.any() or light.min() <= 0.0:
            continue
        threshold = np.sqrt(float(light.min()) * float(np.median(light[bright])))
        bright = light >= threshold
        dim = {i: [s.frame for s, b in zip(spots, bright, strict=True) if not b and s.take == i]
               for i in members}  # fmt: skip
        candidates = np.flatnonzero(bright)
        for place in np.flatnonzero(~bright):
            spot = spots[place]
            nearest = candidates[np.argmin(np.abs(when[candidates] - when[place]))]
            past = _past(takes[spot.take], spot.frame, dim[spot.take], in_frames)
            images = tuple(Spot(spot.take, k) for k in past)
            gain = float(light[nearest] / light[place])
            yield Example(images, spots[nearest], gain, takes[spot.take].field, float(when[place]))


def _between_planes(takes: Sequence[Take]) -> Iterator[Example]:
    """Each plane, from those below and above it at the same time."""
    places: dict[tuple[str, str, str, int], dict[int, Spot]] = defaultdict(dict)
    for index, take in enumerate(takes):
        for number, time in enumerate(take.times):
            places[take.run, take.field, take.channel, int(time)][take.plane] = Spot(index, number)
    for (_, field, _, _), planes in places.items():
        for plane, middle in planes.items():
            below, above = planes.get(plane - 1), planes.get(plane + 1)
            if below is not None and above is not None:
                take = takes[middle.take]
                gain = _ratio(take.light[middle.frame], takes[above.take].light[above.frame])
                yield Example((below, above), middle, gain, field, float(take.t_s[middle.frame]))


def _ratio(light: float, other: float) -> float:
    return float(light / other) if light > 0 and other > 0 else 1.0
