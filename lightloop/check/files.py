"""Where a run or a picture would be written: refused before light if it cannot be."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from lightloop.config import ConfigError
from lightloop.file_names import doubt_of_name

if TYPE_CHECKING:
    from pathlib import Path

RUN_SUFFIXES = (".h5", ".hdf5")
SPARE_BYTES = 200 << 20  # room that a run leaves on the disk for everybody else


def check_output(path: Path, need_bytes: int) -> int:
    """Refuse a run file that cannot be written; return the free bytes on its disk.

    Raises
    ------
    ConfigError
        If the folder is missing or not writable, the file exists or would be taken for another
        kind by its name, or the disk is too full.
    """
    if path.suffix not in RUN_SUFFIXES:
        raise ConfigError(f"{path}: a run file is HDF5: let its name end with .h5")
    folder = _folder_of(path)
    if path.exists():
        raise ConfigError(f"{path}: exists already; a run file is never overwritten")
    _try_to_write(path, folder)
    return check_room(folder, need_bytes)


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be written; an older one may be written over.

    Raises
    ------
    ConfigError
        If the folder is missing or not writable, or the path is no file that may be written.
    """
    folder = _folder_of(path)
    if path.is_dir():
        raise ConfigError(
            f"{path}: cannot be written: it is a folder; name a file, such as run.png"
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigError(f"{path}: cannot be written: the file there may not be changed")
    _try_to_write(path, folder)


def check_room(folder: Path, need_bytes: int) -> int:
    """Refuse a run that its disk is too small for; return the free bytes.

    Raises
    ------
    ConfigError
        If there is too little room.
    """
    free = shutil.disk_usage(folder).free
    if need_bytes + SPARE_BYTES > free:
        raise ConfigError(
            f"the disk is too full: the run needs about {need_bytes / 1e9:.2f} GB and "
            f"{folder} has {free / 1e9:.2f} GB; free some, or write to another disk"
        )
    return free


def _folder_of(path: Path) -> Path:
    if doubt := doubt_of_name(path.absolute()):
        raise ConfigError(f"{path}: cannot be written: {doubt}; choose another name")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"{path}: cannot be written: there is no folder {folder}")
    return folder


def _try_to_write(path: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        is_closed = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        why = "it is not allowed" if is_closed else "it takes no new file"
        raise ConfigError(
            f"{path}: cannot be written to the folder {folder}: {why}; name another folder"
        ) from error
