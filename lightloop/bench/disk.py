"""A bench that writes a lot asks first whether there is room: twice what it needs."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scratch(need_bytes: int) -> Iterator[Path]:
    """Give a folder for so many bytes, in the folder for temporary files, and clear it away.

    Raises
    ------
    ConfigError
        If its disk has less than twice as much free.
    """
    with tempfile.TemporaryDirectory(prefix="ll") as name:
        free = shutil.disk_usage(name).free
        if free < 2 * need_bytes:
            raise ConfigError(
                f"this bench writes {need_bytes / 1e9:.1f} GB, and wants twice as much free: "
                f"{name} has {free / 1e9:.1f} GB; set TMPDIR to a folder on a larger disk"
            )
        yield Path(name)
