"""What the light did and what it cost: three courses over experiment time, x linked."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gui._qt import Qt, QtWidgets, pg
from gui.style import font, pen
from gui.why import clock

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from gui.history import FieldHistory
    from gui.theme import Theme

MAX_POINTS = 600  # of a curve: more than the panel has dots
AXIS_LEFT, AXIS_RIGHT = 40, 36
NEWEST_SHOTS = 100  # of the close view
SNR_TIP = "How far the cells stand out of the noise, and the target that the policy holds."
LIGHT_TIP = "What each shot was given, as read back: exposure in ms, and power in % of its maximum."
SIGNAL_TIP = "Brightness of the cells per light given: it falls as they bleach."
TICK_DOTS = 75  # at least so far apart
SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
HOURS = (1, 2, 3, 6, 12, 24, 48, 96, 240, 960)
HOUR_S = 3600.0
TICKS_S = (*SECONDS, *(3600 * hours for hours in HOURS))


class TimeAxis(pg.AxisItem):
    """Ticks of experiment time as people read it, and how they are to be read."""

    def __init__(self, *, has_label: bool) -> None:
        self._has_label = has_label  # first: the base class sets a range at once
        super().__init__("bottom")

    def setRange(self, low: float, high: float) -> None:
        """Take a range; the unit follows it."""
        super().setRange(low, high)
        text = f"time of the experiment, {'h:mm:ss' if high >= HOUR_S else 'mm:ss'}"
        if self._has_label and getattr(self, "labelText", "") != text:
            self.setLabel(text)

    def tickSpacing(self, low: float, high: float, dots: float) -> list[tuple[float, float]]:
        """Return a spacing that a clock would have."""
        least = (high - low) * TICK_DOTS / max(dots, 1.0)
        spacing = next((step for step in TICKS_S if step >= least), TICKS_S[-1])
        return [(float(spacing), 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return mm:ss, with tenths only where ticks are closer than a second; or h:mm:ss."""
        texts = [clock(value * scale, with_hours=self.range[1] >= HOUR_S) for value in values]
        return texts if spacing < 1.0 else [text.removesuffix(".0") for text in texts]


class Course(pg.PlotItem):
    """One plot of the panel, with fixed axes so that all of them stand in line."""

    def __init__(self, theme: Theme, *, has_time: bool) -> None:
        super().__init__(axisItems={"bottom": TimeAxis(has_label=has_time)}, enableMenu=False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.showAxis("right")
        for side in ("left", "right", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pen(theme.line))
            axis.setTextPen(pen(theme.muted))
            axis.setStyle(tickFont=font(11), tickLength=-4, maxTickLevel=0, tickTextOffset=4)
        self.getAxis("left").setWidth(AXIS_LEFT)
        self.getAxis("right").setWidth(AXIS_RIGHT)
        for side in ("left", "right", "bottom"):
            self.getAxis(side).setStyle(showValues=False)  # of nothing, until there is a course
        bottom = self.getAxis("bottom")
        bottom.setHeight(34 if has_time else 4)
        bottom.label.setFont(font(11))
        self.showGrid(y=True, alpha=0.12)
        self.vb.setDefaultPadding(0.0)
        self.vb.disableAutoRange()

    def curve(self, colour: str, width: float = 1.3) -> Any:
        """Add a line that breaks where there is no number."""
        made = pg.PlotCurveItem(pen=pen(colour, width), connect="finite")
        self.addItem(made)
        return made


class Plots(QtWidgets.QWidget):
    """SNR with its target, exposure with power, and the signal that bleaching leaves."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._last: tuple[float, int, bool] = (-1.0, -1, False)
        self.newest = QtWidgets.QPushButton(f"newest {NEWEST_SHOTS}")
        self.newest.setCheckable(True)
        self.newest.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.newest.setToolTip(f"Show the newest {NEWEST_SHOTS} shots, or the whole course")
        self.newest.setStyleSheet("padding: 1px 8px; font-size: 11px;")
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.snr = self._card(column, theme.snr, "SNR of cells", "dashed: target", SNR_TIP)
        power = f"<span style='color:{theme.power}'>dotted: power, %</span> (right)"
        self.light = self._card(column, theme.exposure, "Exposure, ms", power, LIGHT_TIP)
        self.bleach = self._card(
            column, theme.signal, "Signal per light, %", "first shots = 100", SIGNAL_TIP,
            has_time=True,
        )  # fmt: skip
        self._snr = self.snr.curve(theme.snr)
        self._target = self.snr.curve(theme.text, 1.2)
        self._target.opts["pen"].setStyle(Qt.PenStyle.DashLine)
        self._exposure = self.light.curve(theme.exposure)
        self._signal = self.bleach.curve(theme.signal)
        self._power_box = pg.ViewBox(enableMenu=False, defaultPadding=0.0)
        self._power_box.setMouseEnabled(x=False, y=False)
        self._power_box.disableAutoRange()
        self.light.scene().addItem(self._power_box)
        self._right = self.light.getAxis("right")
        self._right.linkToView(self._power_box)
        dotted = pen(theme.power, 1.8)
        dotted.setStyle(Qt.PenStyle.DotLine)
        self._power = pg.PlotCurveItem(pen=dotted, connect="finite")
        self._power_box.addItem(self._power)
        self.light.vb.sigResized.connect(self._place_power)
        self.snr.setXLink(self.bleach)
        self.light.setXLink(self.bleach)
        self._power_box.setXLink(self.light)

    def refresh(self, history: FieldHistory | None) -> None:
        """Draw the course of one field."""
        if history is None or not len(history.series):
            return
        newest = (history.series.last("t_s"), len(history.series), self.newest.isChecked())
        if newest == self._last:
            return
        if self._last[1] < 0:
            left = [course.getAxis("left") for course in (self.snr, self.light, self.bleach)]
            for axis in (*left, self._right, self.bleach.getAxis("bottom")):
                axis.setStyle(showValues=True)
        self._last = newest
        table = _thin(history.series.table(), NEWEST_SHOTS if newest[2] else len(history.series))
        t_s = table["t_s"]
        self._snr.setData(t_s, table["snr"])
        self._target.setData(t_s, table["target"])
        self._exposure.setData(*_steps(t_s, table["exposure_ms"]))
        self._power.setData(*_steps(t_s, table["power_percent"]))
        self._signal.setData(t_s, table["signal_percent"])
        self.bleach.vb.setXRange(t_s[0], max(t_s[-1], t_s[0] + 1.0), padding=0.0)
        _scale(self.snr.vb, table["snr"], table["target"])
        _scale(self.light.vb, table["exposure_ms"])
        _scale(self._power_box, table["power_percent"], room=1.6)  # the curves keep apart
        _scale(self.bleach.vb, table["signal_percent"], np.array([100.0]))
        for course in (self.snr, self.light, self.bleach):
            course.scene().prepareForPaint()  # else found out at painting, and painted twice

    def _card(
        self, column: Any, colour: str, title: str, note: str, tip: str, *, has_time: bool = False
    ) -> Course:
        card = QtWidgets.QFrame()
        card.setProperty("role", "card")
        card.setToolTip(tip)
        inner = QtWidgets.QVBoxLayout(card)
        inner.setContentsMargins(4, 5, 4, 3)
        inner.setSpacing(0)
        head = QtWidgets.QHBoxLayout()
        head.setContentsMargins(6, 0, 6, 0)
        name, hint = QtWidgets.QLabel(title), QtWidgets.QLabel(note)
        name.setStyleSheet(f"color: {colour};")
        name.setFont(font(12, bold=True))
        hint.setProperty("role", "muted")
        head.addWidget(name)
        head.addStretch(1)
        head.addWidget(hint)
        if title == "SNR of cells":
            head.addSpacing(6)
            head.addWidget(self.newest)
        course = Course(self._theme, has_time=has_time)
        canvas = pg.GraphicsView(background=self._theme.panel, useOpenGL=False)
        canvas.setCentralItem(course)
        canvas.setMinimumHeight(56)
        inner.addLayout(head)
        inner.addWidget(canvas, 1)
        column.addWidget(card, 15 if has_time else 13)
        return course

    def _place_power(self) -> None:
        self._power_box.setGeometry(self.light.vb.sceneBoundingRect())


def _thin(table: dict[str, NDArray[np.float64]], shots: int) -> dict[str, NDArray[np.float64]]:
    """Keep the newest shots, and no more points than there are dots."""
    n = len(table["t_s"])
    first = max(n - shots, 0)
    step = max(1, (n - first) // MAX_POINTS)
    offset = (n - 1 - first) % step  # the newest point always stays
    return {name: values[first + offset :: step] for name, values in table.items()}


def _steps(
    t_s: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of a staircase: a setting holds until the next."""
    return np.repeat(t_s, 2)[1:], np.repeat(values, 2)[:-1]


def _scale(box: Any, *values: NDArray[np.float64], room: float = 1.15) -> None:
    """Fit the axis. It starts at 0, so that a small change looks small."""
    known = np.concatenate(values)
    known = known[np.isfinite(known)]
    if len(known):
        box.setYRange(min(0.0, float(known.min())), max(room * float(known.max()), 1e-9), padding=0)
