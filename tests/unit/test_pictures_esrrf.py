"""eSRRF pictures in a run: one window for each field, when there is time, and nothing decides."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from gui.looking import Look
from lightloop.build.pictures import build_drawing, finer_pixels, pictures_a_shot
from lightloop.build.restoring import moment_of
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.pictures.esrrf import EsrrfPictures
from lightloop.pictures.pictures import Pictures
from models.electrons import Electrons
from models.errors import ModelError
from models.esrrf_rolling import RollingEsrrf, bytes_of
from models.stabiliser import PixelMaps
from realtime.wire import CameraInfo, RestoredSlot, RingInfo

SHAPE = (24, 32)
CAMERA = (2.0, 100.0, 1.5)
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
CONFIG = """
[scope]
kind = "simulated"
[[light]]
name = "488"
wavelength_nm = 488.0
shutter_device = "Shutter"
gate = "camera"
limits = {{ budget_j_cm2 = 1.0 }}
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 10.0
[plan]
time_plan = {{ interval = {{ seconds = 1 }}, loops = 2 }}
[network]
{network}
"""


def config(network: str) -> RunConfig:
    return parse(CONFIG.format(network=network))


def info(t: int, z: int = 0, p: int = 0, y_um: float = 0.0) -> FrameInfo:
    return FrameInfo(
        t, "Camera", t, 0, 0.0, Shot(t, p, 1), z, Index(t, 0, z, p), *SHAPE, (0.0, y_um, 2.0 * z),
        APPLIED,
    )  # fmt: skip


def frame(seed: int) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    light = 5 + 80 * np.exp(-((y - 12) ** 2 + (x - 15) ** 2) / 8.0)
    return np.round(100 + 2 * np.random.default_rng(seed).poisson(light)).astype(np.uint16)


class Shelf:
    """Keeps images as a ring would, and forgets none."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def __call__(self, image: np.ndarray) -> RestoredSlot:
        self.images.append(image.copy())
        return RestoredSlot(RingInfo("ll", 4, 1), len(self.images) - 1, 1, *image.shape)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 10**12

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def windows(shelf: Shelf, maps: PixelMaps | None = None, **how) -> EsrrfPictures:
    electrons = Electrons(*CAMERA, maps)
    return EsrrfPictures(SHAPE, electrons, shelf, partial(moment_of, pixel_um=0.5), **how)


def shot(drawing: Pictures, infos: list[FrameInfo]) -> list[tuple[str, float, str]]:
    for one in infos:
        drawing.see(one, frame(one.seq))
    drawn = drawing.draw()
    drawing.forget()
    return [(picture.kind, picture.z, picture.model_id) for picture in drawn]


def test_each_field_has_a_window_that_grows_and_a_moved_stage_begins_anew(shelf) -> None:
    drawing = Pictures(SHAPE, None, None, shelf, 1, float("inf"), esrrf=windows(shelf, window=3))
    seen = [
        shot(drawing, [info(t, p=p)])[0][2] for t, p in ((0, 0), (1, 0), (1, 1), (2, 0), (3, 0))
    ]
    counts = ["1 frame", "2 frames", "1 frame", "3 frames", "3 frames"]
    assert seen == [f"AVG of {count}, no network" for count in counts]
    moved = shot(drawing, [info(4, y_um=1.0)])
    assert moved == [("esrrf", 0.0, "AVG of 1 frame, no network")]


def test_of_a_stack_the_middle_plane_is_shown(shelf) -> None:
    drawing = Pictures(SHAPE, None, None, shelf, 1, float("inf"), esrrf=windows(shelf))
    assert shot(drawing, [info(0, z=z) for z in range(5)])[0][1] == 2.0


def test_it_is_as_bright_as_the_frame_and_finer_by_two(shelf) -> None:
    windows(shelf).draw(info(0), frame(1))
    (image,) = shelf.images
    electrons = (frame(1).astype(float) - 100) / 2
    assert image.shape == (48, 64)
    assert image.sum() == pytest.approx(electrons.sum(), rel=1e-4)
    look = Look("", image, 0, 0.0)
    assert look.finer(SHAPE[1]) == 2.0
    peak = np.unravel_index(image.argmax(), image.shape)
    assert abs(peak[0] / 2 - 12) < 1.5
    assert abs(peak[1] / 2 - 15) < 1.5


def test_dark_and_unchanging_frames_leave_nothing_to_be_drawn(shelf) -> None:
    dark = np.full(SHAPE, 100, np.uint16)
    assert windows(shelf).draw(info(0), dark) is None
    changing = windows(shelf, statistic="var")
    assert changing.draw(info(0), frame(1)) is None
    assert changing.draw(info(1), frame(2)) is not None


def test_a_pixel_that_says_nothing_is_no_emitter(shelf) -> None:
    good = np.ones(SHAPE, np.bool_)
    good[5, 25] = False
    hot = frame(3)
    hot[5, 25] = 60_000
    even = np.full(SHAPE, 1.0, np.float32)
    maps = PixelMaps(100 * even, 1.5 * even, None, good)
    windows(shelf, maps).draw(info(0), hot)
    windows(shelf).draw(info(0), hot)
    cured, fooled = (one[8:13, 48:53].max() / one.max() for one in shelf.images)
    assert fooled == 1.0
    assert cured < 0.5


def test_it_is_drawn_in_a_tenth_of_the_rest_or_not_at_all(shelf, monkeypatch, caplog) -> None:
    clock = Clock()
    esrrf = windows(shelf, clock=clock)
    as_it_is = esrrf._electrons.into

    def slow(*args):
        clock.wait(0.04)
        return as_it_is(*args)

    monkeypatch.setattr(esrrf._electrons, "into", slow)
    drawing = Pictures(SHAPE, None, None, shelf, 1, 0.1, clock, esrrf=esrrf)
    drawing.warm_up()
    shot(drawing, [info(0)])
    for t, (rest_s, count) in enumerate(((1.0, 1), (0.5, 1), (0.3, 0), (0.39, 1)), 1):
        clock.wait(rest_s)
        assert len(shot(drawing, [info(t)])) == count, rest_s
    for t in range(30):
        clock.wait(0.001)
        shot(drawing, [info(9 + t)])
    assert caplog.text.count("no pictures for looking") == 1


def test_where_shots_leave_no_time_it_is_not_tried_again_and_again(shelf, monkeypatch) -> None:
    clock = Clock()
    esrrf = windows(shelf, clock=clock)
    as_it_is, looks = esrrf._electrons.into, []

    def slow(*args):
        looks.append(clock.wait(0.04))
        return as_it_is(*args)

    monkeypatch.setattr(esrrf._electrons, "into", slow)
    monkeypatch.setattr(esrrf, "_spare", [SlowWindow(clock)])
    drawing = Pictures(SHAPE, None, None, shelf, 1, 0.1, clock, esrrf=esrrf)
    drawing.warm_up()
    for t in range(300):  # a stream: a drawing would make every tenth decision late
        clock.wait(0.05)
        assert shot(drawing, [info(t)]) == []
    assert looks == []
    clock.wait(1.0)
    assert len(shot(drawing, [info(300)])) == 1


class SlowWindow(RollingEsrrf):
    """Takes as long at the warm-up as later."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(SHAPE)
        self.clock: Clock | None = clock

    def add(self, photons, moment=None) -> int:
        if self.clock is not None and moment is None:
            self.clock.wait(0.04)
        return super().add(photons, moment)


def test_fields_that_find_no_memory_get_no_pictures_and_it_is_said_once(shelf, caplog) -> None:
    room = 2 * bytes_of(SHAPE, 30)
    esrrf = windows(shelf, max_bytes=room)
    drawing = Pictures(SHAPE, None, None, shelf, 1, float("inf"), esrrf=esrrf)
    counts = [len(shot(drawing, [info(t, p=p)])) for t in range(2) for p in range(4)]
    assert counts == [1, 1, 0, 0] * 2
    assert caplog.text.count("first 2 positions alone") == 1


def test_a_window_that_fits_into_no_memory_is_refused_before_the_run(shelf) -> None:
    with pytest.raises(ModelError, match="choose a window of"):
        windows(shelf, window=900, max_bytes=bytes_of(SHAPE, 30))


def test_a_failure_ends_these_pictures_and_no_others(shelf, monkeypatch, caplog) -> None:
    esrrf = windows(shelf)
    monkeypatch.setattr(esrrf, "_light_of", lambda adu: np.full(SHAPE, np.nan, np.float32))
    drawing = Pictures(SHAPE, None, None, shelf, 1, float("inf"), esrrf=esrrf)
    assert shot(drawing, [info(0)]) == []
    assert "no eSRRF pictures any more" in caplog.text
    assert shot(drawing, [info(1)]) == []
    assert caplog.text.count("no eSRRF pictures any more") == 1


def test_a_config_asks_for_it_by_one_word(shelf) -> None:
    none, some = config(""), config('esrrf = "var"\nesrrf_frames = 12')
    camera = CameraInfo("Camera", *SHAPE, 0.5, none.scope.calibration())
    assert (pictures_a_shot(none), finer_pixels(none)) == (0, 1)
    assert (pictures_a_shot(some), finer_pixels(some)) == (1, 2)
    assert build_drawing(none, camera, shelf) is None
    drawing = build_drawing(some, camera, shelf)
    assert drawing is not None
    assert shelf.images == []  # nobody sees what was only tried
    drawing.close()


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("esrrf_frames = 9", "set esrrf"),
        ('esrrf = "max"', "avg, var, tac2"),
        ('esrrf = "avg"\nesrrf_frames = 1', "greater than or equal to 2"),
    ],
)
def test_a_config_that_means_nothing_is_refused(network, words) -> None:
    with pytest.raises(ConfigError, match=words):
        config(network)
