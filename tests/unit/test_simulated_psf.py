"""The image of a point, against textbooks and an independent way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import j0, j1

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics.blur import TOLERANCE, BlurStack, separated
from acquire.simulated.optics.psf import Objective, confocal_kernel, gibson_lanni, widefield_kernel

NM = 510.0
UM = NM * 1e-3


def half_width(place: NDArray[np.float64], value: NDArray[np.float64]) -> float:
    """Return the full width at half maximum of a curve that falls from its first value."""
    below = int(np.argmax(value < 0.5 * value[0]))
    return 2.0 * float(np.interp(0.5, [value[below] / value[0], value[below - 1] / value[0]],
                                 [place[below], place[below - 1]]))  # fmt: skip


@pytest.mark.parametrize("aperture", [0.3, 0.75, 1.2])
def test_in_focus_the_point_is_an_airy_disc(aperture: float) -> None:
    r = np.linspace(1e-6, 3.0 * UM / aperture, 400)
    light = gibson_lanni(Objective(aperture), NM, r, np.zeros(1))[0]
    v = 2 * np.pi * aperture * r / UM
    assert light / light[0] == pytest.approx((2 * j1(v) / v) ** 2, abs=1e-6)
    assert half_width(r, light) == pytest.approx(0.5145 * UM / aperture, rel=2e-3)


def test_along_the_axis_the_light_falls_as_sinc_squared_when_the_aperture_is_small() -> None:
    # Born & Wolf, Principles of Optics, sec. 8.8: first dark point at 2 n lambda / NA^2.
    aperture, n = 0.2, 1.33
    z = np.linspace(0.0, 1.8 * n * UM / aperture**2, 60)
    light = gibson_lanni(Objective(aperture), NM, np.zeros(1), z)[:, 0]
    assert light / light[0] == pytest.approx(np.sinc(z * aperture**2 / (2 * n * UM)) ** 2, abs=5e-3)


@pytest.mark.parametrize("z_um", [0.0, 1.5, -4.0])
def test_the_integral_is_that_of_gibson_and_lanni_term_by_term(z_um: float) -> None:
    aperture, immersion, specimen, depth = 1.2, 1.515, 1.33, 3.0
    k = 2 * np.pi / UM

    def path(rho: float) -> float:
        sine = aperture * rho
        in_specimen = (depth + z_um) * np.sqrt(specimen**2 - sine**2)
        return float(in_specimen - depth * immersion / specimen * np.sqrt(immersion**2 - sine**2))

    def light(r: float) -> float:
        real, imaginary = (
            quad(lambda p, f=f: p * j0(k * aperture * r * p) * f(k * path(p)), 0, 1, limit=400)[0]
            for f in (np.cos, np.sin)
        )
        return float(real**2 + imaginary**2)

    r = np.array([0.0, 0.12, 0.4, 0.9])
    found = gibson_lanni(Objective(aperture, immersion, specimen, depth), NM, r, np.array([z_um]))
    wanted = np.array([light(float(one)) for one in r])
    # Parseval fixes the scale: 1/um2, so that every plane holds all of the light.
    assert found[0] == pytest.approx(wanted * 4 * np.pi * aperture**2 / UM**2, rel=1e-5)


@pytest.mark.parametrize("z_um", [0.0, 0.8, 3.0])
def test_the_pupil_sent_through_a_fourier_transform_gives_the_same_image(z_um: float) -> None:
    aperture, n, step_um, side = 0.75, 1.33, 0.08, 512
    frequency = np.fft.fftfreq(side, step_um)
    sine = UM * np.hypot(frequency[:, None], frequency[None, :])
    lens = np.sqrt(np.clip(n**2 - sine**2, 0, None))
    pupil = (sine <= aperture) * np.exp(2j * np.pi / UM * z_um * lens)
    image = np.abs(np.fft.ifft2(pupil)) ** 2
    image /= image.sum() * step_um**2
    line = image[0, :60]
    r = np.linspace(0.0, 59 * step_um, 60)
    light = gibson_lanni(Objective(aperture), NM, r, np.array([z_um]))[0]
    assert light == pytest.approx(line, abs=0.02 * line.max())


@pytest.mark.parametrize("z_um", [0.0, 2.0, 6.0])
def test_every_plane_holds_all_the_light(z_um: float) -> None:
    r = np.linspace(0.0, 30.0, 1501)
    light = gibson_lanni(Objective(0.75), NM, r, np.array([z_um]))[0]
    assert np.trapezoid(2 * np.pi * r * light, r) == pytest.approx(1.0, abs=0.015)


def test_unlike_indices_dim_and_move_the_focus() -> None:
    z = np.linspace(-6, 6, 241)
    good = gibson_lanni(Objective(1.2, 1.33, 1.33, 20.0), NM, np.zeros(1), z)[:, 0]
    bad = gibson_lanni(Objective(1.2, 1.515, 1.33, 20.0), NM, np.zeros(1), z)[:, 0]
    assert bad.max() < 0.6 * good.max()
    assert abs(z[bad.argmax()]) > 0.5 > abs(z[good.argmax()])
    assert good == pytest.approx(good[::-1], rel=1e-6)
    assert np.abs(bad - bad[::-1]).max() > 0.1 * bad.max()


@pytest.mark.parametrize("aperture", [0.5, 0.75, 0.95])
def test_the_gaussian_of_the_fast_mode_is_this_close_to_the_diffraction_integral(
    aperture: float,
) -> None:
    # Stated in docs: rms error of the kernel 12 % of its own rms in focus (the rings are missing).
    config = SimulatedScopeConfig(numerical_aperture=aperture, pixel_um=0.1)
    stack = BlurStack(config, 488.0, NM)
    row, column = stack.exactly(0.0).passes[0]
    reach = len(row) // 2
    exact = widefield_kernel(Objective(aperture), NM, 0.0, 0.1, reach)
    error = np.outer(column, row) - exact / exact.sum()
    assert np.linalg.norm(error) < 0.12 * np.linalg.norm(exact / exact.sum())


def test_a_gaussian_out_of_focus_is_as_wide_as_the_diffraction_integral() -> None:
    config = SimulatedScopeConfig(numerical_aperture=0.75)
    r = np.linspace(0.0, 12.0, 2401)
    for z_um in (4.0, 7.0):
        light = gibson_lanni(Objective(0.75), NM, r, np.array([z_um]))[0]
        share = np.cumsum(2 * np.pi * r * light) * (r[1] - r[0])
        half_of_light = r[np.searchsorted(share, 0.5)]
        sigma = BlurStack(config, 488.0, NM).width_um(z_um)
        assert half_of_light == pytest.approx(1.1774 * sigma, rel=0.25)


@pytest.mark.parametrize("z_um", [0.0, 1.0, 2.5])
def test_a_few_passes_make_the_kernel_within_the_tolerance(z_um: float) -> None:
    kernel = widefield_kernel(Objective(0.95), NM, z_um, 0.325, 10)
    blur = separated(kernel)
    made = sum(np.outer(column, row) for row, column in blur.passes)
    assert np.linalg.norm(made - kernel) < 1.2 * TOLERANCE * np.linalg.norm(kernel)
    assert np.sum(made) == pytest.approx(kernel.sum(), rel=1e-5)


def test_a_pinhole_makes_the_point_narrower_and_dims_what_is_out_of_focus() -> None:
    objective, pixel_um = Objective(0.95), 0.05

    def kernel(pinhole_au: float, z_um: float) -> NDArray[np.float64]:
        return confocal_kernel(objective, 488.0, NM, pinhole_au, z_um, pixel_um, 14)

    place = np.linspace(0.0, 14 * pixel_um, 15)
    narrow = kernel(0.2, 0.0)[14, 14:]
    excited = gibson_lanni(objective, 488.0, place, np.zeros(1))[0]
    seen = gibson_lanni(objective, NM, place, np.zeros(1))[0]
    # A small pinhole: the product of both (Sheppard & Wilson 1978), 0.37 lambda / NA wide.
    assert half_width(place, narrow) == pytest.approx(half_width(place, excited * seen), rel=0.03)
    assert half_width(place, narrow) == pytest.approx(0.37 * 0.499 / 0.95, rel=0.04)
    one = kernel(1.0, 0.0)[14, 14:]
    assert half_width(place, narrow) < half_width(place, one) < half_width(place, seen)
    sharp, open_ = ([kernel(au, z).sum() for z in (0.0, 1.0)] for au in (1.0, 8.0))
    assert sharp[1] / sharp[0] < 0.45 < open_[1] / open_[0]
