"""The thin lines of the window: provenance above, notices below, and the way out. None is modal."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui import icons
from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.style import Elided, font

if TYPE_CHECKING:
    from gui.model import RunView
    from gui.theme import Theme


class Strip(QtWidgets.QWidget):
    """An icon and a line of text on a coloured ground; hidden while there is nothing to say."""

    def __init__(self, theme: Theme, *, ground: str, ink: str, icon: str = "notice") -> None:
        super().__init__()
        self._theme, self._ground, self._ink, self._icon = theme, ground, ink, icon
        self.text = ""
        self.setFixedHeight(26)
        self.hide()

    def set(self, text: str) -> None:
        """Say something; empty hides the strip."""
        if text != self.text:
            self.text = text
            self.setToolTip(text)
            self.setVisible(bool(text))
            self.update()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """Draw it."""
        painter, ink = QtGui.QPainter(self), QtGui.QColor(self._ink)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(self._ground))
        painter.drawRoundedRect(QtCore.QRectF(self.rect()), 5, 5)
        icons.draw(painter, self._icon, QtCore.QRectF(10, 6, 14, 14), ink)
        painter.setPen(ink)
        painter.setFont(font(12, bold=True))
        box = QtCore.QRectF(self.rect()).adjusted(32, 0, -10, 0)
        shown = painter.fontMetrics().elidedText(
            self.text, Qt.TextElideMode.ElideRight, int(box.width())
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, shown)


class LeaveBar(QtWidgets.QFrame):
    """What closing the window means while a run goes on. Nothing waits for the answer."""

    stay = Signal()
    leave = Signal()
    stop_and_leave = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setStyleSheet(f"LeaveBar {{ background: {theme.warn}; border-radius: 5px; }}")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(12, 5, 8, 5)
        text = QtWidgets.QLabel("The run goes on without this window.")
        text.setStyleSheet(f"color: {theme.on_warn};")
        text.setFont(font(13, bold=True))
        row.addWidget(text)
        row.addStretch(1)
        for label, signal in (
            ("Close the window", self.leave),
            ("End the run and close", self.stop_and_leave),
            ("Stay", self.stay),
        ):
            button = QtWidgets.QPushButton(label)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, s=signal: s.emit())
            row.addWidget(button)
        self.hide()


class Footer(QtWidgets.QWidget):
    """The newest warning with its cure on the left; what is under the cursor on the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.notice, self.cursor = Elided(), QtWidgets.QLabel()
        self.cursor.setProperty("role", "muted")
        self.notice.setFont(font(12))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.notice, 1)
        row.addWidget(self.cursor)
        self.setFixedHeight(20)
        self._level = ""

    def refresh(self, view: RunView, hint: str) -> None:
        """Show the newest notice, or a hint while there is none."""
        notice = view.notice
        level, text = ("info", hint) if notice is None else (notice.level, notice.text)
        if view.n_warnings > 1:
            text = f"{view.n_warnings} notices, the newest: {text}"
        self.notice.set_full(text)
        if level != self._level:
            self._level = level
            theme = self._theme
            colours = {"warn": theme.warn_text, "fault": theme.bad_text}
            self.notice.setStyleSheet(f"color: {colours.get(level, theme.muted)};")
