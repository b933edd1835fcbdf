"""Gives a file or a folder that is whole its name, as `acquire.in_place`, which nobody knows here.

On Windows, who looks at what was just written, such as a guard against viruses, forbids it for a
moment; a training of hours must not end by that.
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
    """Rename a draft to its name, in place of a file that is there.

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
