"""What only a simulator knows: whose a pixel is, what a cell has taken, who came from whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Filming, Movie
from acquire.simulated.optics.optics import Window
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.lineages import Ending, Lineages
from acquire.simulated.truth import Chip, instance_mask
from tests.unit.truth_samples import CHIP, HEIGHT, LINES, PIXEL_UM, WIDTH, nuclei, seen

BIG = Chip(200, 200, 0.1)
SMALL = SimulatedScopeConfig(height=96, width=96, n_cells=12, field_scale=1.5, cycle_h=2.0)


def mask_by_definition(one, chip):
    """The slow way: each pixel asks each cell. Also by how much the answer was clear."""
    cells, mask = one.nuclei, np.zeros((one.window.height, one.window.width), np.uint32)
    clear = np.full(mask.shape, np.inf)
    y_px, x_px = chip.to_pixels(one)
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            best = 1.0
            for i in range(len(cells)):
                dx, dy = (x - x_px[i]) * chip.pixel_um, (y - y_px[i]) * chip.pixel_um
                turned = (dx + 1j * dy) * np.exp(-1j * cells.angle[i])
                depth = (cells.z_um[i] - one.position_um[2]) / cells.depth_um[i]
                if not np.ptp(cells.z_um):
                    depth = 0.0
                distance = (
                    (turned.real / cells.long_um[i]) ** 2
                    + (turned.imag / cells.short_um[i]) ** 2
                    + depth**2
                )
                clear[y, x] = min(clear[y, x], abs(distance - best))
                if distance < best:
                    best, mask[y, x] = distance, cells.ids[i] + 1
    return mask, clear


@given(
    st.lists(
        st.tuples(
            st.floats(-18, 18), st.floats(-13, 13), st.floats(-3, 3), st.floats(0, 3.1),
            st.floats(0.6, 4.0), st.floats(0.3, 1.0),
        ),
        min_size=1, max_size=5,
    ),
    st.floats(-2, 2),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_every_pixel_belongs_to_the_nucleus_it_lies_deepest_in(drawn, focus_um) -> None:
    x, y, z, angle, long_um, ratio = np.array(drawn).T
    cells = nuclei(
        *[(i, -1, x[i], y[i]) for i in range(len(x))],
        angle=angle, long_um=long_um, short_um=long_um * ratio, z_um=z,
        depth_um=np.full(len(x), 1.7),
    )  # fmt: skip
    one = seen(cells, position_um=(0.3, -0.2, focus_um), window=Window(7, 3, 31, 22))
    mask, clear = mask_by_definition(one, CHIP)
    is_sure = clear > 1e-5  # two nuclei alike in depth, or an outline: a matter of rounding
    assert np.array_equal(instance_mask(one, CHIP)[is_sure], mask[is_sure])


def test_a_mask_has_the_area_place_and_direction_of_its_nucleus() -> None:
    cells = nuclei(
        (4, -1, 1.0, -2.0),
        angle=np.array([0.7]),
        long_um=np.array([4.0]),
        short_um=np.array([2.0]),
    )
    window = Window(0, 0, 200, 200)
    (region,) = regionprops(instance_mask(seen(cells, window=window), BIG))
    assert region.label == 5
    assert region.area == pytest.approx(np.pi * 40 * 20, rel=0.01)
    assert region.centroid == pytest.approx((99.5 - 20, 99.5 + 10), abs=0.1)
    assert region.axis_major_length == pytest.approx(80, rel=0.01)
    # skimage measures from the rows' axis, we from x towards y.
    assert np.pi / 2 - region.orientation == pytest.approx(0.7, abs=0.01)


def test_planes_cut_a_specimen_with_depth_and_a_flat_one_shows_its_outlines() -> None:
    deep = nuclei((0, -1, -5, 0), (1, -1, 5, 0), z_um=np.array([0.0, 6.0]))
    at = [instance_mask(seen(deep, position_um=(0, 0, z)), CHIP) for z in (0.0, 1.0, 3.0, 6.0)]
    assert [sorted(set(np.unique(mask)) - {0}) for mask in at] == [[1], [1], [], [2]]
    assert 0 < (at[1] > 0).sum() < (at[0] > 0).sum()
    flat = nuclei((0, -1, -5, 0), (1, -1, 5, 0))
    near, far = (instance_mask(seen(flat, position_um=(0, 0, z)), CHIP) for z in (0.0, 9.0))
    np.testing.assert_array_equal(near, far)


def test_a_region_of_the_chip_shows_the_same_cells_as_the_whole() -> None:
    cells = nuclei((0, -1, -6, -3), (1, -1, 6, 4), (2, -1, 0, 0))
    whole = instance_mask(seen(cells), CHIP)
    part = instance_mask(seen(cells, window=Window(10, 5, 30, 20)), CHIP)
    np.testing.assert_array_equal(part, whole[5:25, 10:40])


def test_an_empty_field_has_an_empty_mask() -> None:
    assert not instance_mask(seen(nuclei()), CHIP).any()
    assert instance_mask(seen(nuclei()), CHIP).shape == (HEIGHT, WIDTH)


def test_dose_adds_up_line_by_line_and_daughters_inherit_it() -> None:
    lineages = Lineages(len(LINES))
    mother = nuclei((0, -1, 0, 0), (1, -1, 5, 0))
    one = seen(mother)
    first = lineages.look(mother, 0.0, one.dose_j_cm2(LINES))
    np.testing.assert_allclose(first, [[0.6, 0.25], [0.3, 0.125]])
    second = lineages.look(mother, 60.0, one.dose_j_cm2(LINES))
    np.testing.assert_allclose(second, 2 * first)
    daughters = nuclei((1, -1, 5, 0), (2, 0, -1, 0), (3, 0, 1, 0))
    np.testing.assert_allclose(lineages.look(daughters, 120.0), second[[1, 0, 0]])


def test_a_life_ends_by_division_by_death_or_unseen() -> None:
    lineages = Lineages(1)
    cells = nuclei(*[(i, -1, i, 0) for i in range(4)])
    lineages.look(cells, 0.0)
    dying = nuclei(
        (0, -1, 0, 0), (1, -1, 1, 0), (4, 2, 2, 0), (5, 2, 2, 0),
        phase=np.array([0, Phase.DYING, 0, 0], np.int8), born_s=np.array([0.0, 0, 50, 50]),
    )  # fmt: skip
    lineages.look(dying, 60.0)
    lineages.look(nuclei((0, -1, 0, 0), (4, 2, 2, 0), (5, 2, 2, 0)), 120.0)
    rows = lineages.rows()
    assert rows["ending"].tolist() == [
        Ending.OPEN, Ending.DEATH, Ending.DIVISION, Ending.GONE, Ending.OPEN, Ending.OPEN
    ]  # fmt: skip
    assert rows["end_s"][1:4].tolist() == [60.0, 50.0, 60.0]
    assert np.isnan(rows["end_s"][[0, 4, 5]]).all()
    assert lineages.counts() == (6, 1, 1)


def test_lineages_are_the_same_however_rarely_the_movie_looks() -> None:
    def ended(times: int, interval_s: float):
        few = SMALL.model_copy(update={"n_cells": 3})
        filming = Filming(Movie(few, times, interval_s, 1.0, 0.0))
        for _ in filming.frames():
            pass
        return filming.lineages.rows()

    often, rarely = ended(19, 500.0), ended(2, 9_000.0)
    assert (often["ending"] == Ending.DIVISION).any()
    for name in ("id", "parent", "key", "born_s", "ending"):
        np.testing.assert_array_equal(often[name], rarely[name])


def test_the_truth_says_what_the_bench_gave_to_each_cell() -> None:
    movie = Movie(SMALL, 3, 60.0, 50.0, 0.4)
    *_, last = Filming(movie).frames()
    irradiance = 0.4 * SMALL.max_irradiance_w_cm2
    assert last.seen.given.fluence_j_cm2[last.line] == pytest.approx(irradiance * 0.05)
    most = last.taken_j_cm2.max()
    assert 0.9 * 3 * irradiance * 0.05 < most <= 3 * irradiance * 0.05
    assert (last.taken_j_cm2[last.seen.lit == 0.0] < most).all()
    is_lit = last.taken_j_cm2[:, 0] > 0
    assert (last.seen.nuclei.damage[is_lit] > 0).all()
    assert not last.seen.nuclei.damage[~is_lit].any()


def test_an_image_scatters_about_its_expectation_as_photons_and_read_noise_do() -> None:
    (taken,) = Filming(Movie(SMALL, 1, 60.0, 100.0, 1.0)).frames()
    electrons = (taken.pixels - SMALL.offset_adu) / SMALL.gain_adu_per_e
    expected = taken.seen.expected_e.astype(float)
    z = (electrons - expected) / np.sqrt(expected + SMALL.read_noise_e**2 + 1 / 12 / 4)
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1.0, abs=0.03)


def test_the_same_movie_is_filmed_the_same() -> None:
    movie = Movie(SMALL, 2, 600.0, 20.0, 0.5, planes=3, step_um=2.0)
    first, second = (list(Filming(movie).frames()) for _ in range(2))
    assert len(first) == movie.n_frames == 6
    assert [one.index.z for one in first] == [0, 1, 2, 0, 1, 2]
    assert [one.seen.position_um[2] for one in first[:3]] == [-2.0, 0.0, 2.0]
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_pixel_size_of_the_samples_is_what_the_chip_says() -> None:
    y, x = CHIP.to_pixels(seen(nuclei((0, -1, 0, 0), (1, -1, PIXEL_UM, -PIXEL_UM))))
    assert y.tolist() == [19.5, 18.5]
    assert x.tolist() == [29.5, 30.5]
