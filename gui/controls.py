"""How the pictures are shown: modes, overlays, contrast, which channel. It moves no hardware."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from gui._qt import Qt, QtWidgets, Signal
from gui.image_view import Mode


class Controls(QtWidgets.QWidget):
    """One row of buttons; none takes the keyboard's focus, so that Space never presses one."""

    mode_chosen = Signal(object)
    overlay_changed = Signal()
    contrast_once = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._row = QtWidgets.QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self.modes: dict[Mode, QtWidgets.QPushButton] = {}
        group = QtWidgets.QButtonGroup(self)
        for i, mode in enumerate(Mode):
            button = self._button(mode, f"Key {i + 1}", is_checkable=True)
            button.clicked.connect(lambda _=False, m=mode: self.mode_chosen.emit(m))
            group.addButton(button)
            self.modes[mode] = button
        self.modes[Mode.SIDE].setChecked(True)
        self._row.addStretch(1)
        self.tracks = self._toggle("Tracks", "Cells and their tails (T)")
        self.ids = self._toggle("IDs", "Numbers of the cells (I)")
        self.clipped = self._toggle("Saturation", "Pixels that the camera clips, in magenta (S)")
        self._row.addSpacing(10)
        once = self._button("Auto once", "Fit the contrast now, and keep it (A)")
        once.clicked.connect(lambda: self.contrast_once.emit())
        self.auto = self._button("Auto", "Fit the contrast all the time (Shift+A)", is_checkable=True)
        self.auto.setChecked(True)
        self._row.addStretch(1)
        self.field = self._choice("field")
        self.channel = self._choice("channel")
        self.plane = self._choice("plane")

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

    def _button(
        self, text: str, tip: str, *, is_checkable: bool = False
    ) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setCheckable(is_checkable)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._row.addWidget(button)
        return button

    def _toggle(self, text: str, tip: str) -> QtWidgets.QPushButton:
        button = self._button(text, tip, is_checkable=True)
        button.setChecked(True)
        button.toggled.connect(lambda _on: self.overlay_changed.emit())
        return button

    def _choice(self, name: str) -> QtWidgets.QComboBox:
        box = QtWidgets.QComboBox()
        box.setObjectName(name)
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.hide()
        self._row.addWidget(box)
        return box
