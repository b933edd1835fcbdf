"""A sparse plane of float64 pixels: tiles exist only where light has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

TILE = 32
"""Side of a tile, pixels: 8 KB each, and some nine of them for a lit area."""


class Tiles:
    """Fluence on an endless grid; pixel (r, c) covers `pitch_um` from (r, c) * `pitch_um` on.

    Parameters
    ----------
    tiles
        Fluence of each tile, (32, 32) float64, by its row and column.
    """

    def __init__(
        self, pitch_um: float, tiles: Mapping[tuple[int, int], NDArray[np.float64]] | None = None
    ) -> None:
        self.pitch_um = pitch_um
        self._tiles = {key: np.array(tile, np.float64) for key, tile in (tiles or {}).items()}

    def __len__(self) -> int:
        return len(self._tiles)

    def items(self) -> list[tuple[tuple[int, int], NDArray[np.float64]]]:
        """Return row, column and fluence of every tile, in order."""
        return sorted(self._tiles.items(), key=lambda item: item[0])

    def add(self, row: int, column: int, fluence: NDArray[np.float64]) -> None:
        """Add a patch, (Y, X); its first pixel comes to lie on (row, column)."""
        for key, in_tile, in_patch in _cuts(row, column, fluence.shape):
            tile = self._tiles.get(key)
            if tile is None:
                tile = self._tiles[key] = np.zeros((TILE, TILE))
            tile[in_tile] += fluence[in_patch]

    def patch(self, row: int, column: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return a copy of a part, (Y, X)."""
        out = np.zeros(shape)
        for key, in_tile, in_patch in _cuts(row, column, shape):
            tile = self._tiles.get(key)
            if tile is not None:
                out[in_patch] = tile[in_tile]
        return out

    def at(self, x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fluence at points, (n,); 0 where no light has been."""
        out = np.zeros(len(x_um))
        rows = np.floor(np.asarray(y_um) / self.pitch_um).astype(np.int64)
        columns = np.floor(np.asarray(x_um) / self.pitch_um).astype(np.int64)
        names = (rows // TILE << 32) + columns // TILE
        for first in np.unique(names, return_index=True)[1].tolist():
            tile = self._tiles.get((int(rows[first] // TILE), int(columns[first] // TILE)))
            if tile is not None:
                here = names == names[first]
                out[here] = tile[rows[here] % TILE, columns[here] % TILE]
        return out

    def coarsen(self) -> None:
        """Double the pitch; each pixel becomes the strongest of its four: never too little."""
        coarse: dict[tuple[int, int], NDArray[np.float64]] = {}
        half = TILE // 2
        for (row, column), tile in self._tiles.items():
            strongest = tile.reshape(half, 2, half, 2).max(axis=(1, 3))
            target = coarse.setdefault((row // 2, column // 2), np.zeros((TILE, TILE)))
            y, x = (row % 2) * half, (column % 2) * half
            target[y : y + half, x : x + half] = strongest
        self._tiles, self.pitch_um = coarse, 2.0 * self.pitch_um

    def clear(self) -> None:
        """Forget all light."""
        self._tiles.clear()


def _cuts(
    row: int, column: int, shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, int], tuple[slice, slice], tuple[slice, slice]]]:
    """Yield each tile that a patch touches, and the common part in the tile and in the patch."""
    across = list(_cut(column, shape[1]))
    for tile_row, in_tile_y, in_patch_y in _cut(row, shape[0]):
        for tile_column, in_tile_x, in_patch_x in across:
            yield (tile_row, tile_column), (in_tile_y, in_tile_x), (in_patch_y, in_patch_x)


def _cut(start: int, length: int) -> Iterator[tuple[int, slice, slice]]:
    for tile in range(start // TILE, (start + length - 1) // TILE + 1):
        origin = tile * TILE
        first, last = max(start, origin), min(start + length, origin + TILE)
        yield tile, slice(first - origin, last - origin), slice(first - start, last - start)
