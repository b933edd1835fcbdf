"""From messages to pictures: fetches the newest images and hands them to the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui import levels as grey
from gui.looking import LOOK_MODES, Looking, age_badge
from gui.model import network_of

if TYPE_CHECKING:
    from gui.controls import Controls
    from gui.image_view import ImageView
    from gui.model import RunView
    from gui.source import Source
    from realtime.wire import CameraInfo, FrameMessage, Result

LEVELS_EVERY = 8  # frames between two looks at the contrast


class ImageFeed:
    """Draws what is new, and gives a frame's credit back once it is drawn."""

    def __init__(
        self, view: RunView, source: Source, images: ImageView, controls: Controls
    ) -> None:
        self._view, self._source = view, source
        self._images, self._controls = images, controls
        self._drawn_seq = -1
        self._shown: FrameMessage | None = None  # the frame whose pixels are on the screen
        self._looked_at: Result | None = None
        self._drawn: Result | None = None  # the result whose cells are on the screen
        self.looking = Looking()
        self._since_levels = LEVELS_EVERY

    def move_to(self, images: ImageView, controls: Controls) -> None:
        """Draw into other widgets from now on."""
        self._images, self._controls = images, controls

    @property
    def field(self) -> int:
        """The field of view that the plots follow."""
        fields = sorted(self._view.fields)
        chosen = int(self._controls.field.currentIndex())
        if chosen > 0:
            return fields[chosen - 1]
        return fields[0] if fields else 0

    def draw(self) -> bool:
        """Draw the newest frame and result; return whether there was a frame."""
        frame = self._view.frame
        has_frame = frame is not None and frame.info.seq != self._drawn_seq
        is_drawn = frame is not None and has_frame and self._take_raw(frame)
        has_result = self._take_result()
        if self._take_look() or has_result or is_drawn:
            self._show_age()
            self._since_levels += 1
            if self._since_levels >= LEVELS_EVERY:
                self.look_at_levels()
            self._images.redraw()
        if frame is not None and has_frame:
            self._drawn_seq = frame.info.seq
            self._view.shown_frames += is_drawn
            self._source.shown(frame)  # only now: the next one may come
        return is_drawn

    def draw_tracks(self) -> None:
        """Show the cells of the result that is on the screen."""
        result = self._drawn
        if result is not None and result.position in self._view.tails:
            self._images.set_tracks(self._view.tails[result.position].drawing(result.shot))

    def look_at_levels(self) -> None:
        """Renew the histogram, and the contrast if it is to follow."""
        images = self._images
        if images.raw is None:
            return
        self._since_levels = 0
        raw = grey.sample(images.raw, images.unit)
        denoised = None
        if images.denoised is not None:
            denoised = grey.sample(images.denoised, grey.PHOTONS)
        if self._controls.auto.isChecked():
            images.levels = grey.auto_levels(raw if denoised is None else denoised)
        self._controls.histogram.set_values(raw, denoised, images.levels, 1 / images.unit.gain)

    def offer_choices(self) -> None:
        """Let a person choose among the fields, channels and planes that were seen."""
        view, controls = self._view, self._controls
        controls.offer_looking(self.looking.choice)
        controls.set_choices(controls.field, [f"field {p + 1}" for p in sorted(view.fields)])
        controls.set_choices(controls.channel, sorted(view.channels))
        controls.set_choices(controls.plane, [f"plane {z + 1}" for z in sorted(view.planes)])

    def _take_raw(self, frame: FrameMessage) -> bool:
        counts = self._source.raw(frame) if self._is_chosen(frame) else None
        if counts is None:
            return False  # not asked for, or overwritten while we were busy
        camera = self._camera(frame.info.camera)
        if camera is not None:
            self._images.unit = grey.camera_unit(camera.calibration)
            self._images.saturation_adu = camera.calibration.saturation_adu
            self._images.set_pixel_um(camera.pixel_um)
        self._images.set_raw(counts)
        self._shown = frame
        return True

    def _take_result(self) -> bool:
        """Take the result that belongs to the frame on the screen.

        On a fast stream, results run ahead of the frames that are drawn: cells and restored image
        are never newer than the raw one beside them, and always of one and the same result.
        """
        result = self._view.result_for(self._shown) if self._shown is not None else None
        if result is None or result is self._looked_at:
            return False
        self._looked_at = result
        self.looking.take(result)
        network = network_of(result)
        slot = result.restored if network else None
        photons = None if slot is None else self._source.restored(slot)
        took = f"{result.times.restore_ns * 1e-6:.1f}\u00a0ms"  # on one line
        if slot is None or photons is not None:
            self._images.set_denoised(photons, f"{network}  ·  {took}")
        else:  # overwritten: keep the last, with its cells
            self._images.miss_denoised()
            if self._images.denoised is not None:
                return True
        self._drawn = result
        self.draw_tracks()
        return True

    def _take_look(self) -> bool:
        """Take an image for looking, if somebody looks: nobody else pays for the copy."""
        if self._images.mode not in LOOK_MODES:
            return False
        look = self.looking.fetch(self._source)
        if look is not None:
            self._images.set_look(look)
        return look is not None

    def _show_age(self) -> None:
        if self._shown is None or self._drawn is None:
            return
        info, seen, look = self._shown.info, self._drawn, self._images.look
        badge = age_badge(info.seq, info.t_s, max(seen.seqs, default=-1), seen.observation.t_s)
        old = "" if look is None else age_badge(info.seq, info.t_s, look.seq, look.t_s)
        self._images.set_age(badge, old)

    def _camera(self, label: str) -> CameraInfo | None:
        cameras = self._view.start.cameras if self._view.start is not None else ()
        return next((camera for camera in cameras if camera.label == label), None)

    def _is_chosen(self, frame: FrameMessage) -> bool:
        info, controls, view = frame.info, self._controls, self._view
        for box, value, known in (
            (controls.field, info.index.p, sorted(view.fields)),
            (controls.channel, info.applied.channel, sorted(view.channels)),
            (controls.plane, info.index.z, sorted(view.planes)),
        ):
            chosen = box.currentIndex()
            if chosen > 0 and value != known[chosen - 1]:
                return False
        return True
