"""The one door to Qt and pyqtgraph: every other file imports them from here.

The order matters: asked first, pyqtgraph ignores `QT_API` and takes whichever binding it finds, and
two bindings in one process do not mix.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from qtpy import QtCore, QtGui, QtWidgets

import pyqtgraph as pg
from pyqtgraph.Qt import internals

pg.setConfigOptions(imageAxisOrder="row-major", antialias=True)

Qt = QtCore.Qt
Signal = QtCore.Signal

__all__ = ["Qt", "QtCore", "QtGui", "QtWidgets", "Signal", "internals", "pg"]
