"""Pixels to bytes and back: Blosc2, zstd level 1, byte shuffle.

Camera noise leaves little to compress: on low-light images this codec comes within 2 % of the
order-0 entropy bound at 1.3 to 1.7 GB of pixels per second of CPU time (measured; proposed here
over bitshuffle-lz4, which stays 15 to 35 % larger). Bytes are packed outside HDF5, because h5py
holds its global lock inside a filter (h5py issue 1516), and go into the file as they are.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.wire import FrameMessage

RAW = 1  # the filter mask of a chunk that skips the (only) filter
PARALLEL_FROM_BYTES = 4 << 20  # below it, starting threads costs more than they save


def pack(pixels: NDArray[np.uint16], threads: int = 0) -> bytes:
    """Return the chunk that HDF5's Blosc2 filter would have made of an image.

    Parameters
    ----------
    pixels
        Camera counts, (Y, X) uint16.
    threads
        Threads for an image of 4 MiB and more; 0 means half of the machine's cores, at most 4.
    """
    import blosc2  # takes half a second: not for somebody who only wants to read a title

    if pixels.nbytes < PARALLEL_FROM_BYTES:
        threads = 1
    parameters = _parameters(threads or max(1, min(4, (os.cpu_count() or 1) // 2)))
    flat = np.ascontiguousarray(pixels).reshape(-1)
    chunk = blosc2.SChunk(chunksize=flat.nbytes, data=flat, cparams=parameters, contiguous=True)
    return bytes(chunk.to_cframe())


def unpack(packed: bytes, filter_mask: int, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Return the image in a chunk, (Y, X) uint16.

    Raises
    ------
    RunFileError
        If the bytes are not an image of that shape.
    """
    pixels = np.empty(shape, np.uint16)
    if filter_mask & RAW:
        if len(packed) != pixels.nbytes:
            raise RunFileError(f"a raw chunk has {pixels.nbytes} bytes, found {len(packed)}")
        return np.frombuffer(packed, np.uint16).reshape(shape)
    import blosc2

    try:
        chunk = blosc2.schunk_from_cframe(packed, copy=False)
        if chunk.nbytes != pixels.nbytes or chunk.nchunks != 1:
            raise RunFileError(f"a chunk holds {pixels.nbytes} bytes, found {chunk.nbytes}")
        chunk.decompress_chunk(0, pixels)
    except (RuntimeError, ValueError) as error:
        raise RunFileError(f"a chunk cannot be unpacked: {error}") from error
    return pixels


def on_chip(
    message: FrameMessage, pixels: NDArray[np.uint16], chip: tuple[int, int]
) -> NDArray[np.uint16]:
    """Return a frame in the corner of its camera's chip; the zeros around it take no space."""
    info = message.info
    if pixels.dtype != np.uint16 or pixels.shape != (info.height, info.width):
        raise RunFileError(
            f"frame {info.seq} must be {info.height} x {info.width} uint16, "
            f"got {pixels.shape} {pixels.dtype}"
        )
    if info.height > chip[0] or info.width > chip[1]:
        raise RunFileError(f"frame {info.seq} is larger than its camera: {pixels.shape}, {chip}")
    if pixels.shape == chip:
        return pixels
    whole = np.zeros(chip, np.uint16)
    whole[: info.height, : info.width] = pixels
    return whole


@functools.cache
def _parameters(threads: int) -> Any:
    import blosc2

    return blosc2.CParams(
        codec=blosc2.Codec.ZSTD,
        clevel=1,
        typesize=2,
        filters=[blosc2.Filter.SHUFFLE],
        nthreads=threads,
    )
