"""The page on which the figures of the documentation are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.io import imread

pytest.importorskip("PySide6", reason='figures need pip install -e ".[gui]"')
pytest.importorskip("pytestqt", reason='figures need pip install -e ".[dev]"')

from docs.figures.chart import Axis, Chart
from docs.figures.sheet import RED, SCALE, TEAL, Sheet
from gui._qt import QtWidgets

pytestmark = pytest.mark.usefixtures("qapp")


def colour_of(words: str) -> NDArray[np.int_]:
    return np.array([int(words[i : i + 2], 16) for i in (1, 3, 5)])


def test_what_is_drawn_stands_where_its_values_say(tmp_path: Path) -> None:
    sheet = Sheet(400, 300, "title", "subtitle")
    x, y = Axis("dose", 1.0, 100.0, (1, 10, 100), is_log=True), Axis("%", 0, 100, (0, 50, 100))
    chart = Chart(sheet, (0, 60, 400, 240), "chart", x, y)
    chart.points([10.0], [50.0], TEAL, size=6.0)
    chart.line([1.0, 100.0], [100.0, 100.0], RED)
    sheet.save(tmp_path / "deep" / "figure.png")
    image = imread(tmp_path / "deep" / "figure.png")[:, :, :3].astype(int)
    assert image.shape == (300 * SCALE, 400 * SCALE, 3)
    dot = np.argwhere(np.abs(image - colour_of(TEAL)).sum(axis=2) < 20).mean(axis=0) / SCALE
    assert dot == pytest.approx([60 + 40 + 0.5 * 162, 46 + 0.5 * 340], abs=1.0)
    line = np.argwhere(np.abs(image - colour_of(RED)).sum(axis=2) < 20) / SCALE
    assert line[:, 0].mean() == pytest.approx(100.0, abs=1.0)
    assert np.ptp(line[:, 1]) == pytest.approx(340.0, abs=4.0)


def test_a_picture_keeps_its_colours(tmp_path: Path) -> None:
    sheet = Sheet(100, 100, "", "")
    sheet.picture(20, 20, 50, 50, np.full((10, 10, 3), (10, 200, 30), np.uint8))
    sheet.save(tmp_path / "figure.png")
    image = imread(tmp_path / "figure.png")
    assert image[45 * SCALE, 45 * SCALE, :3].tolist() == [10, 200, 30]


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    sheet = Sheet(50, 50, "", "")
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(OSError, match="could not write"):
        sheet.save(tmp_path / "figure.png")


@pytest.mark.parametrize(
    ("axis", "value", "along"),
    [
        (Axis("", 0, 10), 5.0, 0.5),
        (Axis("", 1, 100, is_log=True), 10.0, 0.5),
        (Axis("", 0, 10), 1e9, 1.02),
        (Axis("", 1, 100, is_log=True), 0.0, -0.02),
    ],
)
def test_an_axis_knows_where_a_value_lies_and_ends_a_little_beyond_its_ends(
    axis: Axis, value: float, along: float
) -> None:
    assert float(axis.along(value)) == pytest.approx(along)


def test_one_application_serves_the_whole_process() -> None:
    before = QtWidgets.QApplication.instance()
    sheet = Sheet(10, 10, "", "")
    del sheet  # dropped in the middle of a drawing
    assert QtWidgets.QApplication.instance() is before
