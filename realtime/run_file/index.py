"""What stands where in a run: built once from the journal, and continued while the run grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from realtime.errors import RunFileError
from realtime.wire import (
    AppliedMessage,
    ClockPair,
    DecisionMessage,
    Document,
    End,
    FrameMessage,
    Gap,
    Notice,
    Result,
    Start,
)

if TYPE_CHECKING:
    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision


class Place(NamedTuple):
    """Where a frame's pixels are: part of the run, camera, and row of the camera's data."""

    part: int
    camera: int
    row: int


@dataclass(slots=True)
class RunIndex:
    """A run's documents, sorted by kind. Results stay on disk: they hold every track.

    `restored` says for each shot whose result named an image: part, and row of its table there.
    """

    name: str
    start: Start | None = None
    end: End | None = None
    frames: dict[int, FrameMessage] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    shots: dict[int, list[int]] = field(default_factory=dict)
    results: list[tuple[int, int]] = field(default_factory=list)
    restored: dict[int, tuple[int, int]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    applied: list[AppliedMessage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    clocks: list[ClockPair] = field(default_factory=list)
    _cameras: dict[str, int] = field(default_factory=dict)
    _rows: dict[tuple[int, int], int] = field(default_factory=dict)
    _n_restored: dict[int, int] = field(default_factory=dict)

    def take(self, document: Document, part: int, number: int) -> None:
        """Note a document, the `number`-th of a part."""
        match document:
            case FrameMessage():
                self._take_frame(document, part)
            case Result():
                self.results.append((part, number))
                if document.restored is not None:
                    self._take_restored(document.shot, part)
            case DecisionMessage():
                self.decisions.append(document.decision)
            case AppliedMessage():
                self.applied.append(document)
            case Gap():
                self.gaps.append(document)
            case Notice():
                self.notices.append(document)
            case ClockPair():
                self.clocks.append(document)
            case Start() if self.start is None:
                self.start = document
                self._cameras = {camera.label: n for n, camera in enumerate(document.cameras)}
            case End():
                self.end = document
            case _:
                pass  # each later part begins with the start again

    def infos(self) -> list[FrameInfo]:
        """Return every frame's truth, in the order of their numbers."""
        return [self.frames[seq].info for seq in sorted(self.frames)]

    def _take_restored(self, shot: int, part: int) -> None:
        number = self._n_restored.get(part, 0)
        self._n_restored[part] = number + 1
        self.restored[shot] = (part, number)

    def _take_frame(self, message: FrameMessage, part: int) -> None:
        seq, label = message.info.seq, message.info.camera
        camera = self._cameras.get(label)
        if camera is None:
            raise RunFileError(f"{self.name} is damaged: frame {seq} has no camera {label!r}")
        row = self._rows.get((part, camera), 0)
        self._rows[part, camera] = row + 1
        self.frames[seq] = message
        self.places[seq] = Place(part, camera, row)
        self.shots.setdefault(message.info.shot.number, []).append(seq)
