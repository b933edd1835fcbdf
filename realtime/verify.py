"""Replay as the regression test: the worker must decide what it decided then, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realtime.policy.decision import Decision
    from realtime.run_file import RunReader
    from realtime.wire import Result

MAX_FIELDS = 12  # more would not be read


class FieldChange(msgspec.Struct, frozen=True):
    """One number or word that is not what it was, such as "inputs.snr"."""

    field: str
    recorded: str
    replayed: str

    def __str__(self) -> str:
        return f"{self.field}: {self.recorded} -> {self.replayed}"


class Difference(msgspec.Struct, frozen=True):
    """Two decisions about one shot that are not the same.

    Attributes
    ----------
    shot, seq
        The shot, and its first frame (-1 if no result names it).
    decision
        What differs in the decision.
    observation
        What differs in what was seen; where the decision's difference comes from.
    note
        What else a person should know.
    """

    shot: int
    seq: int
    decision: tuple[FieldChange, ...]
    observation: tuple[FieldChange, ...]
    note: str = ""

    def __str__(self) -> str:
        lines = [f"shot {self.shot} (frame {self.seq}) is decided differently"]
        lines += [f"  decision  {change}" for change in self.decision]
        lines += [f"  seen      {change}" for change in self.observation]
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)


class Verifier:
    """Compares a worker's new decisions with the recorded ones.

    Attributes
    ----------
    n_same
        Decisions that were equal, byte for byte.
    differences
        The others, in the order in which they came.
    """

    def __init__(self, reader: RunReader) -> None:
        self.n_same = 0
        self.differences: list[Difference] = []
        self._reader = reader
        self._decisions: dict[int, Decision] = {}
        for decision in reader.decisions:
            self._decisions.setdefault(decision.id, decision)
        self._places: dict[int, int] = {}
        self._restarts: list[int] = []
        for place, result in enumerate(reader.results):
            self._places.setdefault(result.shot, place)
            if result.is_fresh and place > 0:
                self._restarts.append(result.shot)
        self._open = set(self._decisions)

    @property
    def first(self) -> Difference | None:
        """The first difference, where one begins to look for the cause."""
        return self.differences[0] if self.differences else None

    @property
    def missing(self) -> list[int]:
        """Shots that were decided in the recording, but not (yet) in the replay."""
        return sorted(self._open)

    def compare(self, result: Result, decision: Decision) -> Difference | None:
        """Compare one answer; None if it is the recorded one."""
        shot = decision.id
        recorded = self._decisions.get(shot)
        self._open.discard(shot)
        seq = min(result.seqs, default=-1)
        if recorded is None:
            difference = Difference(shot, seq, (), (), "the recording holds no decision on it")
        elif msgspec.msgpack.encode(recorded) == msgspec.msgpack.encode(decision):
            self.n_same += 1
            return None
        else:
            difference = Difference(
                shot, seq, changes(recorded, decision), self._seen(result), self._note(shot)
            )
        self.differences.append(difference)
        return difference

    def _seen(self, result: Result) -> tuple[FieldChange, ...]:
        place = self._places.get(result.shot)
        if place is None:
            return ()
        return changes(self._reader.results[place].observation, result.observation)

    def _note(self, shot: int) -> str:
        restarts = [at for at in self._restarts if at <= shot]
        if not restarts:
            return ""
        return (
            f"the recorded worker was started anew at shot {restarts[-1]}: its memory began there"
        )


def changes(recorded: Any, replayed: Any) -> tuple[FieldChange, ...]:
    """Return what differs between two structs, at most the first twelve fields.

    Equality is that of the encoded bytes, so NaN equals NaN and 0.0 differs from -0.0.
    """
    found = []
    for change in _walk("", msgspec.to_builtins(recorded), msgspec.to_builtins(replayed)):
        found.append(change)
        if len(found) == MAX_FIELDS:
            break
    return tuple(found)


def _walk(path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if msgspec.msgpack.encode(old) == msgspec.msgpack.encode(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        if set(old) == set(new) and list(old) != list(new):
            yield FieldChange(path or "order", ", ".join(old), ", ".join(new))
        for name in names:
            inner = f"{path}.{name}" if path else str(name)
            if name not in old or name not in new:
                yield FieldChange(inner, _text(old, name), _text(new, name))
            else:
                yield from _walk(inner, old[name], new[name])
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _walk(f"{path}[{place}]", before, after)
    else:
        yield FieldChange(path, repr(old), repr(new))


def _text(values: dict[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "(nothing)"
