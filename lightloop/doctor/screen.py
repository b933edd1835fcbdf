"""Qt: is it a release that works, does a window open, does it paint."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import TYPE_CHECKING

from lightloop.cli.door import has_screen
from lightloop.doctor.finding import Finding, judged
from lightloop.doctor.probe import ProbeFailed, ask

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL = 'pip install -e ".[gui]"'

# Releases of PySide6 that crash or draw wrongly: release, where, why. Sources: qtpy issue 495,
# pyqtgraph issues 3328, 3357 and 3390; 6.12.0 drops references on Python 3.11 (measured: it aborts
# after some 700 frames).
KNOWN_BAD: tuple[tuple[str, Callable[[], bool], str], ...] = (
    ("6.12.", lambda: sys.version_info < (3, 12), "loses references and aborts on Python 3.11"),
    ("6.8.0", lambda: True, "qtpy cannot use it"),
    ("6.9.0", lambda: sys.platform == "win32", "crashes on Windows"),
    ("6.9.1", lambda: True, "breaks pyqtgraph"),
    ("6.9.2", lambda: sys.version_info >= (3, 12), "breaks pyqtgraph on Python 3.12 and 3.13"),
    ("6.10.0", lambda: True, "breaks pyqtgraph"),
)


def binding() -> Finding:
    """Look at the Qt binding that is installed."""
    version = _version("PySide6_Essentials") or _version("PySide6")
    if version is None or _version("pyqtgraph") is None:
        return Finding("warn", "qt", "not installed: no window", INSTALL)
    why = why_bad(version)
    if why:
        return Finding("fail", "qt", f"PySide6 {version} {why}", f"{INSTALL} brings a good one")
    others = [name for name in ("PyQt6", "PyQt5", "PySide2") if _version(name)]
    return judged(
        "qt",
        f"PySide6 {version}" + (f", and {', '.join(others)}" if others else ""),
        is_bad=bool(others),
        fix="two bindings do not mix: uninstall the other if the window misbehaves",
    )


def why_bad(version: str) -> str:
    """Say what is wrong with a release of PySide6 here; empty if nothing is known."""
    for release, applies, why in KNOWN_BAD:
        is_it = version.startswith(release) if release.endswith(".") else version == release
        if is_it and applies():
            return why
    return ""


def platform() -> Finding:
    """Start the part of Qt that talks to the screen."""
    if _version("pyqtgraph") is None:
        return Finding("warn", "window", "not looked at: no Qt", INSTALL)
    if not has_screen():
        return Finding("warn", "window", "there is no screen", "say --headless, or log in to one")
    try:
        return Finding("ok", "window", f"opens on {ask('platform')}")
    except ProbeFailed as error:
        return Finding("fail", "window", f"does not open: {error}", _libraries(str(error)))


def paint() -> Finding:
    """Paint one pixel where no screen is needed."""
    if _version("pyqtgraph") is None:
        return Finding("warn", "paint", "not looked at: no Qt", INSTALL)
    try:
        colour = ask("paint", {"QT_QPA_PLATFORM": "offscreen"})
    except ProbeFailed as error:
        return Finding("fail", "paint", f"fails: {error}", _libraries(str(error)))
    return judged(
        "paint", f"a red pixel is {colour}", is_bad=colour != "#ff0000", fix=INSTALL, verdict="fail"
    )


def probe_platform() -> str:
    """Return the name of Qt's platform after an application has started on it."""
    from gui._qt import QtWidgets

    return str(QtWidgets.QApplication([]).platformName())


def probe_paint() -> str:
    """Return the colour of a pixel that was painted red."""
    from gui._qt import Qt, QtGui, QtWidgets

    application = QtWidgets.QApplication([])
    image = QtGui.QImage(4, 4, QtGui.QImage.Format.Format_RGB32)
    painter = QtGui.QPainter(image)
    painter.fillRect(0, 0, 4, 4, Qt.GlobalColor.red)
    painter.end()
    application.quit()
    return str(image.pixelColor(1, 1).name())


def _libraries(said: str) -> str:
    if sys.platform == "linux" and (".so" in said or "platform plugin" in said):
        return "apt-get install libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1"
    return INSTALL


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
