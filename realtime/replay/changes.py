"""What differs between two answers, field by field, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELDS = 12  # more would not be read


class FieldChange(msgspec.Struct, frozen=True):
    """One number or word that is not what it was, such as "inputs.snr"."""

    field: str
    recorded: str
    replayed: str

    def __str__(self) -> str:
        return f"{self.field}: {self.recorded} -> {self.replayed}"


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
