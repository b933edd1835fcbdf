"""Images of a truth as bytes: Blosc2, as in a run file."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.truth.layout import KEPT_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rounded(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image whose fractions have `KEPT_BITS` bits: it packs to half the size."""
    drop = 23 - KEPT_BITS
    bits = np.ascontiguousarray(image, np.float32).view(np.uint32) + np.uint32(1 << (drop - 1))
    bits &= np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    return bits.view(np.float32)


def pack(image: NDArray[Any]) -> bytes:
    """Return the chunk that HDF5's Blosc2 filter would have made, outside of HDF5's lock."""
    import blosc2  # takes half a second

    flat = np.ascontiguousarray(image).reshape(-1)
    chunk = blosc2.SChunk(chunksize=flat.nbytes, data=flat, cparams=_parameters(), contiguous=True)
    return bytes(chunk.to_cframe())


@functools.cache
def _parameters() -> Any:
    import blosc2

    return blosc2.CParams(
        codec=blosc2.Codec.ZSTD, clevel=1, typesize=4, filters=[blosc2.Filter.SHUFFLE], nthreads=1
    )
