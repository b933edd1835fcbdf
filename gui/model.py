"""What the window shows of a run, as plain values. It knows no Qt; the window only draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.heard import Heard
from gui.state import RunState, StopState

if TYPE_CHECKING:
    from realtime.wire import FrameMessage, Result

NO_MODEL = ("", "none")


class RunView(Heard):
    """The run as one person sees it, made of what was heard."""

    @property
    def state(self) -> RunState:
        """The word in the bar."""
        if self.start is None or self.refused_by_hub:
            return RunState.OFFLINE
        if self.end is not None:
            if not self.end.is_dark:
                return RunState.FAULT
            return RunState.DONE if self.end.status == "complete" else RunState.STOPPED
        if self._is_faulty or self.light.is_in_doubt:
            return RunState.FAULT
        if self.light.stop.state is StopState.DARK:
            return RunState.STOPPED
        if self.paused:
            return RunState.PAUSED
        if self.frame is None:
            return RunState.IDLE
        return RunState.HELD if self._is_held else RunState.RUNNING

    @property
    def is_on(self) -> bool:
        """Whether a run is going on, so that closing the window is worth a word."""
        on = (RunState.RUNNING, RunState.HELD, RunState.PAUSED, RunState.FAULT)
        return self.state in on and self.end is None

    @property
    def is_held(self) -> bool:
        """Whether a person has taken the feedback's hand off the light."""
        return self._is_held

    @property
    def has_last_frame(self) -> bool:
        """Whether the run is over, and nothing newer than what is here will come."""
        if self.end is None:
            return False
        return self.end.last_seq < 0 or (
            self.frame is not None and self.frame.info.seq >= self.end.last_seq
        )

    @property
    def has_guessed_calibration(self) -> bool:
        """Whether a camera's numbers were estimated from images instead of measured."""
        cameras = self.start.cameras if self.start is not None else ()
        return any(camera.calibration.source == "estimated" for camera in cameras)

    @property
    def is_relative(self) -> bool:
        """Whether the dose has no physical unit, for want of a power calibration."""
        return self.start is not None and self.start.dose_unit == "relative"

    @property
    def dose_unit(self) -> str:
        """The unit of every dose, for display."""
        unit = "J/cm2" if self.start is None else self.start.dose_unit
        return "relative units" if unit == "relative" else unit.replace("cm2", "cm²")

    @property
    def network(self) -> str:
        """What made the newest restored image; empty where it is the raw one in photons."""
        return network_of(self.result) if self.result is not None else ""

    @property
    def provenance(self) -> str:
        """The banner over images that are not taken now; empty for a live or simulated run."""
        if self.start is None or not self.is_replay:
            return ""
        return f"{self.start.origin}: proposals made under recorded exposures"

    @property
    def pause_text(self) -> str:
        """Why the run waits, in full, and what can be done; empty while it does not."""
        if self.state is not RunState.PAUSED:
            return ""
        return f"Paused: {self.paused}. Resume the run, or end it."

    @property
    def alarm(self) -> str:
        """What a person must do at once, in full; empty while the light is not in doubt."""
        if not self.light.is_in_doubt:
            return ""
        why = self.light.stop.text or "no source said that it is dark"
        return f"The light may be on! Switch it off at the laser; Esc tries again: {why}"

    @property
    def skipped_frames(self) -> int:
        """Frames that were taken and recorded but not drawn here: no loss."""
        if self.frame is None or self._first_seq < 0:
            return 0
        seen = self.frame.info.seq - self._first_seq + 1
        return max(seen - self.shown_frames - self.lost_frames, 0)

    def result_for(self, frame: FrameMessage) -> Result | None:
        """Return the newest result of a frame's field that knows nothing newer than the frame."""
        info = frame.info
        known = (r for r in reversed(self._results) if r.position == info.index.p)
        return next((r for r in known if min(r.seqs, default=-1) <= info.seq), None)

    def silent_s(self, now_ns: int) -> float:
        """Return for how long nothing was heard, s."""
        return (now_ns - self._heard_ns) * 1e-9 if self._heard_ns else 0.0


def network_of(result: Result) -> str:
    """Return what made a result's restored image; empty where it is the raw one in photons."""
    return "" if result.model_id in NO_MODEL else result.model_id
