"""The worker's half of the loop: *restore, track, judge, decide*, one shot at a time.

The steps are callables handed in; the pipeline builds nothing, opens nothing and knows no device.
Everything it keeps is kept by field of view, so that a stage move between wells is not motion.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from realtime.following import Following, doubted
from realtime.memory import Recollection
from realtime.nothing import find_nothing
from realtime.observe import observe
from realtime.planes.stack import Stack
from realtime.tracker.doubts import GAP
from realtime.wire import DecisionMessage, Result, StepTimes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.detections import Detections
    from realtime.memory import Known
    from realtime.policy.observation import Observation, Trust
    from realtime.steps import Steps
    from realtime.wire import CellDoses, TrackEvent, Tracks


IN_FOCUS = ("locked", "found")
OUT_OF_FOCUS = {"lost": "the focus lock has let go", "not found": "no focus was found"}


class Pipeline:
    """Sees frames, and answers each finished shot with a result and a decision.

    The first channel of a shot is the one that is followed; its planes are projected by their
    maximum, and how high each cell lies is told by its light in them. Every frame's light is
    accounted for in the observation.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self._following = Following(steps.new_tracker, steps.pixel_um)
        self._told: dict[int, tuple[str, ...]] = {}
        self._doses: dict[int, dict[str, float]] = {}
        kept = self._following, self._doses, steps.cell_dose, steps.policy, steps.focus
        self._recollection = Recollection(steps.past, *kept)
        self._is_fresh = True
        self._seen: list[FrameInfo] = []
        self._stack = Stack(steps.pixel_um if steps.follows_heights else 0.0)
        self._trust: Trust | None = None
        self._saturated = 0.0
        self._ns = dict.fromkeys(("restore", "judge"), 0)

    def see(self, info: FrameInfo, adu: NDArray[np.uint16]) -> None:
        """Restore and judge one frame of a shot; `adu` (Y, X) uint16 is not kept."""
        if self._seen and self._seen[0].shot.number != info.shot.number:
            self.forget()  # a shot that lost its end is not judged
        self._recollection.arrive(info)
        self._seen.append(info)
        self._book(info)
        if info.index.c != 0:
            return
        start = time.perf_counter_ns()
        if self.steps.introduce is not None:
            self.steps.introduce(info)
        answer = self.steps.restore(adu)
        photons = answer.photons
        restored = time.perf_counter_ns()
        watch = self.steps.watch
        trust = self.steps.judge(adu, photons) if watch is None else watch(info, adu, answer)
        if self.steps.focus is not None:
            is_held = info.focus in IN_FOCUS
            trust = self.steps.focus(info.shot.position, info.index.z, adu, trust, is_held=is_held)
        if self.steps.doubt is not None:
            trust = self.steps.doubt(trust)
        if info.focus in OUT_OF_FOCUS:  # what is blurred may vouch for nothing
            trust = msgspec.structs.replace(trust, is_trusted=False, why=OUT_OF_FOCUS[info.focus])
        self._trust = _together(self._trust, trust)
        self._saturated = max(self._saturated, _clipped(adu, self.steps.saturation_adu))
        self._stack.add(info, photons)
        if self.steps.drawing is not None:
            self.steps.drawing.see(info, adu)
        if self.steps.planes is not None:
            self.steps.planes.see(info, adu)
        self._ns["restore"] += restored - start
        self._ns["judge"] += time.perf_counter_ns() - restored

    @property
    def has_whole_shot(self) -> bool:
        """Whether every frame of the current shot was seen."""
        return bool(self._seen) and len(self._seen) == self._seen[0].shot.n_frames

    def answer(self) -> tuple[Result, DecisionMessage]:
        """Track, judge and decide: the answer to the shot whose last frame was just seen."""
        info, steps = self._seen[0], self.steps
        image = self._stack.image
        assert image is not None, "every shot holds the first channel"
        start = time.perf_counter_ns()
        recalled = self._recollection.settle(self._seen)
        holds_numbers = is_real(image)
        found = self._stack.raised((steps.detect if holds_numbers else find_nothing)(image))
        detected = time.perf_counter_ns()
        tracks, events = self._following.update(info, image, found if holds_numbers else None)
        if tracks.classes:
            tracks = msgspec.structs.replace(tracks, kinds=steps.kinds)
        tracked = time.perf_counter_ns()
        observation = self._observe(found, tracks, events)
        decision = steps.policy.decide(observation)
        times = self._times(start, detected, tracked, time.perf_counter_ns())
        result = Result(
            info.shot.number,
            info.shot.position,
            observation.seqs,
            observation,
            tracks,
            events,
            steps.restore.model_id,
            steps.keep(image) if steps.keep is not None else None,
            times,
            self._is_fresh,
            self._of_cells(info, tracks),
            steps.drawing.draw() if steps.drawing is not None else (),
            recalled,
        )
        self.forget()
        self._is_fresh = False
        return result, DecisionMessage(decision)

    def _observe(
        self, found: Detections, tracks: Tracks, events: tuple[TrackEvent, ...]
    ) -> Observation:
        """Return all that a policy may look at."""
        info, steps, trust = self._seen[0], self.steps, self._trust
        assert trust is not None
        observation = observe(
            shot=info.shot.number,
            position=info.shot.position,
            t_s=info.t_s,
            seqs=tuple(i.seq for i in self._seen),
            applied=tuple(i.applied for i in self._seen),
            detections=found,
            tracks=tracks,
            events=events,
            trust=doubted(trust, tracks.flags),
            saturated_fraction=self._saturated,
            dose_j_cm2=self._dose(info.shot.position),
            pixel_um=steps.pixel_um,
        )
        if steps.planes is None:
            return observation
        return msgspec.structs.replace(observation, stack=steps.planes.judge(info.shot.position))

    def _times(self, start: int, detected: int, tracked: int, decided: int) -> StepTimes:
        """Return how long each step took; all steps of a shot's frames count."""
        return StepTimes(
            restore_ns=self._ns["restore"],
            detect_ns=detected - start,
            track_ns=tracked - detected,
            judge_ns=self._ns["judge"],
            decide_ns=decided - tracked,
            total_ns=sum(self._ns.values()) + decided - start,
        )

    def known(self, position: int) -> Known | None:
        """Return what is known of a field after its last shot, for keeping; None: nothing is."""
        return self._recollection.known(position)

    def next_name(self, position: int) -> int:
        """Return the name that a field's next new cell gets."""
        return self._following.next_name(position)

    def news(self, result: Result) -> list[str]:
        """Return what is wrong with a shot that was not so with the last one of its field."""
        before = self._told.get(result.position, ())
        self._told[result.position] = result.tracks.flags
        return [f for f in result.tracks.flags if f not in before and f != GAP]  # the hub told that

    def _book(self, info: FrameInfo) -> None:
        """Add a frame's light to the map that cells' doses are read from."""
        doses, light = self.steps.cell_dose, info.applied.light
        if doses is not None and light in doses.lights:
            x_um, y_um, _ = info.position_um
            doses.light(info.shot.position, light, x_um, y_um, info.applied.dose_j_cm2)

    def _of_cells(self, info: FrameInfo, tracks: Tracks) -> CellDoses | None:
        """Return what each cell has taken, this shot included."""
        doses = self.steps.cell_dose
        if doses is None:
            return None
        return doses.read(info.shot.position, *info.position_um[:2], tracks)

    def _dose(self, position: int) -> dict[str, float]:
        dose = self._doses.setdefault(position, {})
        for info in self._seen:
            light = info.applied.light
            dose[light] = dose.get(light, 0.0) + info.applied.dose_j_cm2
        return dict(dose)

    def forget(self) -> None:
        """Drop what was seen of the shot so far."""
        self._seen.clear()
        self._trust = None
        self._stack.forget()
        self._saturated = 0.0
        if self.steps.drawing is not None:
            self.steps.drawing.forget()
        if self.steps.planes is not None:
            self.steps.planes.forget()
        self._ns = dict.fromkeys(self._ns, 0)


def _together(shot: Trust | None, frame: Trust) -> Trust:
    """Return a shot's verdict: one frame in doubt is a shot in doubt, and audits end with it."""
    if shot is None or not frame.is_trusted:
        return frame
    if not (frame.audit_void or frame.audits > shot.audits):
        return shot
    return msgspec.structs.replace(
        shot,
        audit_rmse_e=frame.audit_rmse_e,
        audit_low_e=frame.audit_low_e,
        audit_high_e=frame.audit_high_e,
        audits=frame.audits,
        audit_void=frame.audit_void,
    )


def _clipped(adu: NDArray[np.uint16], saturation_adu: float) -> float:
    """Return the share of clipped pixels."""
    if adu.max() < saturation_adu:
        return 0.0
    return float(np.count_nonzero(adu >= saturation_adu)) / adu.size


def is_real(image: NDArray[np.float32]) -> bool:
    """Whether every pixel is a number: one that is none is the least and the largest of all.

    Two looks at an image take a quarter of the time of its sum in float64.
    """
    return bool(np.isfinite(image.min()) and np.isfinite(image.max()))
