"""The keys, and the sheet that F1 shows over the window."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import Qt, QtGui, QtWidgets
from gui.style import font

if TYPE_CHECKING:
    from collections.abc import Callable

    from gui.theme import Theme

SHEET = (
    ("Esc", "STOP LIGHT, always"),
    ("Ctrl+H", "hold the feedback, or let it decide again"),
    ("Ctrl+P", "pause the run in the dark, or let it go on"),
    ("Ctrl+R", "end the run after this shot"),
    ("1 2 3 4", "side by side, swipe, raw, denoised"),
    ("5 6", "all three, for looking alone (where a run has such images)"),
    ("L", "the next image for looking"),
    ("A", "fit the contrast once"),
    ("Shift+A", "fit it all the time"),
    ("S  T  I", "saturation, tracks, IDs"),
    ("wheel, drag", "zoom at the cursor, move"),
    ("double-click, F", "whole image"),
    ("F2", "right panel on and off"),
    ("F3", "red light for dark rooms, and back"),
    ("F1", "this sheet"),
)


def bind(window: QtWidgets.QWidget, key: str, action: Callable[[], object]) -> None:
    """Let a key do something in a window."""
    shortcut = QtGui.QShortcut(QtGui.QKeySequence(key), window)
    shortcut.setAutoRepeat(False)
    shortcut.activated.connect(lambda: action())


class KeySheet(QtWidgets.QFrame):
    """Lies over the window and blocks nothing; a click or F1 takes it away."""

    def __init__(self, theme: Theme, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setStyleSheet(
            f"KeySheet {{ background: {theme.raised}; border: 1px solid {theme.faint};"
            " border-radius: 8px; }"
        )
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(24, 18, 24, 20)
        grid.setHorizontalSpacing(22)
        title = QtWidgets.QLabel("Keys")
        title.setFont(font(15, bold=True))
        grid.addWidget(title, 0, 0, 1, 2)
        for i, (key, text) in enumerate(SHEET, 1):
            name = QtWidgets.QLabel(key)
            name.setFont(font(12, bold=True))
            grid.addWidget(name, i, 0, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(QtWidgets.QLabel(text), i, 1)
        self.hide()

    def toggle(self) -> None:
        """Show in the middle of the window, or hide."""
        self.setVisible(not self.isVisible())
        if self.isVisible():
            self.adjustSize()
            middle = self.parentWidget().rect().center() - self.rect().center()
            self.move(middle)
            self.raise_()

    def mousePressEvent(self, _event: QtGui.QMouseEvent) -> None:
        """Go away."""
        self.hide()
