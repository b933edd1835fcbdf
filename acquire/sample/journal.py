"""Light as it is given, written down before it shines: it survives the death of the process."""

from __future__ import annotations

import os
import struct
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.dose.footprint import Footprint
from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ENTRY = struct.Struct("<Hddd")  # number of the line, x and y um, dose
_LENGTH = struct.Struct("<I")
_MOST_HEADER = 64 << 20


class _Light(msgspec.Struct, frozen=True):
    name: str
    pitch_um: float
    rows: int
    columns: int
    weights: bytes


class _Header(msgspec.Struct, frozen=True):
    generation: int
    lights: tuple[_Light, ...]


class Journal:
    """Appends doses to a file; each is with the operating system when `note` returns.

    Parameters
    ----------
    generation
        Of the record that these doses come on top of; to another one they do not belong.
    footprints
        What an exposure of each line lights.
    """

    def __init__(self, path: Path, generation: int, footprints: Mapping[str, Footprint]) -> None:
        self._numbers = {light: number for number, light in enumerate(footprints)}
        lights = tuple(
            _Light(name, f.pitch_um, *f.shape, f.weights.astype("<f8").tobytes())
            for name, f in footprints.items()
        )
        header = msgspec.msgpack.encode(_Header(generation, lights))
        self._file = path.open("wb", buffering=0)
        self._bytes = 0  # of whole entries
        self._write(_LENGTH.pack(len(header)) + header)
        os.fsync(self._file.fileno())

    def note(self, light: str, x_um: float, y_um: float, dose: float) -> None:
        """Write a dose down; below 0 where less was given than was written before."""
        self._write(_ENTRY.pack(self._numbers[light], x_um, y_um, dose))

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        if self._file.write(data) != len(data):
            self._file.seek(self._bytes)
            self._file.truncate()  # or what is noted after it could not be read
            raise OSError(f"{self._file.name}: the disk took only a part of an entry")
        self._bytes += len(data)


def read_journal(
    path: Path, generation: int
) -> dict[str, tuple[Footprint, dict[tuple[float, float], float]]]:
    """Return what each line lights, and its dose by place; empty if it belongs to another record.

    An entry that was not finished is left out: its light had not been given yet.

    Raises
    ------
    SettingRefused
        If the file is damaged.
    """
    data = path.read_bytes() if path.exists() else b""
    if len(data) < _LENGTH.size:
        return {}
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    if length > _MOST_HEADER or start > len(data):
        return {}  # its header was not finished: no light followed
    try:
        header = msgspec.msgpack.decode(data[_LENGTH.size : start], type=_Header)
        footprints = {light.name: _footprint(light) for light in header.lights}
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingRefused(f"{path} is damaged ({error}); light of a run is lost") from error
    if header.generation != generation:
        return {}
    doses: list[defaultdict[tuple[float, float], float]] = [
        defaultdict(float) for _ in header.lights
    ]
    whole = (len(data) - start) // _ENTRY.size * _ENTRY.size
    for number, x_um, y_um, dose in _ENTRY.iter_unpack(data[start : start + whole]):
        if not (number < len(doses) and np.isfinite((x_um, y_um, dose)).all()):
            raise SettingRefused(f"{path} is damaged: it holds what is no dose")
        doses[number][x_um, y_um] += dose
    return {
        name: (footprint, {at: max(0.0, dose) for at, dose in found.items()})
        for (name, footprint), found in zip(footprints.items(), doses, strict=True)
    }


def _footprint(light: _Light) -> Footprint:
    weights = np.frombuffer(light.weights, "<f8").reshape(light.rows, light.columns)
    if not (light.pitch_um > 0 and np.isfinite(weights).all() and weights.max() > 0):
        raise ValueError("a footprint without light")
    return Footprint(light.pitch_um, weights)
