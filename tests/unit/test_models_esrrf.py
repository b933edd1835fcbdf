"""eSRRF: what blinks is told apart, nothing is invented or shifted, and rolling is the same."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import FrameRefused, ModelError
from models.esrrf import Convergence, lines_around
from models.esrrf_rolling import RollingEsrrf, bytes_of
from models.esrrf_sums import Statistic
from models.history import Moment

SIGMA_PX = 1.4
RAYLEIGH_PX = 0.61 * SIGMA_PX / 0.21
"""The Gaussian nearest to an Airy disc has 0.21 wavelengths / NA (Zhang, Zerubia & Olivo-Marin,
Appl. Opt. 46, 2007), Rayleigh's distance is 0.61."""


def spot(y: float, x: float, side: int = 32, sigma: float = SIGMA_PX) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))


def blinking(distance_px: float, frames: int, seed: int = 3) -> list[np.ndarray]:
    """Return two emitters that go on and off by themselves, each on for five frames at a time."""
    rng, middle = np.random.default_rng(seed), 15.5
    spots = [spot(middle, middle + s * distance_px / 2) for s in (-1, 1)]
    is_on, made = np.array([True, False]), []
    for _ in range(frames):
        is_on ^= rng.random(2) < 0.2
        made.append(rng.poisson(5 + 200 * sum(o * s for o, s in zip(is_on, spots, strict=True))))
    return [one.astype(np.float32) for one in made]


def dip(image: np.ndarray, distance_px: float) -> float:
    """Return how much lower the middle is than the dimmer emitter, as a share: 0 if it is not."""
    profile = image[31:33].mean(axis=0)
    left, right = (round(31.5 + s * distance_px) for s in (-1, 1))
    peaks = [profile[at - 2 : at + 3].max() for at in (left, right)]
    return 1 - float(profile[31:33].mean()) / min(peaks)


def picture_of(frames: list[np.ndarray], statistic: Statistic = "avg", **how) -> np.ndarray:
    rolling = RollingEsrrf(frames[0].shape, max(len(frames), 2), statistic, **how)
    for frame in frames:
        rolling.add(frame)
    return rolling.picture().copy()


def convergence(photons: np.ndarray, *how: float) -> np.ndarray:
    converge = Convergence(photons.shape, *how)
    out = np.empty(converge.shape, np.float32)
    converge(photons.astype(np.float32), out)
    return out


def test_emitters_at_seven_tenths_of_the_rayleigh_distance_are_told_apart() -> None:
    distance = 0.7 * RAYLEIGH_PX
    frames = blinking(distance, 300)
    mean = cv2.resize(np.mean(frames, axis=0), (64, 64), interpolation=cv2.INTER_LANCZOS4)
    found = {s: dip(picture_of(frames, s), distance) for s in ("avg", "var", "tac2")}
    assert dip(mean - 5, distance) < 0.05
    assert found["avg"] > 0.25  # Rayleigh himself asked for a dip of 26 %
    assert found["var"] > 0.5
    assert found["tac2"] > 0.5


@pytest.mark.parametrize("statistic", ["avg", "var", "tac2"])
def test_a_uniform_field_has_no_structure(statistic: Statistic) -> None:
    even = [np.full((24, 32), 100.0, np.float32)] * 3
    assert np.ptp(picture_of(even, statistic)) < 1.0


def test_noise_has_no_grid_and_no_place_that_is_brighter_for_lying_there() -> None:
    rng = np.random.default_rng(8)
    frames = [rng.poisson(50.0, (48, 48)).astype(np.float32) for _ in range(60)]
    picture = picture_of(frames)
    inner = picture[16:-16, 16:-16]
    phases = [inner[y::2, x::2].mean() for y in range(2) for x in range(2)]
    assert np.ptp(phases) < 0.02 * inner.mean()
    one = picture_of(frames[:1])[16:-16, 16:-16]
    assert inner.std() < 0.25 * one.std()  # as independent frames do: 1 / sqrt(60) = 0.13
    rim = np.concatenate([picture[:4].ravel(), picture[-4:].ravel()])
    assert rim.mean() == pytest.approx(inner.mean(), rel=0.25)


@pytest.mark.parametrize(("statistic", "power"), [("avg", 1), ("var", 2), ("tac2", 2)])
def test_brighter_emitters_stay_brighter_in_their_order(statistic: Statistic, power: int) -> None:
    fluxes = np.array([50.0, 100.0, 200.0, 400.0, 800.0])
    places = [(10, 10 + 12 * k) for k in range(5)]
    rng = np.random.default_rng(4)
    spots = sum(f * spot(y, x, 70) for f, (y, x) in zip(fluxes, places, strict=True))
    frames = []
    for k in range(60):  # all flicker together, three frames up and three down
        light = spots * (0.5 + (k // 3) % 2)
        frames.append(rng.poisson(2 + light).astype(np.float32))
    picture = picture_of(frames, statistic)
    peaks = np.array(
        [picture[2 * y - 2 : 2 * y + 4, 2 * x - 2 : 2 * x + 4].max() for y, x in places]
    )
    assert (np.diff(peaks) > 0).all()
    assert peaks[4] / peaks[2] == pytest.approx(4.0**power, rel=0.15)


@settings(max_examples=10)
@given(y=st.integers(-4, 4), x=st.integers(-4, 4), magnification=st.sampled_from([2, 4]))
def test_a_shift_by_whole_pixels_moves_the_picture_by_as_much(y, x, magnification) -> None:
    rng = np.random.default_rng(5)
    field = cv2.GaussianBlur(rng.poisson(9.0, (48, 48)).astype(np.float32), (0, 0), 1.2)
    still, moved = (convergence(f, magnification) for f in (field, np.roll(field, (y, x), (0, 1))))
    shift, rim = (
        (magnification * y, magnification * x),
        slice(12 * magnification, -12 * magnification),
    )
    assert np.allclose(np.roll(still, shift, (0, 1))[rim, rim], moved[rim, rim], atol=1e-3)


@pytest.mark.parametrize("magnification", [2, 3, 4])
def test_an_emitter_stays_where_it_is_and_becomes_narrower(magnification) -> None:
    y, x = 15.3, 16.1
    picture = convergence(200 * spot(y, x) + 1, magnification).astype(float)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    weights = np.where(picture > 0.2 * picture.max(), picture, 0.0)
    at = [
        np.average((axis + 0.5) / magnification - 0.5, weights=weights) for axis in (rows, columns)
    ]
    assert at == pytest.approx([y, x], abs=0.1)
    width = np.sqrt((picture > 0.5 * picture.max()).sum() / np.pi) * 2 / magnification
    assert width < 0.8 * 2.355 * SIGMA_PX


def test_turned_and_mirrored_frames_give_turned_and_mirrored_pictures() -> None:
    rng = np.random.default_rng(6)
    field = cv2.GaussianBlur(rng.poisson(9.0, (32, 40)).astype(np.float32), (0, 0), 1.2)
    whole = convergence(field)
    assert np.allclose(convergence(np.rot90(field).copy()), np.rot90(whole), atol=1e-3)
    assert np.allclose(convergence(field[:, ::-1].copy()), whole[:, ::-1], atol=1e-3)


def test_the_convergence_is_the_published_sum_place_by_place() -> None:
    """All places, as the formula has it: weights, |cross product| / distance, and the direction."""
    rng, m, radius = np.random.default_rng(7), 2, 1.5
    photons = cv2.GaussianBlur(rng.poisson(30.0, (20, 24)).astype(np.float32), (0, 0), 1.2)
    rim = 4
    padded = cv2.copyMakeBorder(photons, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    fine = cv2.resize(padded, None, fx=m, fy=m, interpolation=cv2.INTER_LANCZOS4).astype(float)
    gy, gx = np.zeros_like(fine), np.zeros_like(fine)
    gy[1:-1], gx[:, 1:-1] = fine[2:] - fine[:-2], fine[:, 2:] - fine[:, :-2]
    sigma, total, weights = radius / 2.35482, np.zeros((40, 48)), 0.0
    for y in range(-5, 6):
        for x in range(-5, 6):
            if (y, x) == (0, 0):
                continue
            distance = np.hypot(y, x) / m
            weight = (distance * np.exp(-(distance**2) / (2 * sigma**2))) ** 4
            there = np.s_[8 + y : 48 + y, 8 + x : 56 + x]
            size = np.hypot(gy[there], gx[there])
            missed = np.abs(gx[there] * y / m - gy[there] * x / m) / np.maximum(size, 1e-30)
            points_here = gx[there] * x + gy[there] * y < 0
            total += weight * np.where(points_here, 1 - missed / distance, 0.0)
            weights += weight
    expected = total / weights * fine[8:48, 8:56]
    assert np.allclose(convergence(photons), expected, rtol=0.005, atol=0.01)


def test_all_weights_together_are_one_and_every_place_has_its_opposite() -> None:
    for magnification in (2, 3, 4):
        places = [p for line in lines_around(magnification, 1.5) for p in line.places]
        assert 2 * sum(weight for *_, weight in places) == pytest.approx(1.0)
        assert len({(y, x) for y, x, _ in places}) == len(places)
        assert not {(-y, -x) for y, x, _ in places} & {(y, x) for y, x, _ in places}


@pytest.mark.parametrize("statistic", ["avg", "var", "tac2"])
def test_rolling_gives_what_the_window_gives_at_once(statistic: Statistic) -> None:
    rng = np.random.default_rng(9)
    scene = 40 * spot(9, 12, 24) + 5
    frames = [rng.poisson(scene * rng.uniform(0.2, 3)).astype(np.float32) for _ in range(40)]
    frames[11] = frames[11] * 1e4  # a flash that must leave no trace
    rolling = RollingEsrrf((24, 24), 7, statistic)
    each = np.array([convergence(frame) for frame in frames], np.float64)
    for n, frame in enumerate(frames):
        assert rolling.add(frame) == min(n + 1, 7)
        held = each[max(0, n - 6) : n + 1]
        off = held - held.mean(axis=0)
        wanted = {
            "avg": held.mean(axis=0),
            "var": held.var(axis=0),
            "tac2": (off[1:] * off[:-1]).mean(axis=0) if len(held) > 1 else 0 * held[0],
        }[statistic]
        scale = np.abs(held).max() ** (1 if statistic == "avg" else 2)
        assert np.allclose(rolling.picture(), wanted, rtol=1e-5, atol=1e-6 * scale)


def test_after_many_frames_no_rounding_is_left() -> None:
    rng = np.random.default_rng(10)
    frames = [rng.poisson(20.0, (16, 16)).astype(np.float32) * 1.1 for _ in range(9)]
    long, short = (RollingEsrrf((16, 16), 5, "var") for _ in "12")
    for n in range(200):
        long.add(frames[n % 9] * np.float32(1e6 if n < 100 else 1.0))
    for n in range(195, 200):
        short.add(frames[n % 9])
    assert np.allclose(long.picture(), short.picture(), rtol=1e-6)


def test_a_new_window_begins_where_the_frames_are_of_something_else() -> None:
    rng = np.random.default_rng(11)
    frame = rng.poisson(20.0, (24, 24)).astype(np.float32)
    last = Moment("a", 5, 5, 1.0, 10.0, 10.0)
    cases = [
        (last._replace(t=6), 4), (last._replace(t=9), 4), (last._replace(t=6, x_px=10.4), 4),
        (last._replace(t=6, y_px=10.6), 1), (last._replace(t=6, x_px=9.0), 1),
        (last._replace(field="b"), 1), (last._replace(t=4), 1),
    ]  # fmt: skip
    rolling = RollingEsrrf((24, 24), 9)
    for moment, frames in cases:
        rolling.forget()
        for t in (3, 4, 5):
            rolling.add(frame, last._replace(t=t))
        assert rolling.add(frame, moment) == frames


def test_another_scene_is_seen_at_its_second_frame_and_blinking_is_none() -> None:
    rng = np.random.default_rng(12)
    one, other = (cv2.GaussianBlur(rng.random((128, 128)), (0, 0), 9.0) for _ in "12")
    one, other = (400 * (each - each.min()) / np.ptp(each) for each in (one, other))
    rolling = RollingEsrrf((128, 128), 9)
    counts = [
        rolling.add(rng.poisson(scene).astype(np.float32))
        for scene in (one, one, one, one, other, other, other)
    ]
    assert counts == [1, 2, 3, 4, 5, 1, 2]
    rolling.forget()
    on = rng.random((12, 128, 128)) < 0.1  # each emitter of the structure is on in one of ten
    for n, lit in enumerate(on):
        assert rolling.add(rng.poisson(one * lit).astype(np.float32)) == min(n + 1, 9)


def test_frames_of_other_light_count_as_if_theirs_were_the_newest_one_s() -> None:
    scene = (300 * spot(11, 12, 24) + 5).astype(np.float32)
    for statistic, power in (("avg", 1), ("var", 2)):
        rolling = RollingEsrrf((24, 24), 4, statistic)
        for t, (light, wave) in enumerate([(4.0, 1), (4.0, 2), (1.0, 1), (2.0, 2)]):
            rolling.add(scene * np.float32(light * wave), Moment("a", t, t, light))
        plain = RollingEsrrf((24, 24), 4, statistic)
        for wave in (1, 2, 1, 2):
            plain.add(scene * np.float32(wave))
        assert np.allclose(rolling.picture(), plain.picture() * 2.0**power, rtol=1e-4, atol=1e-3)


def test_memory_is_taken_at_once_and_no_frame_takes_more() -> None:
    import tracemalloc

    rng = np.random.default_rng(13)
    frame = rng.poisson(20.0, (128, 128)).astype(np.float32)
    rolling = RollingEsrrf((128, 128), 6, "tac2")
    for _ in range(13):
        rolling.add(frame)
        rolling.picture()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        rolling.add(frame)
        rolling.picture()
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now - before < 4_096
    assert peak - before < rolling.picture().nbytes / 2  # NumPy's own buffer, and no image


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"window": 1}, "2 to 1000"),
        ({"statistic": "max"}, "there are"),
        ({"magnification": 5}, "2 to 4"),
        ({"radius_px": 0.1}, "0.5 to 5"),
        ({"sensitivity": float("nan")}, "1 to 5"),
        ({"window": 900, "max_bytes": 1 << 22}, "choose a window of 248 or fewer"),
        ({"max_bytes": 1 << 10}, "smaller region"),
    ],
)
def test_what_cannot_be_is_refused_with_its_cure(how, words) -> None:
    with pytest.raises(ModelError, match=words):
        RollingEsrrf((32, 32), **how)


def test_a_bad_frame_is_refused_and_the_window_stays() -> None:
    rolling = RollingEsrrf((16, 16), 3)
    with pytest.raises(ModelError, match="no frame yet"):
        rolling.picture()
    good = np.random.default_rng(1).poisson(20.0, (16, 16)).astype(np.float32)
    rolling.add(good)
    before = rolling.picture().copy()
    for bad in (np.full((16, 16), np.nan, np.float32), good[:8], good.astype(np.uint16)):
        with pytest.raises(FrameRefused):
            rolling.add(bad)
    one_bad = good.copy()
    one_bad[3, 3] = np.inf
    with pytest.raises(FrameRefused, match="NaN or infinite"):
        rolling.add(one_bad)
    assert rolling.frames == 1
    assert np.array_equal(rolling.picture(), before)
    assert rolling.name == "AVG of 1 frame"


def test_more_sensitivity_is_sharper() -> None:
    frame = 200 * spot(15.5, 15.5, sigma=2.0) + 5
    areas = [
        int((p > 0.5 * p.max()).sum()) for p in (convergence(frame, 4, 3.0, s) for s in (1, 2, 5))
    ]
    assert areas[0] > areas[1] > areas[2]


def test_the_memory_of_a_window_is_known_before() -> None:
    assert bytes_of((512, 512), 30) == 38 * 4 << 20
