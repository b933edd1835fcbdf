"""Pictures of the window, for the docs and for `lightloop demo --screenshot FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gui._qt import QtWidgets


def grab(window: QtWidgets.QWidget, path: Path) -> None:
    """Save what the window shows as a PNG; labels and borders of provenance are part of it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not window.grab().save(str(path), "PNG"):
        why = "it is a folder" if path.is_dir() else "is there room, and may you write there?"
        raise OSError(f"asked to save a picture at {path}, and Qt could not: {why}")
