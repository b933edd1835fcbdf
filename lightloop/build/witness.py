"""The truth beside a live run, where somebody asks for it: only a simulated specimen has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from acquire.simulated.config import SimulatedScopeConfig

if TYPE_CHECKING:
    from acquire.frame import FrameInfo
    from acquire.simulated.bench import Bench
    from lightloop.config import RunConfig
    from lightloop.task import RunTask
    from realtime.truth.sidecar import Sidecar


class Witness:
    """Hands the truth of a run to its sidecar; without one it does nothing."""

    def __init__(self, sidecar: Sidecar | None = None) -> None:
        self._sidecar = sidecar

    @classmethod
    def of(cls, task: RunTask, config: RunConfig, bench: Bench | None, session_id: str) -> Witness:
        """Make the witness that a task asks for.

        Raises
        ------
        RunFileError
            If the truth file cannot be made.
        """
        scope = config.scope
        if not task.truth or bench is None or not isinstance(scope, SimulatedScopeConfig):
            return cls()
        from realtime.truth import About, truth_path
        from realtime.truth.sidecar import Sidecar

        lines = tuple(line.name for line in scope.all_lines())
        about = About(
            session_id, scope.model_dump_json(), scope.height, scope.width, scope.pixel_um, lines
        )
        sidecar = Sidecar(truth_path(Path(task.out)), about)
        bench.witness = sidecar.witness
        return cls(sidecar)

    def frame(self, info: FrameInfo) -> None:
        """Say that a frame was published."""
        if self._sidecar is not None:
            self._sidecar.frame(info)

    def rest(self) -> None:
        """Say that a decision has come: now the truth may be written."""
        if self._sidecar is not None:
            self._sidecar.rest()

    def close(self, *, is_complete: bool) -> list[str]:
        """Close the truth, and return what a person should know of it. May be called twice."""
        sidecar = self._sidecar
        if sidecar is None:
            return []
        sidecar.close(is_complete=is_complete)
        told = []
        if sidecar.failure:
            told.append(f"the truth beside the run is not whole: {sidecar.failure}")
        if sidecar.n_missed:
            told.append(
                f"the truth beside the run lacks the images of {sidecar.n_missed} of "
                f"{sidecar.n_exposures} exposures: there was no time to write them"
            )
        return told


def wants_truth(config: RunConfig, out: Path | None, name: str, *, is_asked: bool) -> bool:
    """Decide whether a run writes its truth; before any light, look whether it can.

    Raises
    ------
    ConfigError
        If it is asked for and the cells are real, or the run is not kept, or its file cannot be
        written.
    """
    from lightloop.check.files import check_output
    from lightloop.config import ConfigError
    from realtime.truth import truth_path

    scope = config.scope
    if not isinstance(scope, SimulatedScopeConfig):
        if is_asked:
            raise ConfigError(f"--truth is for a simulated specimen; {name} drives a real scope")
        return False
    if is_asked and out is None:
        raise ConfigError("--truth lies beside the run file: say --out as well")
    if out is None or not (is_asked or scope.truth):
        return False
    check_output(truth_path(out), 0)
    return True
