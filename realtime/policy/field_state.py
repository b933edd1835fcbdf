"""What a policy remembers of a field as bytes, so that another one can go on with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from realtime.policy.field_memory import FieldMemory

if TYPE_CHECKING:
    from acquire.settings import Settings


class _State(msgspec.Struct, frozen=True):
    kind: str
    field: FieldMemory


def pack_field(field: FieldMemory, kind: str) -> bytes:
    """Return a field's memory as bytes.

    Parameters
    ----------
    kind
        The policy, its version and how it was set: for no other is it of use.
    """
    return msgspec.msgpack.encode(_State(kind, field))


def unpack_field(state: bytes, kind: str, first: Settings) -> FieldMemory:
    """Return a field's memory.

    Raises
    ------
    ValueError
        If it is of another policy or of another plan than `first` is of, or no such thing.
    """
    try:
        found = msgspec.msgpack.decode(state, type=_State)
    except msgspec.MsgspecError as error:
        raise ValueError(f"it is not the state of a field: {error}") from error
    if found.kind != kind:
        raise ValueError(f"it was learnt by another policy ({found.kind})")
    channels = [entry.channel for entry in found.field.asked]
    if channels != [entry.channel for entry in first.channels]:
        raise ValueError(f"it is of other channels ({', '.join(channels)})")
    if not all(map(_is_told, _numbers(msgspec.to_builtins(found.field)))):
        raise ValueError("a number in it is none")
    return found.field


def _is_told(value: float) -> bool:
    return not math.isnan(value)


def _numbers(value: Any) -> list[float]:
    """Return every number in nested plain values."""
    if isinstance(value, dict):
        return [number for inner in value.values() for number in _numbers(inner)]
    if isinstance(value, list | tuple):
        return [number for inner in value for number in _numbers(inner)]
    return [float(value)] if isinstance(value, int | float) else []
