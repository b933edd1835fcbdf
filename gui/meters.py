"""Is it healthy? Numbers, two lines on the network, and the dose, five times a second."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from gui._qt import Qt, QtWidgets
from gui.dose_bar import DoseBar
from gui.style import Elided, font
from gui.why import number, steady

if TYPE_CHECKING:
    from gui.history import FieldHistory
    from gui.model import RunView
    from gui.theme import Theme

NONE = "--"
NBSP = "\u00a0"  # a number and its unit stay on one line
SLOW_FPS = 0.5  # below, a person thinks in seconds between frames
WIDE_TITLE_DOTS = 50  # so that the values of the wide tiles stand in line
TITLES = ("Camera", "Loop latency", "Exposure", "SNR", "Cells", "Lost frames")
WIDE_TITLES = ("Network", "Trust")  # what they say needs the whole width


class Tile(QtWidgets.QFrame):
    """A title, a large value and a small note of one or two lines; a wide one is a single row."""

    def __init__(self, theme: Theme, title: str, *, is_wide: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._colour = ""
        self.setProperty("role", "card")
        self.title, self.value, self.note = QtWidgets.QLabel(), QtWidgets.QLabel(), Elided(lines=2)
        self.title.setText(title)
        self.title.setProperty("role", "muted")
        self.note.setProperty("role", "muted")
        self.value.setFont(font(13 if is_wide else 17, bold=True))
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        for label in (self.value, self.note):
            label.setTextFormat(Qt.TextFormat.PlainText)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(10, 5, 10, 6)
        grid.setSpacing(1)
        grid.setHorizontalSpacing(8)
        grid.addWidget(self.title, 0, 0)
        if is_wide:
            self.title.setMinimumWidth(WIDE_TITLE_DOTS)
            self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.value, *((0, 1) if is_wide else (1, 0)))
        grid.addWidget(self.note, *((0, 2, 1, 1) if is_wide else (0, 1, 2, 1)))
        grid.setColumnStretch(2 if is_wide else 1, 1)

    def set(self, value: str, note: str = "", colour: str = "", tip: str = "") -> None:
        """Show a value; `colour` is a theme's text colour, for what needs an eye."""
        if value != self.value.text():
            self.value.setText(value)
        self.note.set_full(note)
        if colour != self._colour:
            self._colour = colour
            self.value.setStyleSheet(f"color: {colour or self._theme.text};")
        if tip != self.toolTip():
            self.setToolTip(tip)


class Meters(QtWidgets.QWidget):
    """Two columns of tiles, and under them a bar for each light."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.tiles = {title: Tile(theme, title) for title in TITLES}
        self.bars: dict[str, DoseBar] = {}
        grid = QtWidgets.QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        for i, tile in enumerate(self.tiles.values()):
            grid.addWidget(tile, i // 2, i % 2)
        for i, title in enumerate(WIDE_TITLES, start=len(TITLES) // 2):
            self.tiles[title] = Tile(theme, title, is_wide=True)
            grid.addWidget(self.tiles[title], i, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self._dose = QtWidgets.QFrame()
        self._dose.setProperty("role", "card")
        self._dose_column = QtWidgets.QVBoxLayout(self._dose)
        self._dose_column.setContentsMargins(0, 2, 0, 2)
        self._dose_column.setSpacing(0)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(grid)
        column.addWidget(self._dose)
        self._bar_of("dose").set("Dose", "no light booked yet", math.nan)
        for tile in self.tiles.values():
            tile.set(NONE)

    def refresh(self, view: RunView, display_fps: float, tick_ms: float) -> None:
        """Show the newest numbers."""
        self._refresh_speed(view, display_fps, tick_ms)
        self._refresh_light(view)
        self._refresh_cells(view)
        self._refresh_dose(view)

    def _refresh_speed(self, view: RunView, display_fps: float, tick_ms: float) -> None:
        self.tiles["Camera"].set(
            _rate(view.rate.per_s),
            f"display {display_fps:.0f}{NBSP}fps",
            tip=f"Drawing takes {tick_ms:.1f} ms a tick. {view.skipped_frames} frames were "
            "recorded but not drawn: that is no loss.",
        )
        if view.is_replay:
            tip = "A replay sets no device: nothing is measured from camera to light."
            self.tiles["Loop latency"].set(NONE, "not in a replay", tip=tip)
        elif view.latencies_ns:
            p50, p99 = np.percentile(view.latencies_ns, [50, 99]) * 1e-6
            tip = "Last frame in the host's hands to last device set: median, and the slowest "
            tip += "of a hundred."
            self.tiles["Loop latency"].set(f"{p50:.1f} ms", f"p99 {p99:.1f}{NBSP}ms", tip=tip)
        lost = view.lost_frames
        colour = self._theme.bad_text if lost else ""
        tip = "Frames that are gone for everybody, the recording too: the log says why."
        self.tiles["Lost frames"].set(str(lost), _count(view.n_warnings, "warning"), colour, tip)

    def _refresh_light(self, view: RunView) -> None:
        tile = self.tiles["Exposure"]
        if not view.light.applied:
            return
        first = view.light.applied[0]
        shown = first.exposure_read_ms or first.exposure_ms
        power = first.power_read_fraction
        note = (
            f"power {steady(100 * power)}{NBSP}%" if math.isfinite(power) else "no power read-back"
        )
        tile.set(f"{steady(shown)} ms", note, tip=first.clamped or "As read back from the devices.")

    def _refresh_cells(self, view: RunView) -> None:
        result, theme = view.result, self._theme
        if result is None:
            return
        seen, times = result.observation, result.times
        history = view.fields.get(result.position)
        target = history.series.last("target") if history else math.nan
        self.tiles["SNR"].set(
            f"{seen.snr:.1f}" if seen.n_confirmed else NONE,
            f"target {number(target)}" if math.isfinite(target) else "no target",
            tip="How far a cell stands out of the noise: median over confirmed cells.",
        )
        n = view.n_divisions
        note = f"{seen.n_confirmed} confirmed\n{_count(n, 'division')}"
        tip = "Cells that are followed; how many of them were seen often enough to count; "
        tip += "divisions that turned out to be real."
        self.tiles["Cells"].set(f"{seen.n_tracks}", note, tip=tip)
        total_ms = times.restore_ns * 1e-6
        steps = ", ".join(
            f"{name} {getattr(times, name + '_ns') * 1e-6:.1f}"
            for name in ("restore", "detect", "track", "judge", "decide")
        )
        self.tiles["Network"].set(
            f"{total_ms:.1f} ms" if view.network else "none",
            view.network,
            tip=f"{view.network or 'no network'}. Steps, ms: {steps}.",
        )
        trust = seen.trust
        colour = theme.good_text if trust.is_trusted else theme.warn_text
        word = "trusted" if trust.is_trusted else "not trusted"
        if not view.network:
            word, colour = NONE, ""
        in_short = re.sub(r" \([^)]*\)", "", trust.why)  # the numbers are in the tooltip
        self.tiles["Trust"].set(word, in_short, colour, trust.why)

    def _refresh_dose(self, view: RunView) -> None:
        budgets = view.start.budget_j_cm2 if view.start else {}
        for light in sorted(_lights(view) | budgets.keys()):
            given, worst, history = _worst_field(view, light)
            field = f", field {worst + 1}" if len(view.fields) > 1 else ""
            name = f"{light} nm" if light.isdigit() else light
            budget = budgets.get(light, 0.0)
            bar = self._bar_of(light)
            if budget > 0:
                left = f"Dose {name}  {_percent(given / budget)}{field}"
                right = f"{number(given)} of {number(budget)} {view.dose_unit}"
                rest_s = history.seconds_left(light, budget) if history else math.inf
                if math.isfinite(rest_s) and view.end is None:
                    right += f" · full in {_span(rest_s)}"
                bar.set(left, right, given / budget)
            else:
                bar.set(f"Dose {name}  {number(given)}{field}", view.dose_unit, math.nan)
            tip = "Light that was given, of what the sample may get"
            tip += " (the field that got most)." if field else "."
            if view.is_relative:
                tip += " The source has no power calibration: doses have no physical unit."
            if tip != bar.toolTip():
                bar.setToolTip(tip)

    def _bar_of(self, light: str) -> DoseBar:
        bar = self.bars.get(light)
        if bar is None:
            stale = self.bars.pop("dose", None)
            if stale is not None:
                self._dose_column.removeWidget(stale)
                stale.hide()
                stale.deleteLater()
            bar = self.bars[light] = DoseBar(self._theme)
            self._dose_column.addWidget(bar)
        return bar


def _lights(view: RunView) -> set[str]:
    return {light for history in view.fields.values() for light in history.dose_j_cm2}


def _worst_field(view: RunView, light: str) -> tuple[float, int, FieldHistory | None]:
    """Return the dose, number and history of the field that took most of a light."""
    fields = [(h.dose_j_cm2.get(light, 0.0), p, h) for p, h in view.fields.items()]
    return max(fields, key=lambda one: one[0], default=(0.0, 0, None))


def _count(n: int, what: str) -> str:
    return f"{n or 'no'} {what}" + ("" if n == 1 else "s")


def _rate(fps: float) -> str:
    """Return a frame rate; of a slow run, the time between two frames."""
    if not math.isfinite(fps):
        return NONE
    return f"{steady(fps)} fps" if fps >= SLOW_FPS else f"every {number(1 / fps)} s"


def _percent(share: float) -> str:
    """Return a share of a budget: little, but some, is not 0."""
    percent = 100 * share
    if 0 < percent < 0.05:
        return "< 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def _span(seconds: float) -> str:
    """Return a duration in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes < 6000 else f"{minutes // 1440} d"
