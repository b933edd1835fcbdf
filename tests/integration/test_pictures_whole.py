"""Three networks of random weights in one pipeline, as the worker builds it: memory, pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from lightloop.build.pictures import build_drawing, finer_pixels, pictures_a_shot
from lightloop.build.pipeline import build_pipeline
from lightloop.check.checks import check_network
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.processes.worker import RestoredRing
from lightloop.provenance import networks
from models.errors import ModelError
from realtime.pipeline import Pipeline
from realtime.wire import CameraInfo, Result, RingInfo, Start
from tests.engine_nets import random_package

pytest.importorskip("onnx", reason="networks are written with onnx (extra dev)")

PLANES, SIDE = 3, 96
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
CONFIG = """
[scope]
kind = "simulated"
height = 96
width = 96
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
time_plan = {{ interval = {{ seconds = 1 }}, loops = 9 }}
z_plan = {{ range = 4.0, step = 2.0 }}
[network]
engine = "openvino"
precision = "f32"
{networks}
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    random_package(folder / "five", 5)
    random_package(folder / "fine", 1, upscale=2)
    random_package(folder / "between", 4)
    rewrite(folder / "fine", ('task = "denoise"', 'task = "superres"'))
    two = 'in_frames = 2\nextra_channels = ["dz", "fraction"]'
    rewrite(folder / "between", ('task = "denoise"', 'task = "axial"'), ("in_frames = 4", two))
    return folder


def rewrite(package: Path, *changes: tuple[str, str]) -> None:
    text = (package / "package.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (package / "package.toml").write_text(text, "utf-8")


@pytest.fixture(autouse=True)
def there_is_always_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightloop.build.pictures.MOST_OF_REST", float("inf"))


def config(folder: Path, *tasks: str, extra: str = "") -> RunConfig:
    names = {"denoise": "five", "superres": "fine", "axial": "between"}
    lines = [f'{task} = "{(folder / names[task]).as_posix()}"' for task in tasks]
    lines.append(extra)
    return parse(CONFIG.format(networks="\n".join(lines)))


def start(told: RunConfig) -> Start:
    camera = CameraInfo("Camera", SIDE, SIDE, 0.65, told.scope.calibration())
    return Start("test", 0, 0, (camera,), RingInfo("", 0, 0), told.first_settings())


def stack(pipeline: Pipeline, shot: int) -> Result:
    y, x = np.mgrid[:SIDE, :SIDE]
    scene = 12 * (1 + np.sin(x / 9.0) * np.cos(y / 8.0))
    for z in range(PLANES):
        rng = np.random.default_rng(9 * shot + z)
        info = FrameInfo(
            PLANES * shot + z, "Camera", 0, 0, float(shot), Shot(shot, 0, PLANES), z,
            Index(shot, 0, z, 0), SIDE, SIDE, (0.0, 0.0, 2.0 * z), APPLIED,
        )  # fmt: skip
        pipeline.see(info, np.round(100 + 2 * rng.poisson(scene)).astype(np.uint16))
    return pipeline.answer()[0]


def test_each_plane_remembers_its_own_frames_and_viewers_get_their_pictures(packages) -> None:
    told = config(packages, "denoise", "superres", "axial")
    begun = start(told)
    ring = RestoredRing(SIDE, SIDE, pictures=pictures_a_shot(told), upscale=2)
    drawing = build_drawing(told, begun.cameras[0], ring.keep)
    try:
        pipeline = build_pipeline(told, begun, ring.keep, drawing)
        seen = []
        for shot in range(6):
            result = stack(pipeline, shot)
            seen.append(pipeline.steps.restore._denoiser.frames_seen)
            assert [(p.kind, p.z) for p in result.pictures] == [
                ("superres", 1.0), ("axial", 0.5), ("axial", 1.5),
            ]  # fmt: skip
            slots = [result.restored, *(p.slot for p in result.pictures)]
            assert len({slot.slot for slot in slots}) == 4
            assert [(s.height, s.width) for s in slots] == [(96, 96), (192, 192)] + 2 * [(96, 96)]
            assert "five@0" in result.model_id
        assert seen == [1, 2, 3, 4, 5, 5]
    finally:
        if drawing is not None:
            drawing.close()
        ring.close()


def test_esrrf_goes_through_the_whole_way_beside_the_networks(packages) -> None:
    told = config(packages, "denoise", "superres", extra='esrrf = "avg"\nesrrf_frames = 3')
    begun = start(told)
    ring = RestoredRing(SIDE, SIDE, pictures=pictures_a_shot(told), upscale=finer_pixels(told))
    drawing = build_drawing(told, begun.cameras[0], ring.keep)
    try:
        pipeline = build_pipeline(told, begun, ring.keep, drawing)
        for shot, frames in enumerate(("1 frame", "2 frames", "3 frames", "3 frames")):
            pictures = stack(pipeline, shot).pictures
            assert [(p.kind, p.z) for p in pictures] == [("esrrf", 1.0), ("superres", 1.0)]
            assert pictures[0].model_id == f"AVG of {frames}, no network"
            slots = [p.slot for p in pictures]
            assert [(s.height, s.width) for s in slots] == [(192, 192)] * 2
            assert slots[0].slot != slots[1].slot
    finally:
        if drawing is not None:
            drawing.close()
        ring.close()


def test_pictures_change_no_result_and_no_decision(packages) -> None:
    answers = []
    rolling = 'esrrf = "var"'
    for tasks, extra in (
        (("denoise",), ""), (("denoise", "superres", "axial"), ""), (("denoise",), rolling)
    ):  # fmt: skip
        told = config(packages, *tasks, extra=extra)
        begun = start(told)
        ring = RestoredRing(SIDE, SIDE, pictures=pictures_a_shot(told), upscale=2)
        drawing = build_drawing(told, begun.cameras[0], ring.keep)
        try:
            pipeline = build_pipeline(told, begun, ring.keep, drawing)
            answers.append([stack(pipeline, shot).observation for shot in range(3)])
        finally:
            if drawing is not None:
                drawing.close()
            ring.close()
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("task", ["superres", "axial"])
def test_a_package_of_another_task_is_refused_before_any_light(packages, task) -> None:
    told = parse(CONFIG.format(networks=f'{task} = "{(packages / "five").as_posix()}"'))
    with pytest.raises(ModelError, match=f"made for 'denoise', but '{task}' is needed"):
        build_drawing(told, start(told).cameras[0], lambda image: None)


def test_every_network_is_checked_before_a_run_and_named_in_its_record(packages) -> None:
    told = config(packages, "denoise", "superres", "axial")
    check_network(told, "run.toml")
    assert set(networks(told)) == {"five@0", "fine@0", "between@0"}
    wrong = parse(CONFIG.format(networks=f'axial = "{(packages / "fine").as_posix()}"'))
    with pytest.raises(ConfigError, match=r"run\.toml: network\.axial: fine: made for 'superres'"):
        check_network(wrong, "run.toml")
