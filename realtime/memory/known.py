"""What a worker knows of a field after a shot: with it, another worker goes on where one has died.

Its tracker, the light of its cells, what its policy had learnt of them and how sharp they usually
are, as plain bytes; not what it thought of a network's images: that is found out anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec
import xxhash

from realtime.wire.seen import Tracks

if TYPE_CHECKING:
    from acquire.frame import FrameInfo

MAGIC = b"LLKN0001"
MOST_BYTES = 8 << 20
"""Of one field: some 25,000 cells (proposed)."""
MOST_LEARNT = 64 << 10
"""Of what a policy has learnt of one field; `snr` needs 1 KB (proposed)."""
_HEAD = len(MAGIC) + 8


class CellsLight(msgspec.Struct, frozen=True):
    """Light that each cell of a field has taken, by line, in the order of `ids`."""

    ids: tuple[int, ...] = ()
    taken: dict[str, tuple[float, ...]] = {}


class Known(msgspec.Struct, frozen=True):
    """What is known of one field after one shot.

    Attributes
    ----------
    session
        The run that it belongs to.
    shot, t, stride
        The field's last shot, its time point, and time points from one shot to the next (0: not
        known yet).
    seq
        Last frame of that shot.
    stood_um
        Where the stage stood, um.
    shape
        Rows and columns of the image.
    tracker
        `Tracker.state`.
    dose, shot_dose
        Light of the field in this run, and in its last shot, by line.
    cells
        Light of its cells; None where nobody adds it up.
    learnt
        What the policy and the focus gate have learnt of the field (`Lasting.state`), by name.
    is_deep, lay
        Whether its cells are followed in three dimensions (None: not known yet), and where they lay
        in the last shot, if so: the next one may say nothing of heights.
    """

    session: str
    position: int
    shot: int
    t: int
    stride: int
    seq: int
    stood_um: tuple[float, float]
    shape: tuple[int, ...]
    tracker: bytes
    dose: dict[str, float] = {}
    shot_dose: dict[str, float] = {}
    cells: CellsLight | None = None
    learnt: dict[str, bytes] = {}
    is_deep: bool | None = None
    lay: Tracks | None = None

    def missed(self, info: FrameInfo) -> int:
        """Return how many shots of the field nobody can have told of, at most, before a frame.

        By the time points, and not more than the frames between have room for.
        """
        by_time = round((info.index.t - self.t) / max(self.stride, 1)) - 1
        by_frames = (info.seq - info.shot_frame - self.seq - 1) // info.shot.n_frames
        return max(min(by_time, by_frames), 0)


class Past(Protocol):
    """Gives back what a worker before this one knew."""

    session: str

    def recall(self, position: int, shot: int) -> tuple[Known | None, int]:
        """Return what was known of a field before a shot, and the first name that nobody bears."""
        ...

    def refuse(self, position: int, why: str) -> None:
        """Take note that what was given back cannot be used."""
        ...

    def refuse_part(self, position: int, part: str, why: str) -> None:
        """Take note that what one part had learnt cannot be kept, or used; all else can."""
        ...


@runtime_checkable
class LastingTracker(Protocol):
    """A tracker that can be saved."""

    @property
    def next_name(self) -> int:
        """The name that the next new cell gets."""
        ...

    def state(self) -> bytes:
        """Return all that it knows."""
        ...

    def resume(self, state: bytes, /) -> None:
        """Go on from a state; raise `ValueError` if it cannot be used."""
        ...

    def name_from(self, first: int, /) -> None:
        """Give new cells no name below this one."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """A policy, or a judge of images, that can be saved; others begin anew with their worker."""

    def state(self, position: int) -> bytes:
        """Return all that it has learnt of a field; nothing if there is nothing to keep."""
        ...

    def resume(self, position: int, state: bytes, /) -> None:
        """Go on with a field from a state; raise `ValueError` if it cannot be used."""
        ...


def pack(known: Known) -> bytes:
    """Return what is known as bytes with a checksum.

    Raises
    ------
    ValueError
        If it is more than `MOST_BYTES`.
    """
    body = msgspec.msgpack.encode(known)
    if len(body) > MOST_BYTES:
        raise ValueError(
            f"what is known of field {known.position} takes {len(body)} bytes; "
            f"at most {MOST_BYTES} are kept"
        )
    return MAGIC + xxhash.xxh3_64_digest(body) + body


def unpack(data: bytes) -> Known:
    """Return what was packed.

    Raises
    ------
    ValueError
        If a byte of it has changed, or it is something else.
    """
    body = data[_HEAD:]
    if not data.startswith(MAGIC) or xxhash.xxh3_64_digest(body) != data[len(MAGIC) : _HEAD]:
        raise ValueError("it is damaged")
    try:
        return msgspec.msgpack.decode(body, type=Known)
    except msgspec.MsgspecError as error:
        raise ValueError(f"it is of another version: {error}") from error
