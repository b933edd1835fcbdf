"""Planes that are skipped in a run: by the real loop and guard, network, pictures and decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from lightloop.build.pictures import build_drawing, pictures_a_shot
from lightloop.build.pipeline import build_pipeline, build_policy
from lightloop.build.planes import build_plane_watch
from lightloop.config import RunConfig, parse
from lightloop.predict.prediction import predict
from lightloop.processes.worker import RestoredRing
from lightloop.supervision.supervisor import supervise
from lightloop.task import RunTask
from models.axial_mix import Candidates
from models.read_out import Denoised
from realtime.run_file import RunReader
from realtime.telling.plane_summary import summarize_planes
from realtime.telling.run_summary import summarize
from realtime.wire import CameraInfo, RingInfo, Start
from tests.integration.test_audits import Worker
from tests.integration.test_modes_recorded import decides_the_same
from tests.run_helpers import SMALL

STACKS, PLANES, CHECK_EVERY = 12, 9, 4
KEPT, ALL = (0, 2, 4, 6, 8), tuple(range(PLANES))
WHOLE = (
    SMALL.replace("height = 128\nwidth = 128", "height = 96\nwidth = 96")
    .replace("loops = 5000 }", f"loops = {STACKS} }}\nz_plan = {{ range = 3.2, step = 0.4 }}")
    .replace('kind = "snr"', 'kind = "fixed"')
    .replace("deadline_ms = 300.0", "deadline_ms = 60000.0")
)
SKIPS = f"""denoise = ""
axial = "axial-fast"
axial_skip = 2
axial_check_every = {CHECK_EVERY}"""
TEXT = WHOLE.replace('denoise = ""', SKIPS)


@dataclass
class Session:
    """A worker's parts, as its process builds them."""

    config: RunConfig

    def __post_init__(self) -> None:
        scope = self.config.scope
        assert scope.kind == "simulated"
        camera = CameraInfo("Camera", scope.height, scope.width, 0.1, scope.calibration())
        first = self.config.first_settings()
        self.start = Start("test", 0, 0, (camera,), RingInfo("", 0, 0), first)
        self.ring = RestoredRing(
            scope.height, scope.width, pictures=pictures_a_shot(self.config), upscale=1
        )
        self.planes = build_plane_watch(self.config, camera)
        believe = self.planes.said if self.planes is not None else lambda position: None
        self.drawing = build_drawing(self.config, camera, self.ring.keep, believe)
        self.pipeline = build_pipeline(
            self.config, self.start, self.ring.keep, self.drawing, self.planes
        )

    def close(self) -> None:
        for part in (self.planes, self.drawing, self.ring):
            if part is not None:
                part.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("lightloop.build.pictures.MOST_OF_REST", float("inf"))
    sessions: list[Session] = []

    def open_one(text: str = TEXT) -> Session:
        sessions.append(Session(parse(text)))
        return sessions[-1]

    yield open_one
    for one in sessions:
        one.close()


def taken(at: Worker) -> list[tuple[int, ...]]:
    return [r.observation.stack.taken for r in at.results if r.observation.stack is not None]


@pytest.mark.timeout(300)
def test_a_run_skips_planes_checks_them_draws_them_and_books_less(opened) -> None:
    whole, skips = opened(WHOLE), opened()
    all_planes, some = Worker(whole.pipeline, whole.config), Worker(skips.pipeline, skips.config)
    full_bill, bill = all_planes.go(STACKS), some.go(STACKS)
    # The first stacks are whole until three agree and a cell is confirmed: without one there is no
    # evidence to come back to whole stacks by. Every fourth one has one plane more.
    assert taken(some) == [
        ALL, ALL, ALL, ALL, (0, 2, 3, 4, 6, 8), KEPT, KEPT, KEPT, (0, 2, 4, 5, 6, 8), KEPT, KEPT,
        KEPT,
    ]  # fmt: skip
    compared = [r.observation.stack.compared for r in some.results]
    assert compared == [1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0]
    share = sum(map(len, taken(some))) / (STACKS * PLANES)
    assert len(some.frames) == round(share * len(all_planes.frames))
    assert bill.booked_j_cm2 == pytest.approx(share * full_bill.booked_j_cm2, rel=1e-6)
    assert bill.metered_j_cm2 == pytest.approx(share * full_bill.metered_j_cm2, rel=0.01)
    (light,) = predict(skips.config).lights
    waited_for_a_cell = 4 / (STACKS * PLANES)
    assert light.saved_dose / light.dose == pytest.approx(1 - share + waited_for_a_cell, rel=1e-9)
    for result in some.results:  # what was not taken is drawn, at its own place in the stack
        drawn = [p.z for p in result.pictures if p.kind == "axial"]
        assert drawn == sorted(set(ALL) - set(result.observation.stack.taken))
    for frame in some.frames:  # and what was taken keeps its number
        z_um = frame.info.position_um[2] - some.frames[0].info.position_um[2]
        assert z_um == pytest.approx(0.4 * frame.info.index.z, abs=1e-6)
    found = summarize_planes(some.results)
    assert found is not None
    assert (found.planes, found.whole) == (len(some.frames), STACKS * PLANES)
    assert found.fields[0].compared == 6
    assert all(r.observation.stack is None for r in all_planes.results)
    assert all(d.settings.z_um == () for d in all_planes.decisions)


@dataclass
class Upside:
    """An axial network that draws everything upside down, and so does what it corrects."""

    inner: Any

    def __call__(self, *planes: Any) -> Denoised:
        answer = self.inner(*planes)
        return Denoised(np.flipud(answer.photons).copy(), answer.sd_e)

    def candidates(self) -> Candidates:
        return Candidates(*(np.flipud(image).copy() for image in self.inner.candidates()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.timeout(300)
def test_a_bad_network_brings_whole_stacks_back_and_the_reason_says_so(opened, caplog) -> None:
    bad = opened()
    at = Worker(bad.pipeline, bad.config)
    seen = at.see

    def spoilt_later(frame: Any, truth: object) -> None:
        if frame.info.shot.number == 4 and not isinstance(bad.planes._axial, Upside):
            bad.planes._axial = Upside(bad.planes._axial)
            bad.planes._checks.clear()
        seen(frame, truth)

    at.see = spoilt_later  # type: ignore[method-assign]
    at.go(8)
    assert taken(at)[:5] == [ALL, ALL, ALL, ALL, (0, 2, 3, 4, 6, 8)]
    assert taken(at)[5:] == [ALL] * 3
    assert "9 of 9 planes: drawn planes miss" in at.decisions[4].reason
    assert "at most 50% is allowed" in at.decisions[4].reason
    assert at.results[4].observation.stack.low > 0.5
    assert "all planes are taken" in caplog.text
    used = [f.info.applied for f in at.frames if f.info.shot.number in (3, 4, 5)]
    assert len({one.exposure_ms for one in used}) == 1, "planes cost light, and pay with none"


@pytest.mark.timeout(300)
def test_the_same_frames_give_the_same_decisions_again(opened) -> None:
    first, again = opened(), opened()
    at = Worker(first.pipeline, first.config)
    at.go(6)
    replayed = Worker(again.pipeline, again.config)
    for frame in at.frames:
        replayed.see(frame, None)
    encode = msgspec.msgpack.encode
    assert [encode(d) for d in replayed.decisions] == [encode(d) for d in at.decisions]
    assert [r.observation for r in replayed.results] == [r.observation for r in at.results]
    policy = build_policy(
        first.config, first.config.first_settings(), first.config.camera.read_noise_e
    )
    assert [encode(policy.decide(r.observation)) for r in at.results] == [
        encode(d) for d in at.decisions
    ]


@pytest.mark.timeout(400)
def test_a_recorded_run_tells_its_skipped_planes_and_decides_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    outcome = supervise(RunTask(TEXT, "planes.toml", str(path), ends_with_run=True, max_shots=7))
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        found = summarize(run).planes
        numbers = {(i.shot.number, i.index.z) for i in run.infos}
    assert found is not None
    assert found.stacks == 7
    assert found.planes == 4 * 9 + 6 + 5 + 5
    assert {z for shot, z in numbers if shot == 5} == set(KEPT)
    assert decides_the_same(path)
