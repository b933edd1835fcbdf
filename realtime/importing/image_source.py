"""A recording of another program, plane by plane: its axes are known, its pixels whole numbers."""

from __future__ import annotations

import math
import struct
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError
from realtime.importing.float_pixels import MOST_ADU, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from numpy.typing import NDArray

AXES = "TPCZYX"
UNREADABLE = (
    OSError, ValueError, RuntimeError, LookupError, TypeError, ArithmeticError, AssertionError,
    EOFError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What the libraries raise where a foreign file is cut short, damaged, or of an odd make."""


class ImageSource:
    """A recording of one channel, (T, P, Z) planes of (Y, X).

    Attributes
    ----------
    name, axes, dtype
        What the source calls itself and its axes, and what its pixels are.
    shape
        (Y, X) of a plane.
    counts
        Time points, positions, planes.
    shift_adu
        What `plane` adds to every pixel, so that none is negative.
    scale
        What `plane` multiplies float pixels by before it rounds them: 1 where all are whole
        numbers of 16 bits, else the power of two that leaves the least of them to rounding.
    full_scale_adu
        Largest value that the source's type can hold, after the shift, ADU.
    """

    def __init__(
        self, name: str, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], channel: int,
        read: Callable[[tuple[int, ...]], NDArray[Any]], *, takes_floats: bool = False,
    ) -> None:  # fmt: skip
        _check_axes(name, axes, shape)
        self.is_float = takes_floats and dtype.kind == "f"
        if not self.is_float:
            _check_dtype(name, dtype)
        sizes = dict(zip(axes, shape, strict=True))
        if not 0 <= channel < sizes.get("C", 1):
            raise RunFileError(
                f"{name} has {sizes.get('C', 1)} channel(s), numbered from 0; got {channel}"
            )
        self.name = name
        self.axes = axes
        self.dtype = dtype
        self.shape = (sizes["Y"], sizes["X"])
        self.counts = (sizes.get("T", 1), sizes.get("P", 1), sizes.get("Z", 1))
        self.n_frames = math.prod(self.counts)
        self.channel_name = f"channel {channel}"
        self.shift_adu = 0
        self._channel = channel
        self._read = read
        self._close = ExitStack()
        if min(*self.counts, *self.shape) < 1:
            raise RunFileError(f"{name} holds no image: its shape is {shape}")
        if dtype.kind == "i":
            self.shift_adu = max(0, -min(int(self._plane(*at).min()) for at in self._all()))
        self.scale = 1.0
        if self.is_float:
            self.scale = scale_of(self.name, ((at, self._plane(*at)) for at in self._all()))
        most = MOST_ADU if self.is_float else np.iinfo(dtype).max
        self.full_scale_adu = float(most + self.shift_adu)

    def plane(self, t: int, p: int, z: int) -> NDArray[np.uint16]:
        """Return one plane, (Y, X) uint16, ADU."""
        raw = self._plane(t, p, z)
        if self.is_float:
            raw = np.rint(raw.astype(np.float64) * self.scale)
        if self.shift_adu:
            raw = raw.astype(np.int32) + self.shift_adu
        return np.ascontiguousarray(raw, dtype=np.uint16)

    def closes(self, stack: ExitStack) -> Self:
        """Take over what `close` closes."""
        self._close = stack
        return self

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all(self) -> list[tuple[int, int, int]]:
        return [(int(t), int(p), int(z)) for t, p, z in np.ndindex(*self.counts)]

    def _plane(self, t: int, p: int, z: int) -> NDArray[Any]:
        where = {"T": t, "P": p, "C": self._channel, "Z": z}
        leading = tuple(where[axis] for axis in self.axes if axis in where)
        try:
            return self._read(leading)
        except UNREADABLE as error:
            raise RunFileError(f"{self.name}: image {leading} cannot be read: {error}") from error


def _check_axes(name: str, axes: str, shape: tuple[int, ...]) -> None:
    if not axes or set(axes[:-2]) == {"Q"}:  # tifffile: the file does not say
        raise RunFileError(
            f"{name} has {len(shape)} axes {shape}, and does not say which: say it by --axes, "
            "such as TCYX or TZYX"
        )
    unknown = [axis for axis in axes if axis not in AXES]
    if unknown or len(set(axes)) != len(axes):
        raise RunFileError(
            f"{name}: axes must be different letters of {', '.join(AXES)}, got {axes!r}"
            + (" (colour images have no single channel: split them first)" if "S" in axes else "")
        )
    if len(axes) != len(shape):
        raise RunFileError(
            f"{name}: {axes!r} names {len(axes)} axes, but the images have {len(shape)}: {shape}"
        )
    if not axes.endswith("YX"):
        raise RunFileError(f"{name}: the last two axes must be Y and X, got {axes!r}")


def _check_dtype(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "iu" or dtype.itemsize > 2:
        raise RunFileError(
            f"{name}: pixels must be whole numbers of 8 or 16 bits, got {dtype}; a run holds "
            "camera counts, so please export the raw images"
        )
