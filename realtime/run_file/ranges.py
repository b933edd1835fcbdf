"""Faults that follow each other, said once: "frames 12 to 40 are damaged"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from realtime.run_file.examine import Fault

_NUMBERED = re.compile(r"(frame|document|the restored image of shot) (\d+)(.*)", re.DOTALL)
_PLACE = re.compile(r" \(\d+ bytes from byte (\d+)\)$")
_PLURAL = {
    "frame": "frames",
    "document": "documents",
    "the restored image of shot": "the restored images of shots",
}


class _One(NamedTuple):
    """A fault of one frame: what is alike in its neighbours', its number, and where it lies."""

    file: str
    kind: str
    rest: str
    number: int
    byte: str


def in_ranges(faults: Iterable[Fault]) -> list[str]:
    """Return faults as sentences, one for each range of numbers that have the same fault."""
    said: list[str] = []
    held: list[_One] = []
    for fault in faults:
        one = _parse(fault)
        if one is not None and held and _follows(held[-1], one):
            held.append(one)
            continue
        said += _sentence(held)
        held = [one] if one is not None else []
        if one is None:
            said.append(str(fault))
    return said + _sentence(held)


def _parse(fault: Fault) -> _One | None:
    match = _NUMBERED.fullmatch(fault.what)
    if match is None:
        return None
    place = _PLACE.search(match[3])
    rest = match[3][: place.start()] if place else match[3]
    return _One(fault.file, match[1], rest, int(match[2]), place[1] if place else "")


def _follows(before: _One, one: _One) -> bool:
    return before[:3] == one[:3] and one.number == before.number + 1


def _sentence(held: list[_One]) -> list[str]:
    if not held:
        return []
    first, last = held[0], held[-1]
    where = f" (from byte {first.byte})" if first.byte else ""
    if first is last:
        return [f"{first.file}: {first.kind} {first.number}{first.rest}{where}"]
    rest = re.sub(r"\bis\b", "are", first.rest, count=1).replace("its ", "their ")
    numbers = f"{_PLURAL[first.kind]} {first.number} to {last.number}"
    return [f"{first.file}: {numbers}{rest}{where}"]
