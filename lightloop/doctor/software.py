"""Python itself, and whether our import names are ours."""

from __future__ import annotations

import platform
import sys

from lightloop.__main__ import foreign_names
from lightloop.doctor.finding import Finding, judged

FLOOR = (3, 11)


def python() -> Finding:
    """Look at the interpreter."""
    return judged(
        "python",
        f"{platform.python_version()} at {sys.prefix}",
        is_bad=sys.version_info < FLOOR,
        fix="install Python 3.11 or newer",
        verdict="fail",
    )


def names() -> Finding:
    """Look for other distributions that provide one of our import names."""
    foreign = foreign_names()
    text = "; ".join(f"{part} also in {', '.join(who)}" for part, who in foreign.items())
    return judged(
        "names",
        text or "no other package is called as our parts are",
        is_bad=bool(foreign),
        fix="uninstall them, or give lightloop a virtual environment of its own",
        verdict="fail",
    )
