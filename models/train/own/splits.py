"""What trains and what is held out: whole fields, or a stretch of time; never crops of one image.

Crops of one image share its specimen, and often its very structures: a network that was taught one
half of an image and is asked for the other is not asked much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.train.own.examples import Example

HELD_OUT = 0.2
"""Share of fields or of time that never trains (proposed)."""
_FEW_FIELDS = 4
"""From this many fields on whole fields are held out."""
_FEWEST = 8
"""Examples that training and judging can begin with (proposed)."""


@dataclass(frozen=True, slots=True)
class Split:
    """Examples that train, examples that are held out, and how they were told apart."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    how: str


def split_examples(examples: Sequence[Example], seed: int) -> Split:
    """Hold out every fifth field; with few fields, the last fifth of each one's time.

    Between the two stretches of time, examples that share an image with the held-out part are left
    out.

    Raises
    ------
    ModelError
        If there are too few examples for both.
    """
    fields = sorted({example.field for example in examples})
    if len(fields) >= _FEW_FIELDS:
        count = max(round(HELD_OUT * len(fields)), 1)
        drawn = np.random.default_rng(seed).permutation(len(fields))[:count]
        chosen = {fields[k] for k in drawn}
        split = Split(
            tuple(e for e in examples if e.field not in chosen),
            tuple(e for e in examples if e.field in chosen),
            f"by field: {count} of {len(fields)} held out",
        )
    else:
        split = _by_time(examples)
    if len(split.train) < _FEWEST or not split.held_out:
        raise ModelError(
            f"training needs at least {_FEWEST} examples and some to hold out, found "
            f"{len(split.train)} and {len(split.held_out)}: record more frames or fields"
        )
    return split


def _by_time(examples: Sequence[Example]) -> Split:
    train: list[Example] = []
    held_out: list[Example] = []
    for field in sorted({example.field for example in examples}):
        here = sorted((e for e in examples if e.field == field), key=lambda e: e.t_s)
        first = int(np.floor((1.0 - HELD_OUT) * len(here)))
        held_out += here[first:]
    taken = {spot for e in held_out for spot in (*e.images, e.target)}
    late = set(map(id, held_out))
    train = [
        e for e in examples
        if id(e) not in late and not taken.intersection((*e.images, e.target))
    ]  # fmt: skip
    return Split(
        tuple(train), tuple(held_out), f"by time: the last {HELD_OUT:.0%} of each field held out"
    )
