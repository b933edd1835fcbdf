"""Files that Micro-Manager can open on Windows: its core takes paths of ASCII letters alone.

It hands the UTF-8 bytes of a file's name to `std::ifstream`, and Windows reads them in the code
page of the country, so that nothing below a user Müller is found. Every file there has a short name
(8.3) without such letters, too, unless its disk was told to make none.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from pathlib import Path
from typing import Any

from acquire.errors import DeviceMissing

LONGEST = 32767  # characters of a path of Windows


def plain_path(path: Path, platform: str = sys.platform) -> Path:
    """Return a path to the same file or folder, which exists, that Micro-Manager can open.

    Raises
    ------
    DeviceMissing
        If there is none.
    """
    if platform != "win32" or str(path.absolute()).isascii():
        return path
    name = ctypes.create_unicode_buffer(LONGEST)
    ctypes.CDLL("kernel32").GetShortPathNameW(str(path.absolute()), name, LONGEST)
    if not (name.value and name.value.isascii()):
        raise DeviceMissing(
            f"Micro-Manager opens no file on Windows whose path has letters as in {path}: move it "
            "to a folder without them; for temporary files, set the variables TEMP and TMP to one"
        )
    return Path(name.value)


def load_file(core: Any, path: Path, platform: str = sys.platform) -> None:
    """Let a core load a configuration file that exists, wherever it is.

    Raises
    ------
    DeviceMissing
        If Micro-Manager cannot open such a path.
    RuntimeError
        If Micro-Manager cannot load what is in it.
    """
    # With Python devices, it is Python that reads the file, and any path will do.
    plain = path if hasattr(core, "loadPyDevice") else plain_path(path, platform)
    if plain == path:
        core.loadSystemConfiguration(str(path))
    else:  # past pymmcore-plus, which would make a long name of it again
        importlib.import_module("pymmcore").CMMCore.loadSystemConfiguration(core, str(plain))
