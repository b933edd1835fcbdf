"""A theme put on: palette, fonts and the few rules that Qt's Fusion style needs."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import QtCore, QtGui, QtWidgets
from gui.theme import mix

if TYPE_CHECKING:
    from gui.theme import Theme

FAMILIES = ["Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Cantarell", "DejaVu Sans"]


def font(px: int, *, bold: bool = False) -> QtGui.QFont:
    """Return the window's font at a size in pixels, so that every platform lays out alike."""
    made = QtGui.QFont()
    made.setFamilies(FAMILIES)
    made.setPixelSize(px)
    made.setBold(bold)
    return made


def apply(app: QtWidgets.QApplication, theme: Theme) -> None:
    """Dress the application in a theme."""
    if not app.styleSheet():  # once: it dresses every widget anew, as each of the rest does
        app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setFont(font(12))
    app.setStyleSheet(_sheet(theme))


def pen(colour: str, width: float = 1.0, *, alpha: float = 1.0) -> QtGui.QPen:
    """Return a pen whose width is in screen pixels whatever the zoom."""
    ink = QtGui.QColor(colour)
    ink.setAlphaF(alpha)
    made = QtGui.QPen(ink, width)
    made.setCosmetic(True)
    return made


class Elided(QtWidgets.QLabel):
    """A label that wraps, then shortens its text where there is no room; it asks for no width."""

    def __init__(self, lines: int = 1) -> None:
        super().__init__()
        self._lines = lines
        policy = QtWidgets.QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Preferred)
        self.full = ""

    def set_lines(self, lines: int) -> None:
        """Say on how many lines there is room."""
        self._lines = lines
        self._fit()

    def set_full(self, text: str) -> None:
        """Show a text, as far as there is room; all of it is in the tooltip."""
        if text != self.full:
            self.full = text
            self.setToolTip(text)
            self._fit()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room, end = self.contentsRect().width(), QtCore.Qt.TextElideMode.ElideRight
        face = self.fontMetrics()
        lines = self.full.split("\n")
        while len(lines) < self._lines and face.horizontalAdvance(lines[-1]) > room:
            words = lines[-1].split(" ")
            n = len(words) - 1
            while n > 1 and face.horizontalAdvance(" ".join(words[:n])) > room:
                n -= 1
            if n < 1:
                break
            lines[-1:] = [" ".join(words[:n]), " ".join(words[n:])]
        self.setText("\n".join(face.elidedText(line, end, room) for line in lines))


class NoWheel(QtCore.QObject):
    """The wheel never changes a value: it is for zooming."""

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Swallow wheel events of boxes that hold a value."""
        boxes = (QtWidgets.QAbstractSpinBox, QtWidgets.QComboBox, QtWidgets.QAbstractSlider)
        is_wheel = event.type() == QtCore.QEvent.Type.Wheel
        is_bar = isinstance(watched, QtWidgets.QScrollBar)
        return bool(is_wheel and isinstance(watched, boxes) and not is_bar)


def _palette(theme: Theme) -> QtGui.QPalette:
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_colour,
        role.PlaceholderText: theme.muted,
    }
    palette = QtGui.QPalette()
    for which, colour in colours.items():
        palette.setColor(which, QtGui.QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, which, QtGui.QColor(theme.muted))
    return palette


def _sheet(theme: Theme) -> str:
    dim = mix(theme.muted, theme.panel, 0.65)  # what can not be pressed now
    return f"""
    QToolTip {{ background: {theme.raised}; color: {theme.text};
                border: 1px solid {theme.line}; padding: 4px; }}
    QLabel[role="muted"] {{ color: {theme.muted}; font-size: 12px; }}
    QFrame[role="card"] {{ background: {theme.panel}; border-radius: 6px; }}
    QPushButton {{ background: {theme.raised}; color: {theme.text}; border: 0;
                   border-radius: 5px; padding: 5px 11px; }}
    QPushButton:hover {{ background: {theme.line}; }}
    QPushButton:disabled {{ color: {dim}; background: {theme.panel}; }}
    QPushButton:checked {{ background: {theme.accent}; color: {theme.on_colour}; }}
    QSplitter::handle {{ background: {theme.window}; }}
    QSplitter::handle:hover {{ background: {theme.line}; }}
    QTableView::item {{ padding: 0 6px; }}
    QTableView {{ background: {theme.panel}; alternate-background-color: {theme.panel};
                  border: 0; selection-background-color: {theme.accent};
                  selection-color: {theme.on_colour}; outline: 0; }}
    QHeaderView::section {{ background: {theme.panel}; color: {theme.muted}; border: 0;
                            border-bottom: 1px solid {theme.line}; padding: 3px 8px;
                            font-size: 12px; }}
    QScrollBar:vertical {{ background: {theme.panel}; width: 10px; border: 0; }}
    QScrollBar::handle:vertical {{ background: {theme.line}; border-radius: 5px;
                                   min-height: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """
