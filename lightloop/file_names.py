"""Names that Windows takes for something else: a device, or a second stream of another file.

"NUL.h5" swallows what is written to it, and "run 12:30.h5" is a hidden stream of a file "run 12",
which every copy loses: no error says so, and the run is gone.

References
----------
Microsoft, "Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

import re
import sys
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
LONGEST = 259  # characters of a path, unless the computer was told to take longer ones
ROOM = 12  # for what is written beside a run: parts, drafts (proposed)


def doubt_of_name(path: PurePath, platform: str = sys.platform) -> str:
    """Return what is wrong with the name of a file to be written; empty if nothing.

    Parameters
    ----------
    path
        The file, absolute.
    """
    if platform != "win32":
        return ""
    parts = [part for part in PureWindowsPath(path).parts[1:] if part != ".."]
    if any(found := [_FORBIDDEN.search(part) for part in parts]):
        letter = next(one[0] for one in found if one)
        return f"a name on Windows has no {letter!r}"
    if any(_DEVICE.match(part) for part in parts):
        return "this name is a device's on Windows, which would swallow it"
    if any(part != part.rstrip(". ") for part in parts):
        return "a name on Windows ends with no dot and no space"
    if len(str(path)) > LONGEST - ROOM:
        return f"the path has {len(str(path))} characters, and Windows takes {LONGEST - ROOM}"
    return ""
