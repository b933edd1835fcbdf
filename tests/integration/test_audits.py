"""Audits in a run: taken by the real loop and guard, judged by the real pipeline, and followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from acquire.frame import Frame, Shot
from acquire.settings import Request
from lightloop.bench.light_scope import Bill, film
from lightloop.build.pipeline import build_pipeline
from lightloop.cli import app
from lightloop.config import RunConfig, parse
from lightloop.supervision.supervisor import supervise
from lightloop.task import RunTask
from models.denoise import Denoised
from realtime.pipeline import Pipeline
from realtime.policy.decision import Decision
from realtime.run_file import RunReader
from realtime.telling.run_summary import summarize
from realtime.wire import CameraInfo, Result, RingInfo, Start
from tests.integration.test_modes_recorded import decides_the_same
from tests.run_helpers import SMALL

SHOTS, EVERY = 16, 4
TEXT = SMALL.replace('denoise = ""', 'denoise = "denoise-2d"').replace(
    "[loop]", f"[loop]\naudit_every_shots = {EVERY}"
)
CONFIG = parse(TEXT)


@dataclass
class Worker:
    """The worker's own pipeline, called instead of asked through the hub."""

    pipeline: Pipeline
    config: RunConfig
    spoil: Callable[[Frame, bool], Any] = lambda frame, is_again: frame.pixels
    frames: list[Frame] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def see(self, frame: Frame, truth: object) -> None:
        is_again = bool(self.frames) and self.frames[-1].info.index == frame.info.index
        self.frames.append(frame)
        self.pipeline.see(frame.info, self.spoil(frame, is_again))
        if self.pipeline.has_whole_shot:
            result, message = self.pipeline.answer()
            self.results.append(result)
            self.decisions.append(message.decision)

    def next_request(self, shot: Shot) -> Request:
        last = self.decisions[-1]
        assert last.id == shot.number
        return Request(last.settings, last.id, has_evidence=last.has_evidence)

    def go(self, shots: int = SHOTS) -> Bill:
        return film(self.config, Request(self.config.first_settings(), -1), shots, self)


def worker(config: RunConfig = CONFIG, **more: Any) -> Worker:
    scope = config.scope
    assert scope.kind == "simulated"
    camera = CameraInfo("Camera", scope.height, scope.width, scope.pixel_um, scope.calibration())
    start = Start("test", 0, 0, (camera,), RingInfo("", 0, 0), config.first_settings())
    return Worker(build_pipeline(config, start, None), config, **more)


def close(at: Worker) -> None:
    at.pipeline.steps.restore.close()  # type: ignore[attr-defined]


def trusts(at: Worker) -> list[Any]:
    return [result.observation.trust for result in at.results]


@pytest.mark.timeout(300)
def test_audits_are_taken_booked_twice_and_judged_in_a_run() -> None:
    at = worker()
    bill = at.go()
    close(at)
    audits = [frame.info for frame in at.frames if frame.info.shot.is_audit]
    assert [info.shot.number for info in audits] == [3, 3, 7, 7, 11, 11, 15, 15]
    for first, again in zip(audits[::2], audits[1::2], strict=True):
        assert first.applied == again.applied, "both looks have the same light"
        assert first.applied.dose_j_cm2 > 0
    given = sum(frame.info.applied.dose_j_cm2 for frame in at.frames)
    assert len(at.frames) == SHOTS + len(audits) // 2
    assert bill.booked_j_cm2 == pytest.approx(given, rel=1e-9)
    assert bill.metered_j_cm2 == pytest.approx(given, rel=0.05)
    told = trusts(at)
    assert [trust.audits for trust in told[::EVERY]] == [0, 1, 2, 3]
    assert told[-1].audits == 4
    assert not any(trust.audit_void for trust in told)
    assert told[-1].audit_low_e <= told[-1].audit_rmse_e <= told[-1].audit_high_e
    assert told[-1].audit_high_e > 0
    assert "audit" not in told[-1].flags
    assert [len(result.seqs) for result in at.results[:4]] == [1, 1, 1, 2]


@pytest.mark.timeout(300)
def test_an_audit_whose_cells_moved_between_the_looks_is_void_and_says_so() -> None:
    def bumped(frame: Frame, is_again: bool) -> Any:
        return np.roll(frame.pixels, 3, axis=1) if is_again else frame.pixels

    steady = parse(TEXT.replace('kind = "snr"', 'kind = "fixed"'))  # in dim light nobody sees it
    at = worker(steady, spoil=bumped)
    at.go(2 * EVERY)
    close(at)
    told = trusts(at)
    assert [shot for shot, trust in enumerate(told) if trust.audit_void] == [3, 7]
    assert "moved" in told[3].audit_void
    assert told[-1].audits == 0


@dataclass
class Overconfident:
    """A network that states a fifth of its error: no residual shows it."""

    inner: Any

    def __call__(self, adu: Any) -> Denoised:
        answer = self.inner(adu)
        return Denoised(answer.photons, answer.sd_e * np.float32(0.2))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.timeout(300)
def test_an_error_that_audits_find_out_of_bounds_withdraws_trust_and_lowers_no_light() -> None:
    at = worker()
    steps = at.pipeline.steps
    at.pipeline.steps = steps._replace(restore=Overconfident(steps.restore))
    at.go()
    close(at)
    told = trusts(at)
    flagged = [shot for shot, trust in enumerate(told) if "audit" in trust.flags]
    assert flagged
    assert flagged[0] % EVERY == EVERY - 1, "an audit found it, and no residual before"
    assert flagged == list(range(flagged[0], SHOTS)), "until audits say otherwise"
    for shot in flagged:
        assert not told[shot].is_trusted
        assert not at.decisions[shot].has_evidence
    first = at.decisions[flagged[0]]
    used = at.results[flagged[0]].observation.applied[0]
    next_one = first.settings.channels[0]
    assert "audits find an error" in first.reason
    assert next_one.exposure_ms * next_one.power_fraction >= 0.999 * (
        used.exposure_ms * used.power_fraction
    ), "the doubtful image itself lowers nothing"


@pytest.mark.timeout(180)
def test_a_recorded_run_tells_its_audits_and_replays_them(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    outcome = supervise(RunTask(TEXT, "audits.toml", str(path), ends_with_run=True, max_shots=12))
    assert outcome.exit_code == 0, outcome.reason
    with RunReader(path) as run:
        found = summarize(run).audits
        shots = {info.shot.number for info in run.infos if info.shot.is_audit}
        again = sum(
            info.applied.dose_j_cm2 for info in run.infos if info.shot.is_audit and info.shot_frame
        )
    assert shots == {3, 7, 11}
    assert found is not None
    assert (found.n_taken, found.n_judged) == (3, 3)
    assert found.dose == pytest.approx({"488": again})
    assert found.fields[0].audits + found.n_void == 3
    said = CliRunner().invoke(app, ["inspect", str(path)]).stdout
    assert "3 taken, 3 judged" in " ".join(said.split())
    assert "error in cells" in said
    assert (
        msgspec.json.decode(CliRunner().invoke(app, ["inspect", str(path), "--json"]).stdout)[
            "audits"
        ]["n_taken"]
        == 3
    )
    assert decides_the_same(path)
