"""How the pictures are shown: modes, overlays, contrast, which channel. It moves no hardware."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import Qt, QtWidgets, Signal
from gui.histogram import Histogram
from gui.looking import LOOK_MODES, WARNING, Mode
from gui.tails import LENGTH

if TYPE_CHECKING:
    from gui.theme import Theme

BUTTON_DOTS = 26
TRACKS_TIP = (
    f"Cells, and where they were in the last {LENGTH} shots (T). Dashed: not seen in this shot, "
    "its place is a guess. Double ring: it has just divided."
)
MODE_TIPS = {
    Mode.SIDE: "The camera's image beside the restored one",
    Mode.SWIPE: "Both in one place: drag the line between them",
    Mode.RAW: "What the camera gave",
    Mode.DENOISED: "What the network made of it",
}


class Controls(QtWidgets.QWidget):
    """Modes over overlays, the histogram, and who fits the contrast.

    No button takes the keyboard's focus, so that Space never presses one.
    """

    mode_chosen = Signal(object)
    overlay_changed = Signal()
    contrast_once = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.histogram = Histogram(theme)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.addLayout(self._mode_row(), 0, 0)
        grid.addLayout(self._overlay_row("pink" if theme.name == "red" else "magenta"), 1, 0)
        grid.addWidget(self.histogram, 0, 1, 2, 1)
        once = _button("Auto once", "Fit the contrast now, and keep it (A)")
        once.clicked.connect(lambda: self.contrast_once.emit())
        self.auto = _button("Auto", "Fit the contrast all the time (Shift+A)", is_checkable=True)
        self.auto.setChecked(True)
        grid.addWidget(once, 0, 2)
        grid.addWidget(self.auto, 1, 2)
        grid.setColumnStretch(1, 1)

    @property
    def toggles(self) -> tuple[QtWidgets.QPushButton, ...]:
        """What is on or off."""
        return self.tracks, self.ids, self.clipped, self.auto

    def set_choices(self, box: QtWidgets.QComboBox, values: list[str]) -> None:
        """Offer values after "newest"; a box with nothing to choose from is hidden."""
        box.setVisible(len(values) > 1)
        if box.count() - 1 != len(values):
            chosen = box.currentText()
            box.blockSignals(True)
            box.clear()
            box.addItems([f"newest {box.objectName()}", *values])
            box.setCurrentIndex(max(box.findText(chosen), 0))
            box.blockSignals(False)

    def offer_looking(self, choice: str) -> None:
        """Offer the modes with images for looking once there are some; say which is chosen."""
        for mode in LOOK_MODES:
            self.modes[mode].setVisible(bool(choice))
            tip = f"Key {list(Mode).index(mode) + 1}. {choice}: {WARNING}. L chooses another."
            self.modes[mode].setToolTip(tip)

    def _mode_row(self) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        self.modes: dict[Mode, QtWidgets.QPushButton] = {}
        self._group = QtWidgets.QButtonGroup(self)
        for i, mode in enumerate(Mode):
            tip = f"{MODE_TIPS.get(mode, WARNING)} ({i + 1})"
            button = _button(mode, tip, is_checkable=True)
            button.clicked.connect(lambda _=False, m=mode: self.mode_chosen.emit(m))
            self._group.addButton(button)
            row.addWidget(button)
            self.modes[mode] = button
        self.modes[Mode.SIDE].setChecked(True)
        for mode in LOOK_MODES:  # of which a run without such images needs not know
            self.modes[mode].hide()
        return row

    def _overlay_row(self, clip: str) -> QtWidgets.QHBoxLayout:
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(4)
        self.tracks = self._toggle("Tracks", TRACKS_TIP)
        self.ids = self._toggle("IDs", "Numbers of the cells (I)")
        self.clipped = self._toggle("Saturation", f"Pixels that the camera clips, in {clip} (S)")
        self.field, self.channel, self.plane = (_choice(n) for n in ("field", "channel", "plane"))
        self.boxes = (self.field, self.channel, self.plane)
        for widget in (self.tracks, self.ids, self.clipped, *self.boxes):
            row.addWidget(widget)
        return row

    def _toggle(self, text: str, tip: str) -> QtWidgets.QPushButton:
        button = _button(text, tip, is_checkable=True)
        button.setChecked(True)
        button.toggled.connect(lambda _on: self.overlay_changed.emit())
        return button


def _button(text: str, tip: str, *, is_checkable: bool = False) -> QtWidgets.QPushButton:
    button = QtWidgets.QPushButton(text)
    button.setCheckable(is_checkable)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setFixedHeight(BUTTON_DOTS)
    return button


def _choice(name: str) -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.setObjectName(name)
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    box.setFixedHeight(BUTTON_DOTS)
    box.hide()
    return box
