from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics.optics import Optics, Window
from acquire.simulated.specimen.cells import Nuclei

FLAT = SimulatedScopeConfig(
    height=128, width=160, pixel_um=0.5, vignette=0.0, background_e_per_j_cm2=0.0
)
WHOLE = Window(0, 0, 160, 128)


def nuclei(
    x_um: list[float],
    y_um: list[float],
    long_um: float = 5.0,
    short_um: float = 4.0,
    angle: float = 0.0,
    condensed: float = 0.0,
) -> Nuclei:
    n = len(x_um)
    return Nuclei(
        ids=np.arange(n),
        parents=np.full(n, -1),
        keys=np.arange(1, n + 1, dtype=np.uint64),
        x_um=np.array(x_um),
        y_um=np.array(y_um),
        long_um=np.full(n, long_um),
        short_um=np.full(n, short_um),
        angle=np.full(n, angle),
        dye=np.ones(n),
        condensed=np.full(n, condensed),
        phase=np.zeros(n, np.int8),
        born_s=np.zeros(n),
        damage=np.zeros(n),
    )


def see(
    seen: Nuclei,
    config: SimulatedScopeConfig = FLAT,
    fluence: float = 0.01,
    centre: tuple[float, float] = (0.0, 0.0),
    defocus_um: float = 0.0,
    window: Window = WHOLE,
) -> NDArray[np.float32]:
    return Optics(config).expected(seen, seen.dye, fluence, centre, defocus_um, window)


@pytest.mark.parametrize("condensed", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5])
@pytest.mark.parametrize("defocus_um", [0.0, 4.0])
def test_every_photon_of_a_nucleus_arrives_whatever_its_shape_and_focus(
    condensed: float, angle: float, defocus_um: float
) -> None:
    image = see(nuclei([0.3], [-2.1], angle=angle, condensed=condensed), defocus_um=defocus_um)
    expected = 6000.0 * 0.01 * np.pi * (FLAT.nucleus_um / FLAT.pixel_um) ** 2
    assert image.sum() == pytest.approx(expected, rel=0.03)


def test_photons_go_with_the_dose() -> None:
    one, two = (see(nuclei([0.0], [0.0]), fluence=f) for f in (0.01, 0.02))
    assert two == pytest.approx(2 * one, rel=1e-5)


def test_without_light_there_is_no_image() -> None:
    assert not see(nuclei([0.0], [0.0]), fluence=0.0).any()


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.57, 2.6])
def test_a_nucleus_lies_where_it_is_and_points_where_it_points(angle: float) -> None:
    image = see(nuclei([4.3], [-6.7], 7.0, 2.5, angle, condensed=1.0))
    y, x = ndimage.center_of_mass(image)
    assert x == pytest.approx(4.3 / 0.5 + 79.5, abs=0.3)
    assert y == pytest.approx(-6.7 / 0.5 + 63.5, abs=0.3)
    rows, columns = np.indices(image.shape)
    weight = image / image.sum()
    covariance = np.array(
        [
            [np.sum(weight * (columns - x) ** 2), np.sum(weight * (columns - x) * (rows - y))],
            [np.sum(weight * (columns - x) * (rows - y)), np.sum(weight * (rows - y) ** 2)],
        ]
    )
    long_axis = np.linalg.eigh(covariance)[1][:, 1]
    assert abs(long_axis @ np.array([np.cos(angle), np.sin(angle)])) > 0.99


def test_the_stage_moves_the_image_against_itself() -> None:
    image = see(nuclei([0.0], [0.0]), centre=(10.0, -5.0))
    y, x = ndimage.center_of_mass(image)
    assert (x, y) == pytest.approx((79.5 - 20.0, 63.5 + 10.0), abs=0.5)


def test_a_region_of_the_chip_sees_what_the_whole_chip_sees_there() -> None:
    config = FLAT.model_copy(update={"vignette": 0.4, "background_e_per_j_cm2": 900.0})
    cells = nuclei([0.0, 10.0, -14.0], [0.0, 6.0, 3.0])
    whole = see(cells, config)
    part = see(cells, config, window=Window(30, 20, 90, 70))
    inner = (slice(6, -6), slice(6, -6))  # the blur ends at the window's border
    assert part[inner] == pytest.approx(whole[20:90, 30:120][inner], rel=1e-4, abs=1e-4)


def test_nuclei_at_the_border_and_beyond_it_do_no_harm() -> None:
    image = see(nuclei([-40.0, 39.9, 0.0, 500.0, -46.0], [0.0, 31.9, -34.0, 0.0, -36.0]))
    assert np.isfinite(image).all()
    assert (image >= 0).all()
    assert image[:, :4].sum() > 0


def test_light_falls_off_to_the_corners_as_the_config_says() -> None:
    config = FLAT.model_copy(update={"vignette": 0.4, "background_e_per_j_cm2": 1000.0})
    glow = see(nuclei([], []), config)
    assert glow[63:65, 79:81].mean() == pytest.approx(10.0, rel=1e-3)
    assert glow[0, 0] == pytest.approx(6.0, rel=1e-3)


def test_out_of_focus_is_dimmer_and_wider() -> None:
    peaks = [see(nuclei([0.0], [0.0]), defocus_um=z).max() for z in (0.0, 3.0, -8.0)]
    assert peaks[0] > 1.1 * peaks[1] > 1.1 * peaks[2]


def test_a_nucleus_is_textured_and_no_two_are_alike() -> None:
    image = see(nuclei([-20.0, 20.0], [0.0, 0.0], 6.0, 6.0))
    left, right = image[56:72, 32:48], image[56:72, 112:128]
    assert left.std() / left.mean() > 0.08
    assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.8
