"""Opens one part of a run, whatever state it is in, and never waits for ever.

See `realtime.run_file.quiet` for what HDF5 does with damage in a file that is being written.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import h5py

from realtime.errors import RunFileError
from realtime.run_file.quiet import END, FLAGS, SIGNATURE, QuietFile

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = (
    "another program has it open to write, or it lies on a network drive that knows no locks; if "
    "that is so, copy it to a disk of this computer, or set HDF5_USE_FILE_LOCKING=FALSE"
)
LOOKS, LOOK_S = 5, 0.05  # at a file that a recorder may be writing this very moment; proposed

DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError)
"""What h5py raises on damaged bytes; anything else is a fault of ours."""


class UnreadableRun(RunFileError):
    """HDF5 cannot open the file, whatever it was: perhaps its beginning is gone."""


def open_part(path: Path) -> h5py.File:
    """Open a file that is complete, being written, or left by a writer that died.

    The last two can only be opened in SWMR mode, where damage would be met by waiting for ever
    (`realtime.run_file.quiet`): so such a file is looked at quietly first.
    """
    with path.open("rb") as file:
        head = file.read(END.stop)
    if len(head) < END.stop or not head.startswith(SIGNATURE) or head[8] < 2:
        return h5py.File(path, "r")
    check_length(path, int.from_bytes(head[END], "little"))
    if not head[FLAGS]:
        return h5py.File(path, "r")
    for look in range(LOOKS):
        try:
            _look(path)
            break
        except DAMAGE:
            if look == LOOKS - 1:
                raise
            time.sleep(LOOK_S)
    return h5py.File(path, "r", swmr=True)


def _look(path: Path) -> None:
    """Touch all of HDF5's bookkeeping, which carries its own sums."""
    with QuietFile(path) as raw, h5py.File(raw, "r") as file:

        def touch(_: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.chunks is not None:
                item.id.get_num_chunks()

        file.visititems(touch)


def check_length(path: Path, expected: int) -> None:
    """Complain about a file that is shorter than it was."""
    if (found := path.stat().st_size) < expected:
        raise RunFileError(f"{path.name} was cut short: it had {expected} bytes, {found} are left")


def first_line(error: BaseException) -> str:
    """Return what HDF5 says of a file, without its trace."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "unable to lock file" in said:
        return LOCKED
    return "it does not begin as one" if "file signature not found" in said else said
