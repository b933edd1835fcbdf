"""Gives a file that is whole its name, also where Windows does not like it at that moment.

There a name cannot be taken while anybody has the old file or the new one open without leave to
delete it: a guard against viruses that looks at what was just written, an indexer, a backup. They
are done in a moment.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TRIES, FIRST_S = 8, 0.005
"""Twice as long from one try to the next: 0.6 s in all (proposed)."""


def put_in_place(draft: Path, path: Path, platform: str = sys.platform) -> None:
    """Rename a draft to its name, in place of a file that is there; all of it or nothing.

    Raises
    ------
    OSError
        If that cannot be; on Windows, if somebody has one of both open for longer than a moment.
    """
    for number in range(TRIES - 1 if platform == "win32" else 0):
        try:
            os.replace(draft, path)
            return
        except PermissionError:  # access denied, or a sharing violation
            time.sleep(FIRST_S * 2**number)
    os.replace(draft, path)
