"""What the panes of the window show of an image, and what they say of where it comes from."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from acquire.frame import Index
from gui.theme import DARK, rgb
from realtime.wire import FrameMessage
from tests.gui.fake_source import SATURATION_ADU, FakeSource
from tests.gui.window_hands import Opener, SquareSource, pixel, run, square


def test_a_bright_square_reaches_the_screen_in_both_panes(open_window: Opener) -> None:
    window, _ = square(open_window)
    for pane in (window.desk.images.left, window.desk.images.right):
        assert min(pixel(pane, 32, 32)) > 240
        assert max(pixel(pane, 8, 8)) < 20


def test_a_pixel_is_where_its_row_and_column_say(open_window: Opener) -> None:
    class Corner(SquareSource):
        def raw(self, message: FrameMessage) -> np.ndarray:
            image = np.full((64, 64), 100, np.uint16)
            image[4:12, 40:60] = self.peak  # rows near the top, columns to the right
            return image

    source = Corner(side_px=64, n_cells=3)
    window = open_window(source)
    window.desk.controls.tracks.setChecked(False)
    run(window, source)
    assert min(pixel(window.desk.images.left, 50, 8)) > 240
    assert max(pixel(window.desk.images.left, 8, 50)) < 20


def test_clipped_pixels_are_magenta_and_can_be_told_not_to_be(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    source.peak = int(SATURATION_ADU)
    window = open_window(source)
    run(window, source)
    assert pixel(window.desk.images.left, 32, 32) == rgb(DARK.saturated)
    window.desk.controls.clipped.setChecked(False)
    assert min(pixel(window.desk.images.left, 32, 32)) > 240


def test_swipe_shows_raw_on_the_left_and_denoised_on_the_right(open_window: Opener) -> None:
    from gui.image_view import Mode

    class Opposite(SquareSource):
        def restored(self, slot: Any) -> np.ndarray:
            return np.where(super().restored(slot) > 0, 0, 950).astype(np.float32)

    source = Opposite(side_px=64, n_cells=3)
    window = open_window(source)
    window.desk.controls.tracks.setChecked(False)
    window.set_mode(Mode.SWIPE)
    run(window, source)
    pane = window.desk.images.left
    assert not window.desk.images.right.isVisible()
    assert min(pixel(pane, 28, 32)) > 240  # raw: the square is bright
    assert max(pixel(pane, 37, 32)) < 20  # denoised: the square is dark
    window.desk.images._divider.setPos(64)
    assert min(pixel(pane, 37, 32)) > 240


def test_the_denoised_pane_says_who_made_it_in_words_and_colour(open_window: Opener) -> None:
    window, _ = square(open_window)
    pane = window.desk.images.right
    assert pane.name.full == "denoised  ·  unet-s · openvino bf16  ·  7.4\u00a0ms"
    picture = pane.grab().toImage()
    assert picture.pixelColor(0, pane.height() // 2).name() == DARK.denoised


def test_without_a_network_the_right_pane_says_so_and_shows_raw(open_window: Opener) -> None:
    window, _ = square(open_window, has_network=False)
    assert "no network" in window.desk.images.right.name.full
    assert min(pixel(window.desk.images.right, 32, 32)) > 240


def test_an_image_that_no_network_made_is_never_called_denoised(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    window = open_window(source)
    source.advance(1)
    result = source._documents[-2]
    source._documents[-2] = msgspec.structs.replace(result, model_id="none")
    window.tick()
    assert "no network" in window.desk.images.right.name.full
    assert window.desk.images.denoised is None


def test_a_restored_image_that_came_too_late_to_draw_is_not_called_absent(
    open_window: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    monkeypatch.setattr(source, "restored", lambda slot: None)
    window = open_window(source)
    source.advance(1)
    window.tick()
    assert "gone before it was drawn" in window.desk.images.right.name.full
    assert "no network" not in window.desk.images.right.name.full


def test_an_older_restored_image_carries_its_age(open_window: Opener) -> None:
    window, source = square(open_window)
    assert window.desk.images.right.canvas.badge == ""
    source.advance(3)
    source._documents.clear()  # the worker is late: frames come, results do not
    window.tick()
    assert window.desk.images.right.canvas.badge == "3 frames older, 0.3 s"


def test_an_empty_field_paints(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=0)
    source._cells.bright = np.array([1.0])
    window = open_window(source)
    from gui.tails import Tails

    window.desk.images.set_tracks(Tails().drawing())
    assert window.desk.images.right.grab().width() > 0


def test_tracks_are_drawn_in_the_pane_that_is_in_sight(open_window: Opener) -> None:
    from gui.image_view import Mode

    source = FakeSource(side_px=128, n_cells=12)
    window = open_window(source)
    run(window, source, 20)
    before = window.desk.images.right.canvas.grab().toImage()
    window.desk.controls.tracks.click()
    assert window.desk.images.right.canvas.grab().toImage() != before
    window.desk.controls.tracks.click()
    window.set_mode(Mode.RAW)
    assert window.desk.images.left.tracks.isVisible()
    assert len(window.desk.images.left.tracks._drawing.ids) == 12


def test_the_array_that_draws_tails_without_python_objects_is_there() -> None:
    """PrimitiveArray is internal to pyqtgraph: an update may take it away."""
    from gui._qt import QtCore, internals

    lines = internals.PrimitiveArray(QtCore.QLineF, 4)
    lines.resize(3)
    lines.ndarray()[:] = np.arange(12).reshape(3, 4)
    assert len(lines) == 3
    assert lines.drawargs()


def test_the_histogram_handles_set_black_and_white(open_window: Opener, qtbot: Any) -> None:
    from gui._qt import Qt, QtCore

    window, _ = square(open_window)
    histogram = window.desk.histogram
    x, y = int(histogram._x(histogram._levels.high)), 20
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QtCore.QPoint(x, y))
    before = window.desk.images.levels
    qtbot.mouseMove(histogram, QtCore.QPoint(x - 60, y))
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton)
    assert window.desk.images.levels.high < before.high
    assert window.desk.images.levels.low == before.low
    assert not window.desk.controls.auto.isChecked()


def test_zooming_one_pane_zooms_the_other(open_window: Opener) -> None:
    from gui._qt import QtCore

    window, _ = square(open_window)
    left, right = window.desk.images.left.box, window.desk.images.right.box
    left.setRange(QtCore.QRectF(10, 10, 20, 20), padding=0)
    assert right.viewRect().center() == left.viewRect().center()
    right.setRange(QtCore.QRectF(30, 30, 10, 10), padding=0)
    assert left.viewRect().width() == pytest.approx(right.viewRect().width())


@pytest.mark.parametrize(
    ("um_per_dot", "length"), [(0.1, 5.0), (0.325, 20.0), (1.0, 50.0), (0.011, 0.5), (0.0, 0.0)]
)
def test_the_scale_bar_has_a_round_length(um_per_dot: float, length: float) -> None:
    from gui.pane import scale_bar_um

    assert scale_bar_um(um_per_dot) == pytest.approx(length)


def test_a_finer_restored_image_covers_the_same_field(open_window: Opener) -> None:
    from gui.image_view import Mode

    class Finer(SquareSource):
        def restored(self, slot: Any) -> np.ndarray:
            return np.kron(super().restored(slot), np.ones((2, 2), np.float32))

    source = Finer(side_px=64, n_cells=3)
    window = open_window(source)
    window.desk.controls.tracks.setChecked(False)
    run(window, source)
    assert min(pixel(window.desk.images.right, 38, 38)) > 240
    assert max(pixel(window.desk.images.right, 50, 50)) < 20
    assert "denoised 950.0" in window.desk.images.value_at(30.5, 30.5)
    window.set_mode(Mode.SWIPE)
    assert min(pixel(window.desk.images.left, 38, 38)) > 240


def test_a_person_can_look_at_one_of_several_fields_and_channels(open_window: Opener) -> None:
    source = SquareSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source)
    assert not window.desk.controls.channel.isVisible()
    source.advance(1)
    message, result = source._newest, source._documents[-2]
    other = msgspec.structs.replace(message.info.applied, channel="RFP")
    info = msgspec.structs.replace(message.info, applied=other, index=Index(t=1, p=4))
    source._newest = msgspec.structs.replace(message, info=info)
    source._documents[-2] = msgspec.structs.replace(result, position=4)
    window.refresh()
    controls = window.desk.controls
    assert [controls.field.itemText(i) for i in range(3)] == ["newest field", "field 1", "field 5"]
    assert [controls.channel.itemText(i) for i in range(1, 3)] == ["GFP", "RFP"]
    controls.channel.setCurrentText("RFP")
    shown = window.view.shown_frames
    run(window, source)  # a GFP frame: acknowledged, not drawn
    assert window.view.shown_frames == shown
    assert source._credit == 1
    controls.field.setCurrentText("field 5")
    assert window.feed.field == 4


def test_the_scale_bar_stands_above_the_picture_once(open_window: Opener) -> None:
    from gui.image_view import Mode

    window, _ = square(open_window)
    left, right = window.desk.images.left.scale, window.desk.images.right.scale
    assert left.length_um > 0
    assert left.isVisible()
    assert not right.isVisible()
    before = left.length_um
    window.desk.images.left.box.setRange(
        window.desk.images.left.box.viewRect().adjusted(30, 30, -30, -30)
    )
    assert left.length_um < before
    window.set_mode(Mode.DENOISED)
    assert right.isVisible()
