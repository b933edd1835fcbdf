"""Of what kinds the cells of a run were, for a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from realtime.observe import CONFIRMED_AGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from realtime.wire import Result


def summarize_kinds(results: Iterable[Result]) -> dict[str, int]:
    """Return how many confirmed cells were of each kind when they were last seen.

    Each counts for the kind that was its most probable one; empty without a classifier.
    """
    last: dict[tuple[int, int], str] = {}
    kinds: dict[str, None] = {}
    for result in results:
        tracks = result.tracks
        if not (tracks.kinds and tracks.classes):
            continue
        kinds |= dict.fromkeys(tracks.kinds)
        for name, age, shares in zip(tracks.ids, tracks.ages, tracks.classes, strict=True):
            if age >= CONFIRMED_AGE:
                last[result.position, name] = tracks.kinds[shares.index(max(shares))]
    count = Counter(last.values())
    return {kind: count[kind] for kind in kinds}
