"""Images for looking in the window: beside the others, as large, as bright, and told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gui.looking import WARNING, Looking, Mode, error_of
from gui.theme import DARK, rgb
from realtime.wire import Picture, RestoredSlot, RingInfo
from tests.gui.fake_source import FakeSource

Opener = Callable[..., Any]
BOTH = ("superres", "axial")
SIDE = 64


class SquareSource(FakeSource):
    """A bright square on a dark ground: raw, restored, and finer with a dark line through it."""

    fetched = 0

    def raw(self, message: Any) -> np.ndarray:
        image = np.full((SIDE, SIDE), 100, np.uint16)
        image[24:40, 24:40] = 2000
        return image

    def restored(self, slot: Any) -> np.ndarray | None:
        if slot.slot < 0:
            return None
        self.fetched += slot.slot >= 4
        finer = slot.height // SIDE
        image = np.zeros((slot.height, slot.width), np.float32)
        image[24 * finer : 40 * finer, 24 * finer : 40 * finer] = 950.0 / finer**2
        if finer == 2:
            image[63:65] = 0.0  # less than a camera pixel would show
        return image


def run(window: Any, source: FakeSource, shots: int = 1) -> None:
    source.advance(shots)
    window._slow_ns = 0
    window.tick()


def opened(open_window: Opener, looking: tuple[str, ...] = BOTH) -> tuple[Any, SquareSource]:
    source = SquareSource(side_px=SIDE, n_cells=3, looking=looking)
    window = open_window(source)
    window.desk.controls.tracks.setChecked(False)
    run(window, source)
    return window, source


def pixel(pane: Any, x: float, y: float) -> tuple[int, int, int]:
    from gui._qt import QtCore

    picture = pane.canvas.grab().toImage()
    place = pane.canvas.mapFromScene(pane.box.mapViewToScene(QtCore.QPointF(x, y)))
    colour = picture.pixelColor(place.x(), place.y())
    return colour.red(), colour.green(), colour.blue()


def test_a_run_without_such_images_offers_none_and_its_keys_do_nothing(open_window: Opener) -> None:
    window, source = opened(open_window, ())
    run(window, source)
    assert not window.desk.controls.modes[Mode.THREE].isVisible()
    window.set_mode(Mode.THREE)
    assert window.desk.images.mode is Mode.SIDE
    window.look_at_next()
    assert not window.desk.images.third.isVisible()


def test_all_three_are_side_by_side_equally_large_and_equally_bright(open_window: Opener) -> None:
    window, source = opened(open_window)
    assert window.desk.controls.modes[Mode.THREE].isVisible()
    window.set_mode(Mode.THREE)
    run(window, source)
    images = window.desk.images
    assert [pane.isVisible() for pane in images.panes] == [True, True, True]
    for pane in images.panes:  # a fine pixel has a quarter of the light, and is no darker for it
        assert min(pixel(pane, 28, 28)) > 240
        assert max(pixel(pane, 8, 8)) < 20
    assert max(pixel(images.third, 32, 32)) < 20 < min(pixel(images.left, 32, 32))
    ranges = [pane.box.viewRect() for pane in images.panes]
    assert ranges[0].center() == ranges[2].center()
    assert abs(ranges[0].width() - ranges[2].width()) < 2


def test_it_is_said_that_they_are_not_for_deciding_and_how_large_their_pixels_are(
    open_window: Opener,
) -> None:
    window, source = opened(open_window)
    window.set_mode(Mode.LOOK)
    run(window, source)
    pane = window.desk.images.third
    name = pane.name.full
    assert name.startswith(WARNING)  # first, so that no narrow pane cuts it off
    assert "0.163 µm pixels" in name  # of a camera with 0.325
    assert "super-resolved" in name
    assert "superres-fast@1" in name
    assert [p.isVisible() for p in window.desk.images.panes] == [False, False, True]
    border = pane.grab().toImage().pixelColor(1, pane.height() // 2)
    assert (border.red(), border.green(), border.blue()) == rgb(DARK.warn)
    assert pane.scale.isVisible()
    dots = 20.0 / pane.canvas.pixel_um / pane.box.viewPixelSize()[0]
    assert pane.scale.length_um > 0
    assert np.isclose(pane.scale._dots, dots * pane.scale.length_um / 20.0, rtol=1e-6)
    assert "for looking 950.0" in window.desk.images.value_at(28, 28)


def test_a_key_goes_from_one_to_the_next(open_window: Opener) -> None:
    window, source = opened(open_window)
    window.set_mode(Mode.LOOK)
    run(window, source)
    window.look_at_next()
    run(window, source)
    assert "between planes, plane 1.5" in window.desk.images.third.name.full
    assert "0.325 µm pixels" in window.desk.images.third.name.full
    window.look_at_next()
    run(window, source)
    assert "super-resolved" in window.desk.images.third.name.full


def test_esrrf_says_its_name_the_size_of_its_pixels_and_what_it_is_not_for(
    open_window: Opener,
) -> None:
    window, source = opened(open_window, ("superres", "esrrf"))
    window.set_mode(Mode.LOOK)
    window.look_at_next()
    run(window, source)
    name = window.desk.images.third.name.full
    assert name.startswith(WARNING)
    assert "0.163 µm pixels  ·  eSRRF" in name


def test_who_does_not_look_copies_nothing(open_window: Opener) -> None:
    window, source = opened(open_window)
    run(window, source, 5)
    assert source.fetched == 0
    window.set_mode(Mode.THREE)
    window.tick()
    assert source.fetched == 1  # without waiting for the next shot
    window.tick()
    assert source.fetched == 1  # and not again


def test_an_image_of_an_earlier_shot_says_how_old_it_is(open_window: Opener) -> None:
    window, source = opened(open_window)
    window.set_mode(Mode.THREE)
    run(window, source)
    assert window.desk.images.third.canvas.badge == ""
    source.looking = ()  # there was no time for them
    run(window, source, 3)
    assert "3 frames older" in window.desk.images.third.canvas.badge
    assert window.desk.images.right.canvas.badge == ""


def test_an_image_that_was_overwritten_leaves_the_last_one() -> None:
    source = FakeSource(side_px=SIDE, looking=("superres",))
    source.advance()
    result = next(m for m in source.poll() if getattr(m, "pictures", ()))
    looking = Looking()
    assert looking.fetch(source) is None
    looking.take(result)

    class Gone(FakeSource):
        def restored(self, slot: Any) -> None:
            return None

    assert looking.fetch(Gone(side_px=SIDE)) is None
    assert looking.fetch(source) is None  # not asked for in vain at every tick
    looking.look_again()
    look = looking.fetch(source)
    assert look is not None
    assert look.photons.shape == (2 * SIDE, 2 * SIDE)
    assert look.unit(SIDE).of(1.0) == 4.0


def test_the_error_to_be_expected_is_in_the_name_where_it_is_known() -> None:
    slot = RestoredSlot(RingInfo("ll", 4, 1), 0, 1, SIDE, SIDE)
    assert error_of(Picture("superres", 0.0, "net", slot)) == ""
    known = Picture("superres", 0.0, "net", slot, 1.234, 1.02, 1.5)
    assert error_of(known).endswith("error 1.2 e- (1 to 1.5)")
