"""Words, colours and pictures of the window: what can be read, by whom, and under which light."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gui.theme import DARK, MIN_CONTRAST, RED, contrast, rgb
from gui.why import Kind
from realtime.wire import Notice
from tests.gui.fake_source import FakeSource
from tests.gui.window_hands import Opener, run, square

WHY = "the estimate copies noise, or the gain is set too low (variance 0.45, neighbours +0.123)"


def test_the_log_shows_every_decision_or_only_the_changes(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 200)
    decisions = [row for row in reversed(window.view.rows) if row.kind is Kind.DECISION]
    assert window.desk.log.model.rows == [row for row in decisions if row.is_change]
    window.desk.log.every.click()
    assert window.desk.log.model.rows == decisions
    run(window, source, 40)
    assert len(window.desk.log.model.rows) == 240
    index = window.desk.log.model.index(0, 2)
    assert index.data() == window.view.decision.reason


def test_a_click_on_the_timeline_finds_the_row(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 400)
    target = window.desk.log.model.rows[2]
    window.desk.timeline.picked.emit(target.t_s)
    assert window.desk.log.table.currentIndex().row() == 2


@pytest.mark.parametrize("theme", [DARK, RED], ids=lambda theme: theme.name)
def test_every_text_has_enough_contrast_on_every_ground_it_is_used_on(theme: Any) -> None:
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in ("window", "panel", "raised")]
    pairs += [("on_colour", ground) for ground in ("accent", "good", "bad")]
    pairs += [("on_warn", "warn"), ("on_alarm", "alarm"), ("text", "raised")]
    words = ("accent_text", "good_text", "warn_text", "bad_text", "denoised")
    pairs += [(ink, ground) for ink in words for ground in ("window", "panel")]
    for ink, ground in pairs:
        ratio = contrast(rgb(getattr(theme, ink)), rgb(getattr(theme, ground)))
        assert ratio >= MIN_CONTRAST, f"{theme.name}: {ink} on {ground} is {ratio:.2f}"


def test_the_stop_button_on_the_screen_is_red_and_not_pale(open_window: Opener) -> None:
    window, _ = square(open_window)
    picture = window.desk.bar.stop_light.grab().toImage()
    colours = {
        (c.red(), c.green(), c.blue())
        for x in range(picture.width())
        for c in [picture.pixelColor(x, 14)]
    }
    assert rgb(DARK.bad) in colours
    assert max(contrast(colour, rgb(DARK.bad)) for colour in colours) >= MIN_CONTRAST


def test_a_replay_says_so_on_the_window(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3, origin="replay of x.h5", dose_unit="relative")
    window = open_window(source)
    run(window, source)
    assert window.desk.banner.isVisible()
    assert window.desk.banner.text == "replay of x.h5: proposals made under recorded exposures"
    assert window.desk.bar.origin.full == "a test · replay of x.h5 · relative dose"
    assert "relative units" in window.desk.meters.bars["488"].right_text


def test_a_warning_reaches_the_footer_and_the_log(open_window: Opener) -> None:
    window, source = square(open_window)
    source.post(Notice("warn", "the disk is nearly full: 2 GB are left"))
    run(window, source)
    assert "2 GB" in window.desk.footer.notice.text()
    assert window.desk.log.model.rows[0].why == "the disk is nearly full: 2 GB are left"


def test_a_warning_that_is_longer_than_the_window_shows_that_it_goes_on(
    open_window: Opener,
) -> None:
    from gui.window import LEAST_SIZE

    window, source = square(open_window)
    window.resize(*LEAST_SIZE)
    said = "the shutter was read back as open; " * 8
    source.post(Notice("warn", said))
    run(window, source)
    notice = window.desk.footer.notice
    assert notice.text().endswith("…")
    assert notice.toolTip() == said
    assert notice.fontMetrics().horizontalAdvance(notice.text()) <= notice.width()


def test_the_wheel_changes_no_value(open_window: Opener) -> None:
    from gui._qt import Qt, QtCore, QtGui, QtWidgets
    from gui.style import NoWheel

    box, app, guard = QtWidgets.QSpinBox(), QtWidgets.QApplication.instance(), NoWheel()
    wheel = QtGui.QWheelEvent(
        QtCore.QPointF(5, 5), QtCore.QPointF(5, 5), QtCore.QPoint(0, 0), QtCore.QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    app.installEventFilter(guard)
    try:
        QtWidgets.QApplication.sendEvent(box, wheel)
    finally:
        app.removeEventFilter(guard)
    assert box.value() == 0


def test_a_guessed_calibration_is_never_out_of_sight(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    start = source._documents[0]
    camera = start.cameras[0]
    guess = msgspec.structs.replace(camera.calibration, source="estimated")
    cameras = (msgspec.structs.replace(camera, calibration=guess),)
    source._documents[0] = msgspec.structs.replace(start, cameras=cameras)
    window = open_window(source)
    run(window, source)
    assert window.desk.guess.isVisible()
    assert "estimated" in window.desk.guess.text
    assert not square(open_window)[0].desk.guess.isVisible()


def test_followed_and_confirmed_cells_are_told_apart(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=12)
    window = open_window(source)
    run(window, source)
    tile = window.desk.meters.tiles["Cells"]
    assert (tile.value.text(), tile.note.full) == ("12", "9 confirmed\nno divisions")


@pytest.mark.parametrize("size", [(1280, 720), (1440, 860)], ids=str)
def test_no_word_of_the_panel_is_cut(open_window: Opener, size: tuple[int, int]) -> None:
    from gui._qt import QtWidgets

    source = FakeSource(side_px=64, n_cells=12)
    window = open_window(source, size=size)
    source.advance(80)
    result = source._documents[-2]
    seen = result.observation
    trust = msgspec.structs.replace(seen.trust, is_trusted=False, why=WHY)
    source._documents[-2] = msgspec.structs.replace(
        result,
        model_id="denoise-2d@1 openvino-bf16",
        observation=msgspec.structs.replace(seen, trust=trust),
    )
    window.refresh()
    QtWidgets.QApplication.sendPostedEvents()
    for title, tile in window.desk.meters.tiles.items():
        for label in (tile.value, tile.note):
            assert "…" not in label.text(), f"{title}: {label.text()}"
        needed = tile.value.fontMetrics().horizontalAdvance(tile.value.text())
        assert tile.value.width() >= needed, title
    assert window.desk.meters.tiles["Trust"].toolTip() == WHY


def test_the_time_axis_says_how_it_is_to_be_read(open_window: Opener) -> None:
    source = FakeSource(side_px=64, n_cells=3)
    window = open_window(source)
    run(window, source, 100)
    axis = window.desk.plots.bleach.getAxis("bottom")
    assert axis.labelText == "time of the experiment, mm:ss"
    axis.setRange(0.0, 7200.0)
    assert axis.labelText == "time of the experiment, h:mm:ss"
    assert axis.tickStrings([1800.0, 3600.0], 1.0, 1800.0) == ["0:30:00", "1:00:00"]


@given(
    corners=arrays(np.float64, (12, 2), elements=st.floats(0, 60, width=32)),
    widths=arrays(np.float64, (12, 1), elements=st.floats(1, 30, width=32)),
)
def test_numbers_that_are_drawn_never_cover_each_other(
    corners: np.ndarray, widths: np.ndarray
) -> None:
    from gui._qt import QtCore
    from gui.tracks_item import apart

    sizes = np.hstack([widths, np.full((12, 1), 11.0)])
    boxes = [QtCore.QRectF(*c, *s) for c, s in zip(corners.tolist(), sizes.tolist(), strict=True)]
    kept = apart(corners, sizes)
    for k, box in enumerate(boxes):
        covered = [other for other in kept if other != k and boxes[other].intersects(box)]
        assert bool(covered) != (k in kept)  # drawn, or left out for one that is
