"""All that a tracker knows, as plain bytes: a worker that starts again goes on with the same names.

Numbers, columns and lists only: nothing in such a file is ever run.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from realtime.tracker.cells import CELL

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 3
"""Of the layout; another one is refused."""
_PLAIN = (bool, int, float, str, type(None))
_NOT_KEPT = ("_config", "_tell", "_learnt", "_sizes", "events")
"""Attributes that a new tracker has by itself, or that are kept elsewhere."""
_LIMIT = 16
"""Deepest nesting that is followed."""


class Column(msgspec.Struct, frozen=True, tag="column", tag_field="type"):
    """An array: its type, shape and bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


class Saved(msgspec.Struct, frozen=True):
    """What is written."""

    version: int
    layout: str
    config: str
    state: dict[str, Any]


def pack(owner: object, config: str) -> bytes:
    """Return everything that `owner` and its parts have learnt."""
    return msgspec.msgpack.encode(Saved(VERSION, str(CELL), config, _of(owner, 0)))


def unpack(owner: object, data: bytes, config: str, lists: dict[str, Callable[..., Any]]) -> None:
    """Put back what was packed, in place.

    Parameters
    ----------
    lists
        What the lists of records hold, by the name of the list.

    Raises
    ------
    ValueError
        If the bytes are no such state, are of another version, or of other settings.
    """
    try:
        saved = msgspec.msgpack.decode(data, type=Saved)
    except msgspec.MsgspecError as err:
        raise ValueError(f"these {len(data)} bytes are no state of a tracker: {err}") from err
    if (saved.version, saved.layout) != (VERSION, str(CELL)):
        raise ValueError("this state is of another version of the tracker; follow the run anew")
    if saved.config != config:
        raise ValueError(
            f"this state is of a tracker that was set otherwise: {saved.config}, and not {config}"
        )
    try:
        _put(owner, saved.state, lists)
    except (KeyError, TypeError, AttributeError, ValueError, msgspec.MsgspecError) as err:
        raise ValueError(f"this state of a tracker is damaged: {err}") from err


def _of(owner: object, depth: int) -> dict[str, Any]:
    """Return the attributes of an object and of its parts."""
    if depth > _LIMIT:
        raise ValueError("the parts of a tracker are nested too deep to be kept")
    kept: dict[str, Any] = {}
    for name, value in vars(owner).items():
        if name in _NOT_KEPT:
            continue
        if isinstance(value, _PLAIN):
            kept[name] = value
        elif isinstance(value, np.ndarray):
            kept[name] = msgspec.to_builtins(_column(value), builtin_types=(bytes,))
        elif isinstance(value, list):
            kept[name] = [dataclasses.asdict(record) for record in value]
        else:
            kept[name] = _of(value, depth + 1)
    return kept


def _put(owner: object, state: dict[str, Any], lists: dict[str, Callable[..., Any]]) -> None:
    """Write attributes back."""
    for name, was in list(vars(owner).items()):
        if name in _NOT_KEPT:
            continue
        value = state[name]
        if isinstance(was, list):
            setattr(owner, name, [lists[name](**record) for record in value])
        elif isinstance(value, dict) and value.get("type") == "column":
            setattr(owner, name, _array(msgspec.convert(value, Column)))
        elif isinstance(value, _PLAIN) and isinstance(was, (*_PLAIN, np.ndarray)):
            setattr(owner, name, value)
        else:
            _put(was, value, lists)


def _column(values: np.ndarray[Any, Any]) -> Column:
    dtype = "cell" if values.dtype == CELL else values.dtype.str
    return Column(dtype, values.shape, np.ascontiguousarray(values).tobytes())


def _array(column: Column) -> np.ndarray[Any, Any]:
    dtype = CELL if column.dtype == "cell" else np.dtype(column.dtype)
    if dtype.hasobject:
        raise ValueError(f"a column of {column.dtype} is no column of numbers")
    return np.frombuffer(column.data, dtype).reshape(column.shape).copy()
