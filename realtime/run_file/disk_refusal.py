"""A disk that takes no more: its own words, and how the file is left as it was before."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


def abandon(file: h5py.File) -> None:
    """Close a file that takes no more, as if this process had been killed before the failure.

    HDF5 would still write what it could, at last a superblock that promises more than there is:
    so its handle is turned to nowhere first.
    """
    with suppress(OSError, RuntimeError, ValueError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            os.dup2(nowhere, file.id.get_vfd_handle())
        finally:
            os.close(nowhere)
    with suppress(OSError, RuntimeError, ValueError):  # it was already reported
        file.close()


def reason(error: Exception) -> str:
    """Return the operating system's words, which HDF5 hides in the middle of a long line."""
    text = str(error)
    if "error message = '" in text:
        return text.split("error message = '")[1].split("'")[0].lower()
    return text.splitlines()[0] if text else type(error).__name__
