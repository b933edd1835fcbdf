"""The main window: it asks its source for news, thirty times a second, and draws the newest."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gui import keys
from gui import levels as grey
from gui._qt import Qt, QtCore, QtGui, QtWidgets
from gui.controls import Controls
from gui.histogram import Histogram
from gui.image_view import ImageView, Mode, age_badge
from gui.meters import Meters
from gui.model import RunView
from gui.pacer import Pacer
from gui.plots import Plots
from gui.status_bar import StatusBar
from gui.stop_light import StopOnEscape
from gui.strips import Footer, LeaveBar, Strip
from gui.timeline import Timeline
from gui.why_log import WhyLog

if TYPE_CHECKING:
    from gui.source import Source
    from gui.theme import Theme
    from realtime.wire import CameraInfo, FrameMessage

SLOW_NS = 200_000_000  # numbers and plots change five times a second: a person reads no faster
LEVELS_EVERY = 8  # frames between two looks at the contrast
HINT = "F1 shows the keys"


class MainWindow(QtWidgets.QWidget):
    """A window on a run. It can be closed or killed at any time: nobody else notices.

    Parameters
    ----------
    source
        Where messages and images come from; closed with the window.
    title
        What the window calls itself.
    """

    def __init__(self, source: Source, title: str, theme: Theme, hint: str = HINT) -> None:
        super().__init__()
        self.view = RunView()
        self._source, self._theme, self._hint = source, theme, hint
        self._pacer = Pacer()
        self._slow_ns = 0
        self._drawn: tuple[int, float] = (-1, 0.0)
        self._result_shot = -1
        self._since_levels = LEVELS_EVERY
        self._may_close = False
        self.title = title
        self.setWindowTitle(f"{title} – lightloop")
        self.setMinimumSize(1080, 660)
        self.resize(1440, 860)
        self._build()
        self._connect()
        self._bind_keys()
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(self._pacer.interval_ms)

    # ------------------------------------------------------------------------------------- build

    def _build(self) -> None:
        theme = self._theme
        self.bar = StatusBar(theme, self.title)
        self.banner = Strip(theme, ground=theme.warn, ink=theme.on_warn)
        self.leave_bar = LeaveBar(theme)
        self.images = ImageView(theme)
        self.controls = Controls()
        self.histogram = Histogram(theme)
        self.timeline = Timeline(theme)
        self.log = WhyLog(theme, self.view)
        self.meters, self.plots = Meters(theme), Plots(theme)
        self.footer = Footer(theme)
        self.key_sheet = keys.KeySheet(theme, self)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 4)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addWidget(self.banner)
        column.addWidget(self.leave_bar)
        column.addWidget(self._middle(), 1)
        column.addWidget(self.footer)

    def _middle(self) -> QtWidgets.QSplitter:
        upper = _column(self.images, self.controls, self.histogram, self.timeline)
        left = QtWidgets.QSplitter(Qt.Orientation.Vertical)
        left.addWidget(upper)
        left.addWidget(self.log)
        left.setStretchFactor(0, 5)
        left.setStretchFactor(1, 1)
        self.panel = _column(self.meters, self.plots)
        middle = QtWidgets.QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(left)
        middle.addWidget(self.panel)
        middle.setStretchFactor(0, 7)
        middle.setStretchFactor(1, 3)
        for splitter in (left, middle):
            splitter.setHandleWidth(6)
            splitter.setChildrenCollapsible(False)
        self.panel.setMinimumWidth(350)
        self._splitters = (middle, left)
        return middle

    def _connect(self) -> None:
        self._escape = StopOnEscape()
        self._escape.fired.connect(self.stop_light)
        QtWidgets.QApplication.instance().installEventFilter(self._escape)
        self._confirm = QtCore.QTimer(self)
        self._confirm.setSingleShot(True)
        self._confirm.timeout.connect(self._refresh_bar)
        self.bar.stop_light.clicked.connect(self.stop_light)
        self.bar.hold_clicked.connect(self.toggle_hold)
        self.bar.stop_clicked.connect(lambda: self._source.command("stop"))
        self.controls.mode_chosen.connect(self.set_mode)
        self.controls.overlay_changed.connect(self._overlays)
        self.controls.contrast_once.connect(self.fit_contrast)
        self.histogram.changed.connect(self._levels_by_hand)
        self.images.hovered.connect(self._hover)
        self.timeline.picked.connect(self.log.show_time)
        self.leave_bar.stay.connect(self.leave_bar.hide)
        self.leave_bar.leave.connect(self.leave)
        self.leave_bar.stop_and_leave.connect(self._stop_and_leave)

    def _bind_keys(self) -> None:
        controls = self.controls
        keys.bind(self, "Ctrl+H", self.toggle_hold)
        keys.bind(self, "Ctrl+R", lambda: self._source.command("stop"))
        for i, mode in enumerate(Mode):
            keys.bind(self, str(i + 1), lambda m=mode: self.set_mode(m))
        keys.bind(self, "A", self.fit_contrast)
        keys.bind(self, "Shift+A", controls.auto.toggle)
        keys.bind(self, "S", controls.clipped.toggle)
        keys.bind(self, "T", controls.tracks.toggle)
        keys.bind(self, "I", controls.ids.toggle)
        keys.bind(self, "F", self.images.fit)
        keys.bind(self, "F1", self.key_sheet.toggle)
        keys.bind(self, "F2", lambda: self.panel.setVisible(self.panel.isHidden()))

    # ---------------------------------------------------------------------------------- each tick

    def tick(self) -> None:
        """Ask for news and draw the newest of it."""
        began_ns = time.perf_counter_ns()
        for message in self._source.poll():
            self.view.take(message, began_ns)
        self.view.light.stop.tick(began_ns)
        if self._show_images():
            self._pacer.count_frame(began_ns)
        self._refresh_bar()
        if began_ns - self._slow_ns >= SLOW_NS:
            self._slow_ns = began_ns
            self._refresh_slowly()
        if self._pacer.note((time.perf_counter_ns() - began_ns) * 1e-6):
            self._timer.start(self._pacer.interval_ms)

    def _refresh_bar(self) -> None:
        now_ns = time.perf_counter_ns()
        self.view.light.stop.tick(now_ns)
        self.bar.refresh(self.view, now_ns)

    def _refresh_slowly(self) -> None:
        view = self.view
        self.meters.refresh(view, self._pacer.fps, self._pacer.cost_ms)
        self.plots.refresh(view.fields.get(self._field()))
        self.log.refresh()
        self.timeline.refresh(view)
        self.footer.refresh(view, self._hint)
        self.banner.set(view.provenance)
        origin = view.start.origin if view.start is not None else "not connected"
        unit = ", dose in relative units" if view.is_relative else ""
        self.bar.origin.setText(f"{self.title} · {origin}{unit}")
        self._offer_choices()

    def _show_images(self) -> bool:
        frame = self.view.frame
        is_new = frame is not None and frame.info.seq != self._drawn[0]
        if frame is not None and is_new and self._is_chosen(frame):
            self._show_raw(frame)
        has_result = self._show_result()
        if frame is not None and (is_new or has_result):
            self._show_age()
            self._look_at_levels()
            self.images.redraw()
        if frame is not None and is_new:
            self._drawn = (frame.info.seq, frame.info.t_s)
            self.view.shown_frames += 1
            self._source.shown(frame)  # only now: the next one may come
        return is_new

    def _show_raw(self, frame: FrameMessage) -> None:
        counts = self._source.raw(frame)
        if counts is None:
            return  # overwritten while we were busy: the next one is better
        camera = self._camera(frame.info.camera)
        if camera is not None:
            self.images.unit = grey.camera_unit(camera.calibration)
            self.images.saturation_adu = camera.calibration.saturation_adu
            self.images.set_pixel_um(camera.pixel_um)
        self.images.set_raw(counts)

    def _show_result(self) -> bool:
        result = self.view.result
        if result is None or result.shot == self._result_shot:
            return False
        chosen = self.controls.field.currentIndex()
        if chosen > 0 and result.position != sorted(self.view.fields)[chosen - 1]:
            return False
        self._result_shot = result.shot
        photons = None if result.restored is None else self._source.restored(result.restored)
        took = f"{result.times.restore_ns * 1e-6:.1f} ms"
        if result.restored is None or photons is not None:  # an overwritten one: keep the last
            self.images.set_denoised(photons, f"{result.model_id}  ·  {took}")
            self._restored = (max(result.seqs, default=-1), result.observation.t_s)
        if self.images.shows_tracks and result.position in self.view.tails:
            self.images.set_tracks(self.view.tails[result.position].drawing())
        return True

    _restored: tuple[int, float] = (-1, 0.0)

    def _show_age(self) -> None:
        frame = self.view.frame
        if frame is None or self.images.denoised is None:
            self.images.set_age("")
        else:
            self.images.set_age(age_badge(frame.info.seq, frame.info.t_s, *self._restored))

    def _look_at_levels(self) -> None:
        self._since_levels += 1
        if self._since_levels < LEVELS_EVERY or self.images.raw is None:
            return
        self._since_levels = 0
        raw = grey.sample(self.images.raw, self.images.unit)
        photons = self.images.denoised
        denoised = None if photons is None else grey.sample(photons, grey.PHOTONS)
        if self.controls.auto.isChecked():
            self.images.levels = grey.auto_levels(raw if denoised is None else denoised)
        self.histogram.set_values(raw, denoised, self.images.levels)

    # ------------------------------------------------------------------------------------ choices

    def _camera(self, label: str) -> CameraInfo | None:
        cameras = self.view.start.cameras if self.view.start is not None else ()
        return next((camera for camera in cameras if camera.label == label), None)

    def _field(self) -> int:
        fields = sorted(self.view.fields)
        chosen = self.controls.field.currentIndex()
        if chosen > 0:
            return fields[chosen - 1]
        return fields[0] if fields else 0

    def _is_chosen(self, frame: FrameMessage) -> bool:
        info, controls, view = frame.info, self.controls, self.view
        for box, value, known in (
            (controls.field, info.index.p, sorted(view.fields)),
            (controls.channel, info.applied.channel, sorted(view.channels)),
            (controls.plane, info.index.z, sorted(view.planes)),
        ):
            chosen = box.currentIndex()
            if chosen > 0 and value != known[chosen - 1]:
                return False
        return True

    def _offer_choices(self) -> None:
        view, controls = self.view, self.controls
        controls.set_choices(controls.field, [f"field {p + 1}" for p in sorted(view.fields)])
        controls.set_choices(controls.channel, sorted(view.channels))
        controls.set_choices(controls.plane, [f"plane {z + 1}" for z in sorted(view.planes)])

    # ------------------------------------------------------------------------- what a person does

    def stop_light(self) -> None:
        """Ask for darkness, and say so until it is read back."""
        self._source.command("stop_light")
        self.view.light.stop.press(time.perf_counter_ns())
        self._refresh_bar()
        self._confirm.start(260)

    def toggle_hold(self) -> None:
        """Hold the feedback, or let it decide again."""
        self._source.command("resume" if self.view.is_held else "hold")

    def set_mode(self, mode: Mode) -> None:
        """Choose what is side by side with what."""
        self.controls.modes[mode].setChecked(True)
        self.images.set_mode(mode)
        self._result_shot = -1  # the tracks move to the pane that is in sight now

    def fit_contrast(self) -> None:
        """Fit the contrast once, and keep it."""
        self.controls.auto.setChecked(True)
        self._since_levels = LEVELS_EVERY
        self._look_at_levels()
        self.controls.auto.setChecked(False)
        self.images.redraw()

    def _levels_by_hand(self, levels: grey.Levels) -> None:
        self.controls.auto.setChecked(False)
        self.images.levels = levels
        self.images.redraw()

    def _overlays(self) -> None:
        images, controls = self.images, self.controls
        images.shows_tracks = controls.tracks.isChecked()
        images.shows_clipped = controls.clipped.isChecked()
        for pane in (images.left, images.right):
            pane.tracks.shows_ids = controls.ids.isChecked()
            pane.tracks.update()
        images.redraw()

    def _hover(self, x: float, y: float) -> None:
        self.footer.cursor.setText(self.images.value_at(x, y))

    # -------------------------------------------------------------------------------- the way out

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802
        """Leave. While a run goes on, say first that it goes on; the second request is obeyed."""
        if self.view.is_on and not self._may_close and not self.leave_bar.isVisible():
            self.leave_bar.show()
            event.ignore()
            return
        self._timer.stop()
        app = QtWidgets.QApplication.instance()
        if app is not None:
            app.removeEventFilter(self._escape)
        self._source.close()
        event.accept()

    def leave(self) -> None:
        """Close, whatever is going on; the run goes on."""
        self._may_close = True
        self.close()

    def _stop_and_leave(self) -> None:
        self._source.command("stop")
        self.leave()


def _column(*widgets: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """Stack widgets; the first image or the plots take what is left."""
    holder = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(6)
    for widget in widgets:
        column.addWidget(widget, 1 if isinstance(widget, ImageView | Plots) else 0)
    return holder
