"""Which frame stands where in an image of time, channel, plane and position; and which is missing.

A run file holds frames one by one. Other programs want one block of numbers, so frames of one
camera and one shape make a film. A frame that was lost leaves a hole, and every hole is listed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquire.frame import FrameInfo
    from realtime.run_file import RunReader
    from realtime.wire import CameraInfo, Gap

NOT_TAKEN = "not taken"


class Place(NamedTuple):
    """Where a frame stands in a film, each from 0."""

    p: int
    t: int
    c: int
    z: int


class Hole(NamedTuple):
    """A place without a frame, and why as far as it is known."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class Film:
    """Frames of one camera and one shape.

    Attributes
    ----------
    positions
        The p of the plan, for each p of a `Place`; so `channels`, with a name for each.
    times
        The t of the plan and, where a place was exposed more than once (an audit, a burst), which
        of these: for each t of a `Place`.
    infos
        The truth of each frame, by its place.
    """

    camera: CameraInfo
    height: int
    width: int
    positions: tuple[int, ...]
    times: tuple[tuple[int, int], ...]
    channels: tuple[str, ...]
    n_planes: int
    infos: dict[Place, FrameInfo]
    gaps: tuple[Gap, ...]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Times, channels, planes, rows, columns of one position."""
        return len(self.times), len(self.channels), self.n_planes, self.height, self.width

    @property
    def n_places(self) -> int:
        """Places of all positions, holes among them."""
        return len(self.positions) * len(self.times) * len(self.channels) * self.n_planes

    def places(self, p: int | None = None) -> Iterator[Place]:
        """Yield all places in the order t, c, z; of one position, or of each in turn."""
        for position in range(len(self.positions)) if p is None else (p,):
            for t in range(len(self.times)):
                for c in range(len(self.channels)):
                    for z in range(self.n_planes):
                        yield Place(position, t, c, z)

    def holes(self) -> list[Hole]:
        """Return the places without a frame."""
        lost = self._lost_at()
        found = []
        for place in self.places():
            if place not in self.infos:
                reason = lost.get(self.times[place.t][0])
                found.append(Hole(place, NOT_TAKEN if reason is None else f"lost: {reason}"))
        return found

    def plane_um(self) -> float | None:
        """Return the mean distance between planes, um; None where there is one plane."""
        stacks: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
        for at, info in self.infos.items():
            stacks.setdefault((at.p, at.t, at.c), []).append((at.z, info.position_um[2]))
        fullest = max(stacks.values(), key=len)  # frames of others may be missing
        heights = sorted(fullest)
        if len(heights) < 2:
            return None
        (first, low), (last, high) = heights[0], heights[-1]
        step = abs(high - low) / (last - first) if last > first else 0.0
        return step or None

    def _lost_at(self) -> dict[int, str]:
        """Return why frames were lost at a time point, by the first gap that reaches over it."""
        lost: dict[int, str] = {}
        for first, last, reason in reversed(self._lost_times()):
            lost |= dict.fromkeys(range(first, last + 1), reason)
        return lost

    def _lost_times(self) -> list[tuple[int, int, str]]:
        """Return the time points between which frames were lost, and why, for each gap."""
        known = sorted((info.seq, info.index.t) for info in self.infos.values())
        seqs = [seq for seq, _ in known]
        found = []
        for gap in self.gaps:
            before, after = bisect_left(seqs, gap.seq_from) - 1, bisect_right(seqs, gap.seq_to)
            first = known[before][1] if before >= 0 else self.times[0][0]
            last = known[after][1] if after < len(known) else self.times[-1][0]
            found.append((first, last, gap.reason))
        return found


def films(reader: RunReader) -> list[Film]:
    """Return the films of a run: one for each camera and shape of frames, the largest first.

    Raises
    ------
    RunFileError
        If the run holds no frame.
    """
    kinds: dict[tuple[str, int, int], list[FrameInfo]] = {}
    for info in reader.infos:
        kinds.setdefault((info.camera, info.height, info.width), []).append(info)
    if not kinds:
        raise RunFileError(f"{reader.name} holds no frame that could be exported")
    cameras = {camera.label: camera for camera in reader.start.cameras}
    gaps = tuple(reader.gaps)
    made = [_film(cameras[label], infos, gaps) for (label, _, _), infos in kinds.items()]
    return sorted(made, key=lambda film: -len(film.infos))


def _film(camera: CameraInfo, infos: list[FrameInfo], gaps: tuple[Gap, ...]) -> Film:
    seen: dict[tuple[int, int, int, int], int] = {}
    repeats = []
    for info in infos:
        index = (info.index.p, info.index.t, info.index.c, info.index.z)
        repeats.append(seen.get(index, 0))
        seen[index] = repeats[-1] + 1
    taken = {(i.index.t, repeat) for i, repeat in zip(infos, repeats, strict=True)}
    known = {t for t, _ in taken}
    lost = {(t, 0) for t in range(min(known), max(known) + 1) if t not in known}
    times = tuple(sorted(taken | lost))
    positions = tuple(sorted({i.index.p for i in infos}))
    numbers = sorted({i.index.c for i in infos})
    n_planes = max(i.index.z for i in infos) + 1
    at_p = {position: n for n, position in enumerate(positions)}
    at_t = {time: n for n, time in enumerate(times)}
    at_c = {number: n for n, number in enumerate(numbers)}
    placed = {
        Place(at_p[i.index.p], at_t[i.index.t, repeat], at_c[i.index.c], i.index.z): i
        for i, repeat in zip(infos, repeats, strict=True)
    }
    first = infos[0]
    names = _names(numbers, infos)
    return Film(camera, first.height, first.width, positions, times, names, n_planes, placed, gaps)


def _names(numbers: list[int], infos: list[FrameInfo]) -> tuple[str, ...]:
    """Return a name for each channel number, no two alike."""
    name_of = {i.index.c: i.applied.channel for i in reversed(infos)}
    names: list[str] = []
    for number in numbers:
        name = name_of[number] or f"channel {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)
