"""The file of a sample's record: light by stage area, whole and checked, or not at all."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import xxhash

from acquire.dose.tiles import TILE, Tiles
from acquire.in_place import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"lightloop sample 1\n"


class Line(msgspec.Struct, frozen=True):
    """What makes doses of two runs comparable: the wavelength, and whether they have a unit."""

    wavelength_nm: float
    is_calibrated: bool


class PackedTile(msgspec.Struct, frozen=True):
    """A tile: its place, and its pixels as little-endian float64."""

    row: int
    column: int
    fluence: bytes


class PackedPlane(msgspec.Struct, frozen=True):
    """All tiles of one pitch."""

    pitch_um: float
    tiles: tuple[PackedTile, ...]


class PackedLight(msgspec.Struct, frozen=True):
    """All light of one line."""

    line: Line
    planes: tuple[PackedPlane, ...]


class Record(msgspec.Struct, frozen=True):
    """All light of a sample; the generation counts how often it was written."""

    sample: str
    generation: int
    lights: dict[str, PackedLight]


def pack(plane: Tiles) -> PackedPlane:
    """Return a plane as it is written."""
    return PackedPlane(
        plane.pitch_um,
        tuple(PackedTile(*key, tile.astype("<f8").tobytes()) for key, tile in plane.items()),
    )


def unpack(plane: PackedPlane) -> Tiles:
    """Return a plane as it was; a `ValueError` says that it holds what is no dose."""
    tiles = {
        (tile.row, tile.column): np.frombuffer(tile.fluence, "<f8").reshape(TILE, TILE)
        for tile in plane.tiles
    }
    if not (plane.pitch_um > 0 and all(np.isfinite(tile).all() for tile in tiles.values())):
        raise ValueError("it holds what is no dose")
    return Tiles(plane.pitch_um, tiles)


def encode(record: Record) -> bytes:
    """Return a record as bytes with their checksum."""
    body = zlib.compress(msgspec.msgpack.encode(record), 1)
    return _MAGIC + xxhash.xxh3_64_digest(body) + body


def decode(data: bytes) -> Record:
    """Return a record; a `ValueError` or an error of msgspec or zlib says that it is damaged."""
    digest, body = data[len(_MAGIC) : len(_MAGIC) + 8], data[len(_MAGIC) + 8 :]
    if not data.startswith(_MAGIC) or xxhash.xxh3_64_digest(body) != digest:
        raise ValueError("it is damaged, or of another version of lightloop")
    return msgspec.msgpack.decode(zlib.decompress(body), type=Record)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that, whatever happens, the old one or the new one is there whole."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(fresh, path)
