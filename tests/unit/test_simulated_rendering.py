"""Cells at all heights, against a slow convolution that does it the plain way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.signal import fftconvolve

from acquire.simulated.config import LineConfig, SimulatedScopeConfig
from acquire.simulated.optics.blur import BlurStack
from acquire.simulated.optics.canvas import splat
from acquire.simulated.optics.optics import Optics, Window
from acquire.simulated.optics.psf import Objective, widefield_kernel
from acquire.simulated.optics.rendering import Blobs, Scene
from acquire.simulated.optics.sections import BALL, EDGE, RADIUS, REACH, SIDE
from acquire.simulated.optics.slicing import cut, cut_sheets
from acquire.simulated.specimen.cells import Nuclei, Spots

Image = NDArray[np.float64]

THICK = SimulatedScopeConfig(
    height=128,
    width=128,
    psf="widefield",
    vignette=0.0,
    background_e_per_j_cm2=0.0,
    numerical_aperture=0.95,
)
WHOLE = Window(0, 0, 128, 128)
SEMI_PX, SEMI_UM, LIGHT = (12.0, 9.0), 2.5, 100.0


def cells(*z_um: float, x_um: float = 0.0, **changes: object) -> Nuclei:
    n = len(z_um)
    one = np.ones(n)
    given_ = {"depth_um": 2.5 * one, "condensed": 0.0 * one} | changes
    return Nuclei(
        ids=np.arange(n),
        parents=np.full(n, -1),
        keys=np.arange(1, n + 1, dtype=np.uint64),
        x_um=np.linspace(x_um, x_um + 12.0 * (n - 1), n),
        y_um=np.zeros(n),
        long_um=4.0 * one,
        short_um=3.5 * one,
        angle=0.0 * one,
        dye=one,
        phase=np.zeros(n, np.int8),
        born_s=0.0 * one,
        damage=0.0 * one,
        z_um=np.array(z_um),
        **given_,  # type: ignore[arg-type]  # columns by name
    )


def see(
    nuclei: Nuclei,
    focus_um: float = 0.0,
    config: SimulatedScopeConfig = THICK,
    line: LineConfig | None = None,
    window: Window = WHOLE,
) -> NDArray[np.float32]:
    return Optics(config).expected(
        nuclei, nuclei.dye, 0.01, (0.0, 0.0), focus_um, window, line=line
    )


def slow_image(z_um: float, side: int = 128, slices: int = 14) -> Image:
    """Return an even ellipsoid cut into thin discs, each convolved with its whole kernel."""
    objective, image = Objective.of(THICK), np.zeros((side, side))
    fine = (np.arange(5 * side) + 0.5) / 5 - 0.5
    for u in -1 + (2 * np.arange(slices) + 1) / slices:
        radius = np.sqrt(1 - u * u)
        place = [(fine - c) / (a * radius) for c, a in zip((60.3, 65.8), SEMI_PX, strict=True)]
        disc = (place[1][:, None] ** 2 + place[0][None, :] ** 2 <= 1).astype(float)
        disc = disc.reshape(side, 5, side, 5).mean((1, 3))
        height = z_um + u * SEMI_UM
        reach = int(np.ceil((abs(height) * objective.slope + 2.2) / THICK.pixel_um))
        kernel = widefield_kernel(objective, 510.0, height, THICK.pixel_um, reach)
        light = LIGHT * 0.75 * (1 - u * u) * 2 / slices / radius**2
        image += fftconvolve(disc * light, kernel / kernel.sum(), mode="same")
    return image


def even(patch: NDArray[np.floating]) -> NDArray[np.float32]:
    pixel_area = (2 * REACH / (SIDE - 1)) ** 2
    scaled: NDArray[np.float32] = (patch * np.pi / (patch.sum() * pixel_area)).astype(np.float32)
    return scaled


@pytest.mark.parametrize(
    ("z_um", "error"), [(0.0, 0.03), (1.0, 0.03), (2.5, 0.03), (6.0, 0.05), (-9.0, 0.07)]
)
def test_a_fast_image_is_this_close_to_the_slow_one(z_um: float, error: float) -> None:
    disc, ball = even(np.clip((1 - RADIUS) / EDGE + 0.5, 0, 1)), even(BALL)

    def paint(_i: int, _height: float, round_: float) -> NDArray[np.float32]:
        return (1 - np.float32(round_)) * disc + np.float32(round_) * ball

    one = np.ones(1)
    scene = Scene(BlurStack(THICK, 488.0, 510.0), (128, 128))
    long, short = (semi * one for semi in SEMI_PX)
    scene.add_blobs(
        Blobs(
            60.3 * one, 65.8 * one, z_um * one, long, short, SEMI_UM * one, 0 * one, LIGHT * one,
            paint, REACH,
        )
    )  # fmt: skip
    slow = slow_image(z_um)
    assert np.linalg.norm(scene.develop() - slow) < error * np.linalg.norm(slow)


@settings(deadline=None, max_examples=60)
@given(
    centre=st.floats(-30, 30),
    semi=st.floats(0.05, 8),
    steps=st.lists(st.floats(0.2, 6), min_size=2, max_size=9),
)
def test_slices_of_a_cell_add_up_to_the_cell(
    centre: float, semi: float, steps: list[float]
) -> None:
    heights = np.cumsum(steps) - 10.0
    slices = cut(np.array([centre]), np.array([semi]), heights)
    assert slices.share.sum() == pytest.approx(1.0)
    assert (slices.share > 0).all()
    assert ((slices.radius > 0) & (slices.radius <= 1)).all()
    assert (np.abs(slices.height) <= 1).all()
    inside = centre - semi > heights[0] and centre + semi < heights[-1]
    if inside:  # what lies between two heights is shared so that the middle stays
        middle = (slices.share * heights[slices.layer]).sum()
        assert middle == pytest.approx(centre, abs=0.02 * (1 + semi))


def test_a_slice_holds_what_the_integral_says() -> None:
    heights = np.array([-2.0, -0.5, 0.4, 1.5, 4.0])
    slices = cut(np.array([0.3]), np.array([1.7]), heights)
    for layer, share, radius in zip(slices.layer, slices.share, slices.radius, strict=True):
        hat = np.zeros(5)
        hat[layer] = 1.0

        def area(z: float, power: int, hat: NDArray[np.float64] = hat) -> float:
            u = (z - 0.3) / 1.7
            return float(np.interp(z, heights, hat) * (1 - u * u) ** power)

        knots = [float(h) for h in heights if -1.4 < h < 2.0]
        volume, wide = (quad(area, -1.4, 2.0, args=(p,), points=knots)[0] for p in (1, 2))
        assert share == pytest.approx(volume / (1.7 * 4 / 3), rel=1e-5)
        assert radius**2 == pytest.approx(wide / volume, rel=1e-5)


def test_sheets_lie_between_two_heights() -> None:
    slices = cut_sheets(np.array([0.25, 99.0]), np.array([0.0, 1.0, 2.0]))
    assert sorted(zip(slices.cell, slices.layer, slices.share, strict=True)) == [
        (0, 0, pytest.approx(0.75)),
        (0, 1, pytest.approx(0.25)),
        (1, 2, pytest.approx(1.0)),
    ]


@pytest.mark.parametrize("focus_um", [-9.0, -2.0, 0.0, 0.7, 5.0])
def test_in_widefield_every_photon_arrives_whatever_the_focus(focus_um: float) -> None:
    total = see(cells(0.0), focus_um).sum()
    expected = 6000.0 * 0.01 * np.pi * (THICK.nucleus_um / THICK.pixel_um) ** 2
    assert total == pytest.approx(expected, rel=0.05)


def test_planes_really_differ() -> None:
    # Two cells at different heights: each is sharpest in its own plane.
    nuclei = cells(-5.0, 5.0, x_um=-6.0)
    low, high = see(nuclei, -5.0), see(nuclei, 5.0)
    left, right = (slice(None), slice(0, 64)), (slice(None), slice(64, 128))
    assert low[left].max() > 1.8 * high[left].max()
    assert high[right].max() > 1.8 * low[right].max()


def test_a_nucleus_shows_another_section_in_another_plane() -> None:
    config = THICK.model_copy(update={"psf": "confocal", "numerical_aperture": 1.2})
    nuclei = cells(0.0)
    planes = [see(nuclei, z, config)[50:78, 50:78].ravel() for z in (-1.2, 0.0, 1.2)]
    assert np.corrcoef(planes[0], planes[2])[0, 1] < 0.97
    again = see(nuclei, 0.0, config)[50:78, 50:78].ravel()
    assert np.array_equal(again, planes[1])


def test_a_pinhole_cuts_what_is_out_of_focus_and_widefield_does_not() -> None:
    confocal = THICK.model_copy(update={"psf": "confocal"})
    sharp, far = (see(cells(0.0), z, confocal).sum() for z in (0.0, 8.0))
    assert far < 0.05 * sharp
    assert see(cells(0.0), 8.0).sum() > 0.9 * see(cells(0.0), 0.0).sum()


def test_the_image_changes_smoothly_while_the_focus_moves() -> None:
    optics, nuclei = Optics(THICK), cells(0.0, 3.0)
    images = [
        optics.expected(nuclei, nuclei.dye, 0.01, (0.0, 0.0), z, WHOLE)
        for z in np.arange(0.0, 2.0, 0.1)
    ]
    steps = [np.abs(b - a).max() for a, b in pairwise(images)]
    assert max(steps) < 0.06 * images[0].max()


@pytest.mark.parametrize("psf", ["gaussian", "widefield"])
def test_a_region_of_the_chip_sees_what_the_whole_chip_sees_to_its_very_border(psf: str) -> None:
    config = THICK.model_copy(update={"psf": psf})
    nuclei = cells(0.0, 2.0, x_um=-5.0)
    part = see(nuclei, 0.5, config, window=Window(40, 50, 50, 40))
    whole = see(nuclei, 0.5, config)[50:90, 40:90]
    assert np.abs(part - whole).max() < 0.02 * whole.max()


def test_light_from_cells_beside_the_field_still_comes_in() -> None:
    beside = cells(0.0, x_um=26.0)  # its nearest rim is 1.4 um off the chip
    assert see(beside, 6.0)[:, -10:].sum() > 10 * see(beside, 0.0)[:, -10:].sum() + 1.0


def test_a_spot_is_the_image_of_a_point() -> None:
    config = THICK.model_copy(update={"pixel_um": 0.1})
    line = LineConfig(name="x", wavelength_nm=488.0, structure="spots", background_e_per_j_cm2=0.0)
    nuclei = cells(0.0)
    spot = np.array([0.03])
    spots = Spots(np.zeros(1, np.int64), spot, spot, 0.0 * spot, np.ones(1))
    image = Optics(config).expected(
        nuclei, nuclei.dye, 0.01, (0.0, 0.0), 0.0, WHOLE, line=line, spots=spots
    )
    kernel = widefield_kernel(Objective.of(config), 510.0, 0.0, 0.1, 8)
    y, x = np.unravel_index(image.argmax(), image.shape)
    # The point lies 0.2 pixels off the middle of a pixel; the kernel in its middle.
    assert np.corrcoef(image[y - 8 : y + 9, x - 8 : x + 9].ravel(), kernel.ravel())[0, 1] > 0.985
    assert image.max() == pytest.approx(60.0, rel=0.05)


@settings(deadline=None, max_examples=50)
@given(x=st.floats(4, 10), y=st.floats(4, 10))
def test_a_point_keeps_its_light_its_place_and_its_width(x: float, y: float) -> None:
    pixels = np.zeros((16, 16), np.float32)
    splat(pixels, np.array([x]), np.array([y]), np.array([5.0]))
    rows, columns = np.indices(pixels.shape)
    assert pixels.sum() == pytest.approx(5.0, rel=1e-5)
    assert (pixels * columns).sum() / 5 == pytest.approx(x, abs=1e-4)
    assert (pixels * rows).sum() / 5 == pytest.approx(y, abs=1e-4)
    assert (pixels * (columns - x) ** 2).sum() / 5 == pytest.approx(0.0, abs=1e-3)


def test_a_dye_of_the_cell_fills_its_body_and_autofluorescence_does_not_bleach() -> None:
    line = LineConfig(name="x", wavelength_nm=561.0, structure="cell", background_e_per_j_cm2=0.0)
    nuclei = cells(0.0)
    body, nucleus = see(nuclei, line=line), see(nuclei)
    assert (body > 0.1 * body.max()).sum() > 2 * (nucleus > 0.1 * nucleus.max()).sum()
    glowing = THICK.model_copy(update={"autofluorescence_e_per_j_cm2": 500.0})
    bleached = Optics(glowing).expected(nuclei, 0.0 * nuclei.dye, 0.01, (0.0, 0.0), 0.0, WHOLE)
    assert bleached.sum() == pytest.approx(5.0 * np.pi * (7.48 / 0.325) ** 2, rel=0.05)
