"""What a command asks the processes to do: one frozen record, handed to each of them."""

from __future__ import annotations

import msgspec


class ReplayTask(msgspec.Struct, frozen=True):
    """Play a run file instead of driving a microscope.

    Attributes
    ----------
    path
        The run file (any of its parts).
    pace
        "max", "step" (lock-step: a shot waits for its decision), or "real-time".
    speed
        Real-time only: how many times faster than recorded.
    verify
        Compare each decision with the recorded one; the first difference ends the run.
    first, last
        Frames to play from and to, widened to whole shots; -1 is the last one.
    clients
        Wait until so many listeners are there, besides the worker.
    label
        What else a person must know of this replay, such as that it is open-loop.
    is_what_if
        Another policy decides; what it asks for is added up.
    """

    path: str
    pace: str = "max"
    speed: float = 1.0
    verify: bool = False
    first: int = 0
    last: int = -1
    clients: int = 0
    label: str = ""
    is_what_if: bool = False


class RunTask(msgspec.Struct, frozen=True):
    """One run, live or replayed.

    Attributes
    ----------
    config_toml, config_name
        The run config as text, and what to call it in complaints.
    out
        Run file to write; empty writes none that is kept.
    with_window, ends_with_window, ends_with_run
        Whether to show the window, whether closing it ends the run, and whether the run's end
        closes it.
    screenshot
        Where the window leaves a picture of itself before it closes; empty for none.
    theme
        The window's: "dark" or "red"; empty is the one that was chosen last.
    max_shots
        Ends the run early; 0 lets the plan decide.
    goes_on_with
        Run file of a run that ended too soon; this one takes the rest of its plan.
    seed
        Seed of the simulated specimen; -1 keeps the config's.
    truth
        Write what only the simulated specimen knows beside the run.
    folder
        Private folder of the session: sockets and temporary files.
    measures_usage
        Sample processor time and memory of every process.
    echo_shots
        For the bench of the loop: after the run, so many of the last frame's messages are sent
        through the same processes and answered at once, for comparison.
    sabotage
        For the benches: what to break, so that they must notice.
    """

    config_toml: str
    config_name: str
    out: str
    folder: str = ""
    with_window: bool = False
    ends_with_window: bool = False
    ends_with_run: bool = False
    screenshot: str = ""
    theme: str = ""
    max_shots: int = 0
    goes_on_with: str = ""
    seed: int = -1
    truth: bool = False
    replay: ReplayTask | None = None
    is_verbose: bool = False
    measures_usage: bool = False
    echo_shots: int = 0
    sabotage: str = ""
