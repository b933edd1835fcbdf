"""Counts how often the watch tells a fault within ten frames, and how often it cries wolf."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lightloop.bench import trust_frames as show
from models.train import trust_films as known
from realtime.trust import ABOVE_RANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lightloop.bench.trust_cover import Row
    from models.train.trust_films import Denoisers, Known
    from realtime.trust import TrustWatch


class Fault(NamedTuple):
    """What is done to the frames, the flags that tell it, and the scenes that it is shown in."""

    frames: Callable[[np.random.Generator, Known, Denoisers], Iterator[show.Shown]]
    flags: frozenset[str]
    suits: Callable[[Known], bool]


class Counted(NamedTuple):
    """How many scenes (or frames) were shown, how many were flagged, and by which flags.

    `of_scenes` are the flagged frames of each scene, where frames are counted: those of one scene
    stand and fall together.
    """

    name: str
    shown: int
    found: int
    flags: dict[str, int]
    of_scenes: tuple[int, ...] = ()


def _any(_: Known) -> bool:
    return True


def _is_dim(scene: Known) -> bool:
    return float(np.quantile(scene.truth_e, 0.2)) <= show.DIM_E


def _has_room(scene: Known) -> bool:
    return float(np.mean(scene.truth_e[16:-16, 16:-16] <= show.SPOT_LIGHT_E)) > 0.01


NOISE = frozenset({"noise", "biased", "copied-noise", "below-offset"})
FAULTS: dict[str, Fault] = {
    "gain": Fault(show.wrong_gain, NOISE, _any),
    "offset": Fault(show.wrong_offset, NOISE, _is_dim),
    "planted": Fault(show.planted, frozenset({"invented"}), _has_room),
    "erased": Fault(show.erased, frozenset({"erased"}), _has_room),
    "saturated": Fault(show.saturated, frozenset({"saturated"}), _any),
    "frozen": Fault(show.frozen, frozenset({"frozen"}), _any),
    "unseen": Fault(show.unseen, frozenset({"unseen-structure"}), _any),
}


def count(
    name: str,
    seed: Sequence[int],
    denoise: Denoisers,
    watches: Callable[[int], TrustWatch],
    scenes: int,
) -> Counted:
    """Show a fault in so many scenes, each to a watch that has seen nothing."""
    fault, found, flags = FAULTS[name], 0, dict[str, int]()
    rng = np.random.default_rng(list(seed))
    for _ in range(scenes):
        scene = known.draw(rng)
        while not fault.suits(scene):
            scene = known.draw(rng)
        watch, told = watches(scene.camera), set[str]()
        denoise.forget()
        shown = fault.frames(rng, scene, denoise)
        for number, (adu, answer) in enumerate(islice(shown, show.FRAMES)):
            told |= set(watch(show.info(number, adu.shape), adu, answer).flags)
            if told & fault.flags:
                break
        found += bool(told & fault.flags)
        for flag in told:
            flags[flag] = flags.get(flag, 0) + 1
    return Counted(name, scenes, found, flags)


def count_good(
    seed: Sequence[int],
    denoise: Denoisers,
    watches: Callable[[int], TrustWatch],
    scenes: int,
    most_e: float,
) -> Counted:
    """Show good frames, and count those that are flagged all the same.

    Scenes are no brighter than the package says that it is for, `most_e`: there it is right to say
    "too-bright".
    """
    rng = np.random.default_rng(list(seed))
    of_scenes, flags = list[int](), dict[str, int]()
    for _ in range(scenes):
        scene = known.draw(rng)
        while float(np.mean(scene.truth_e > most_e)) > ABOVE_RANGE:
            scene = known.draw(rng)
        watch = watches(scene.camera)
        denoise.forget()
        shown, found = islice(show.good(rng, scene, denoise), show.FRAMES), 0
        for number, (adu, answer) in enumerate(shown):
            told = watch(show.info(number, adu.shape), adu, answer).flags
            found += bool(told)
            for flag in told:
                flags[flag] = flags.get(flag, 0) + 1
        of_scenes.append(found)
    return Counted("good", scenes * show.FRAMES, sum(of_scenes), flags, tuple(of_scenes))


def added(parts: list[Counted]) -> list[Counted]:
    """Return pieces of one count as one, in the order in which they first come."""
    whole: dict[str, Counted] = {}
    for part in parts:
        before = whole.get(part.name, Counted(part.name, 0, 0, {}))
        flags = {
            flag: before.flags.get(flag, 0) + part.flags.get(flag, 0)
            for flag in before.flags | part.flags
        }
        shown, found = before.shown + part.shown, before.found + part.found
        of_scenes = before.of_scenes + part.of_scenes
        whole[part.name] = Counted(part.name, shown, found, flags, of_scenes)
    return list(whole.values())


def rate_interval(flagged: int, scenes: int) -> tuple[float, float]:
    """Return the 95 % interval of the share of scenes in which a flag is raised.

    References
    ----------
    Clopper & Pearson, Biometrika 26 (1934) 404, by quantiles of the beta distribution.
    """
    from scipy.stats import beta  # here: slow to import

    low = float(beta.ppf(0.025, flagged, scenes - flagged + 1)) if flagged else 0.0
    high = float(beta.ppf(0.975, flagged + 1, scenes - flagged)) if flagged < scenes else 1.0
    return low, high


def table_of(rows: dict[str, list[Row]], counted: list[Counted]) -> str:
    """Write what was measured as a text table; `rows` by open and closed loop."""
    lines = []
    for loop, of_loop in rows.items():
        lines += [f"80 % interval of the error, {loop} loop:"]
        lines += ["region      e- a pixel      frames  holds  width"]
        for region, octave, frames, inside, width in of_loop:
            light = f"{2.0**octave:g}-{2.0 ** (octave + 1):g}"
            lines.append(f"{region:11} {light:15} {frames:6d}  {inside:5.3f}  {width:5.2f}")
        lines.append("")
    lines.append("fault          scenes   told  flags")
    for each in counted:
        flags = ", ".join(f"{flag} {n}" for flag, n in sorted(each.flags.items()))
        lines.append(f"{each.name:12} {each.shown:8d} {each.found:6d}  {flags}")
        if each.of_scenes:
            scenes, flagged = len(each.of_scenes), sum(n > 0 for n in each.of_scenes)
            low, high = (1e3 * end for end in rate_interval(flagged, scenes))
            lines.append(
                f"             {flagged} of {scenes} good scenes flagged at all: {low:.1f} to "
                f"{high:.1f} of 1,000 (95 %)"
            )
    return "\n".join(lines)
