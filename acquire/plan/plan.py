"""From a useq plan to shots: what light is decided for together, and where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import PlanRefused
from acquire.frame import Index, Shot
from acquire.plan.events import Focusing, PlanEvent, Property, plan_events
from acquire.plan.rules import check_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from useq import MDASequence

    from acquire.settings import Settings


_SAME_UM = 1e-3  # heights that no focus drive tells apart


@dataclass(frozen=True, slots=True)
class PlannedExposure:
    """One exposure of a shot: its channel, where stage and focus (um) are, and how many frames.

    Attributes
    ----------
    camera
        Label of the camera that takes it; empty for the run's own.
    place
        Stage position of the plan, which all tiles of its grid share, as they share its focus.
    home_um
        Height that the plan takes for the focus of the place, um.
    offset_um
        The channel's own distance from the common focus, um; already in `position_um`.
    is_stacked
        Whether the channel takes part in stacks; else it takes their middle plane.
    autofocus
        To be done before it, if any.
    properties
        Device properties to be set before it.
    focus
        How the focus stood when it began (`FrameInfo.focus`).
    looks
        2 in an audit: it is taken once more at once, at equal light (`acquire.loop.shoot`).
    """

    channel: str
    index: Index
    position_um: tuple[float, float, float]
    n_frames: int = 1
    camera: str = ""
    place: int = 0
    home_um: float = 0.0
    offset_um: float = 0.0
    is_stacked: bool = True
    autofocus: Focusing | None = None
    properties: tuple[Property, ...] = ()
    focus: str = ""
    looks: int = 1

    def at_plane(self, z: int, height_um: float, *, is_first: bool) -> PlannedExposure:
        """Return the same exposure in another plane; what comes before it is done once."""
        return replace(
            self,
            index=Index(self.index.t, self.index.c, z, self.index.p),
            position_um=(*self.position_um[:2], height_um + self.offset_um),
            autofocus=self.autofocus if is_first else None,
            properties=self.properties if is_first else (),
        )


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """All channels and planes of one field at one time.

    Attributes
    ----------
    focus_um
        Height that the planes of new settings are relative to, um.
    min_start_s
        Time before which it may not start, s, since the last shot that reset the timer.
    resets_timer
        Times count from this shot on.
    """

    shot: Shot
    exposures: tuple[PlannedExposure, ...]
    focus_um: float
    min_start_s: float
    resets_timer: bool = False

    def frames(self) -> dict[str, int]:
        """Return the number of frames of each channel, at one look."""
        channels = dict.fromkeys(one.channel for one in self.exposures)
        return {
            channel: sum(one.n_frames for one in self.exposures if one.channel == channel)
            for channel in channels
        }

    def plain(self) -> PlannedShot:
        """Return the same shot without the second looks of an audit."""
        if not self.shot.is_audit:
            return self
        exposures = tuple(replace(one, looks=1) for one in self.exposures)
        shot = msgspec.structs.replace(self.shot, is_audit=False)
        return replace(self, shot=_count(shot, exposures), exposures=exposures)

    def with_planes(self, settings: Settings) -> PlannedShot:
        """Return the same shot with the planes that the settings ask for, if they ask for any.

        Planes of the plan keep its order, and their own numbers, by which histories and trust are
        kept. A stack with any other plane in it is one of its own, numbered by its own order.
        """
        if not settings.z_um:
            return self
        exposures = self._some(settings.z_um) or self._others(settings.z_um)
        return replace(self, shot=_count(self.shot, exposures), exposures=exposures)

    def _some(self, z_um: tuple[float, ...]) -> tuple[PlannedExposure, ...]:
        """Return the plan's own exposures in these planes; none if one is not the plan's.

        A channel that takes no part in stacks is taken where it always is.
        """
        stacked = [one for one in self.exposures if one.is_stacked]
        if not all(any(self._is_at(one, plane_um) for one in stacked) for plane_um in z_um):
            return ()
        first, *rest = (
            one
            for one in self.exposures
            if not one.is_stacked or any(self._is_at(one, plane_um) for plane_um in z_um)
        )
        before = self.exposures[0]  # what comes before the shot does so in any case
        autofocus = before.autofocus or first.autofocus
        return replace(first, autofocus=autofocus, properties=before.properties), *rest

    def _is_at(self, one: PlannedExposure, plane_um: float) -> bool:
        return abs(one.position_um[2] - one.offset_um - self.focus_um - plane_um) < _SAME_UM

    def _others(self, z_um: tuple[float, ...]) -> tuple[PlannedExposure, ...]:
        """Return each channel's exposures in planes that the plan does not have."""
        first_of_channel = {one.index.c: one for one in reversed(self.exposures)}
        return tuple(
            one.at_plane(z, self.focus_um + plane_um, is_first=n == 0)
            for _, one in sorted(first_of_channel.items())
            for n, (z, plane_um) in enumerate(_planes(one, z_um))
        )


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
        At every so many time points a shot takes its first channel twice, for judging the network;
        0 for never. The others are never seen by it, and take no more light.

    Raises
    ------
    PlanRefused
        If the plan asks for something that would pass the light guard by, or that we cannot do.
    """
    check_plan(sequence)
    if not sequence.channels:
        raise PlanRefused("the plan has no channel; every exposure needs one, for its light")
    fields: dict[tuple[int, int], int] = {}
    events = plan_events(sequence, origin_um)
    number = 0
    for (t, _), visit in groupby(events, key=lambda event: (event.t, event.place[0])):
        # A place with a grid of its own is visited tile by tile, whatever the order of channels.
        tiles = sorted(visit, key=lambda event: event.place)
        for place, group in groupby(tiles, key=lambda event: event.place):
            position = fields.setdefault(place, len(fields))
            is_audit = audit_every > 0 and t % audit_every == audit_every - 1
            yield _shot(number, position, tuple(group), is_audit=is_audit)
            number += 1


def _shot(
    number: int, position: int, events: tuple[PlanEvent, ...], *, is_audit: bool
) -> PlannedShot:
    exposures = tuple(
        PlannedExposure(
            channel=event.channel,
            index=Index(event.t, event.c, event.z, position),
            position_um=event.position_um,
            looks=2 if is_audit and event.c == 0 else 1,
            camera=event.camera,
            place=event.place[0],
            home_um=event.home_um,
            offset_um=event.offset_um,
            is_stacked=event.is_stacked,
            autofocus=event.focus,
            properties=event.properties if n == 0 else (),
        )
        for n, event in enumerate(events)
    )
    return PlannedShot(
        shot=_count(Shot(number, position, 0, is_audit), exposures),
        exposures=exposures,
        focus_um=events[0].home_um,
        min_start_s=events[0].min_start_s,
        resets_timer=any(event.resets_timer for event in events),
    )


def _planes(one: PlannedExposure, z_um: tuple[float, ...]) -> list[tuple[int, float]]:
    """Return the planes of a channel, by number: all, or the middle one."""
    planes = list(enumerate(z_um))
    return planes if one.is_stacked else [planes[len(planes) // 2]]


def _count(shot: Shot, exposures: Iterable[PlannedExposure]) -> Shot:
    n_frames = sum(one.n_frames * one.looks for one in exposures)
    return msgspec.structs.replace(shot, n_frames=n_frames)
