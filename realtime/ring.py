"""Pixels in shared memory: a ring of slots, each stamped before and after its pixels.

The writer stamps `begin`, copies, then stamps `end` (a sequence lock). A reader uses the pixels
first and looks at the stamps afterwards: if both still show the generation that its message named,
what it read is whole. Nobody waits for a reader; who must not lose a slot pins it at the hub.

Order of memory: a message that names a slot is sent after the slot's last store, and through the
kernel, so whoever got it sees the whole image, on every processor. The stamps tell of a slot that
is overwritten while it is read. That needs stores to be seen in their order, which x86 promises
and ARM does not (NumPy offers no fence); there `StreamClient.check` always compares the checksum
too. A restored image has no checksum: it is only looked at, never decided on.
"""

from __future__ import annotations

import math
import mmap
import os
import platform
import sys
import uuid
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import FrameLapped, StreamError
from realtime.wire import RingInfo

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import DTypeLike, NDArray

# Processors that show stores of another core in their order; elsewhere stamps are not enough.
KEEPS_STORE_ORDER = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")
HEADER_BYTES = 64  # one cache line: begin, end, sequence number, and room
BEGIN, END, SEQ = 0, 1, 2


class Ring:
    """A ring of image slots in shared memory; one process writes, any number read.

    Parameters
    ----------
    memory
        The segment; use `create` or `attach`.
    owns
        Whether `close` also removes the segment's name.
    """

    def __init__(self, memory: SharedMemory, info: RingInfo, *, owns: bool) -> None:
        self.info = info
        self._memory = memory
        self._owns = owns
        stride = HEADER_BYTES + info.slot_bytes
        assert memory.buf is not None
        whole = np.frombuffer(memory.buf, np.uint8, count=stride * info.slots)
        slots = whole.reshape(info.slots, stride)
        self._stamps = slots[:, :HEADER_BYTES].view(np.uint64)  # (slots, 8)
        self._bytes = slots[:, HEADER_BYTES:]
        self._images: dict[int, NDArray[Any]] = {}  # of each slot; making one takes 10 us and more

    @classmethod
    def create(cls, name: str, slots: int, slot_bytes: int) -> Self:
        """Make a new ring of `slots` images of at most `slot_bytes` bytes.

        Its memory is taken now, not when a frame first needs it: the first frames of a run are
        then published as fast as the others, and memory that is not there is missed before there
        is light.

        Raises
        ------
        StreamError
            If the name is taken, or the memory cannot be had.
        """
        slot_bytes = -(-slot_bytes // HEADER_BYTES) * HEADER_BYTES  # keeps every slot aligned
        try:
            size = slots * (HEADER_BYTES + slot_bytes)
            memory = SharedMemory(name=name, create=True, size=size)
            _take(memory)
        except (OSError, ValueError) as error:
            raise StreamError(
                f"no shared memory for {slots} frames of {slot_bytes} bytes as {name!r}: {error}; "
                "a smaller ring_frames needs less"
            ) from error
        return cls(memory, RingInfo(name, slots, slot_bytes), owns=True)

    @classmethod
    def attach(cls, info: RingInfo, *, shares_tracker: bool) -> Self:
        """Open a ring that another process made.

        Parameters
        ----------
        shares_tracker
            Whether this process was started by the same `multiprocessing` parent as the ring's
            owner. Before Python 3.13 any other process that leaves would take the ring away from
            everybody (python/cpython issue 82300).

        Raises
        ------
        StreamError
            If the ring is gone.
        """
        try:
            memory = _attach(info.name, shares_tracker=shares_tracker)
        except FileNotFoundError as error:
            raise StreamError(f"the ring {info.name!r} is gone: has the run ended?") from error
        return cls(memory, info, owns=False)

    def write(self, seq: int, pixels: NDArray[Any]) -> tuple[int, int]:
        """Copy an image into the slot of a sequence number; return the slot and its generation.

        Raises
        ------
        StreamError
            If the image is larger than a slot.
        """
        slot, generation = seq % self.info.slots, seq // self.info.slots + 1
        if pixels.nbytes > self.info.slot_bytes:
            raise StreamError(
                f"a frame of {pixels.nbytes} bytes does not fit a slot of {self.info.slot_bytes}"
            )
        stamps = self._stamps[slot]
        stamps[BEGIN] = generation
        stamps[SEQ] = seq
        np.copyto(self._image(slot, pixels.shape, pixels.dtype, is_writeable=True), pixels)
        stamps[END] = generation
        return slot, generation

    def view(self, slot: int, shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
        """Return the image in a slot, (Y, X), read-only; look at `check` after using it."""
        return self._image(slot, shape, np.dtype(dtype), is_writeable=False)

    def _image(
        self, slot: int, shape: tuple[int, ...], dtype: np.dtype[Any], *, is_writeable: bool
    ) -> NDArray[Any]:
        """Return a slot as an image; the same array as the last time, if it fits."""
        image = self._images.get(slot)
        if (
            image is None
            or image.shape != shape
            or image.dtype != dtype
            or image.flags.writeable is not is_writeable
        ):
            count = dtype.itemsize * math.prod(shape)
            image = self._bytes[slot, :count].view(dtype).reshape(shape)
            image.flags.writeable = is_writeable
            self._images[slot] = image
        return image

    def check(self, slot: int, generation: int) -> None:
        """Say whether what was just read from a slot is whole.

        Raises
        ------
        FrameLapped
            If the slot was overwritten, or is being overwritten.
        """
        stamps = self._stamps[slot]
        if not stamps[END] == stamps[BEGIN] == generation:
            raise FrameLapped(
                f"slot {slot} holds generation {stamps[BEGIN]}, wanted {generation}: "
                "the reader was a whole ring behind"
            )

    def close(self) -> None:
        """Let go of the memory; the owner also removes it. May be called twice."""
        if hasattr(self, "_stamps"):
            del self._stamps, self._bytes, self._images
            try:
                self._memory.close()
            except BufferError:  # a view is still alive somewhere; the process's end frees the map
                self._memory.close = lambda: None  # type: ignore[method-assign]  # its __del__ tries again
            if self._owns:
                self._memory.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def new_name(kind: str) -> str:
    """Return a name that no other ring has; macOS takes at most 31 characters."""
    return f"ll_{uuid.uuid4().hex[:12]}_{kind}"


def remove(name: str) -> bool:
    """Remove a ring that its owner left behind; return whether there was one."""
    try:
        memory = SharedMemory(name=name)
    except FileNotFoundError:
        return False
    memory.close()
    memory.unlink()
    return True


def _take(memory: SharedMemory) -> None:
    """Touch every page once; a bare `SharedMemory` is a promise that a full system breaks late.

    Without the reservation, Linux would kill whoever touches a page that is not there (SIGBUS).
    """
    try:
        if sys.platform == "linux":
            os.posix_fallocate(memory._fd, 0, memory.size)  # type: ignore[attr-defined]  # noqa: SLF001 - its only handle
        assert memory.buf is not None
        np.frombuffer(memory.buf, np.uint8)[:: mmap.PAGESIZE] = 0
    except OSError:
        memory.close()
        memory.unlink()
        raise


def _attach(name: str, *, shares_tracker: bool) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name=name, track=False)
    memory = SharedMemory(name=name)
    if not shares_tracker and sys.platform != "win32":
        resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]  # noqa: SLF001 - the documented cure until 3.13
    return memory
