"""The table of faults: what is broken from outside, and what must come of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import TYPE_CHECKING

from lightloop.bench import faults_deeds as deeds
from lightloop.bench import faults_harms as harms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lightloop.bench.faults_stand import Stand


class Outcome(Enum):
    """What must come of a fault."""

    CONTINUES = "continues"
    RESUMES = "dark and resumes"
    ENDS = "dark and ends"
    UNCONFIRMED = "DARK NOT CONFIRMED, alarm, exit status 3"
    NEVER_MORE = "never more light"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row.

    Attributes
    ----------
    deed
        Breaks a run, and waits for what it has to wait for.
    exit_code
        Status of the command.
    says
        Words that the command must print.
    has_policy_of_its_own
        False: the shipped policy steers the light, and cells are looked for.
    runs_on
        Exposures that may follow where the run ends: it meets the fault in the next shots only.
    exposures_after
        How many are watched where the run goes on; 0: as many as is usual for the outcome.
    not_yet
        Why what is declared is known not to come true; empty if it does.
    is_slow
        Not for every push: it takes long, or another test says much of the same.
    rival
        Name of the same on bare pymmcore-plus; empty if it cannot be expressed there.
    no_rival
        Why it cannot.
    late_ms
        How long light may outlast its lease, by more than the 50 ms that all may, ms: where all
        who should end it hang, and only the supervisor is left to see that.
    target_snr, network
        Where the shipped policy steers: how clear it keeps the cells, and the network before it.
    """

    name: str
    deed: Callable[[Stand], None]
    outcome: Outcome
    exit_code: int = 130
    says: str = ""
    has_policy_of_its_own: bool = True
    moves: bool = False
    with_window: bool = False
    not_yet: str = ""
    is_slow: bool = False
    runs_on: int = 3
    exposures_after: int = 0
    rival: str = ""
    no_rival: str = ""
    late_ms: float = 0.0
    target_snr: float = 80.0
    network: str = ""

    def config(self, folder: Path) -> str:
        """Return the run config for it, as TOML."""
        text = files("lightloop.bench").joinpath("faults.toml").read_text("utf-8")
        if self.has_policy_of_its_own:
            path = files("lightloop.bench").joinpath("faults_policy.py")
            orders = json.dumps(str(folder / "orders.txt"))
            own = f'kind = "python"\npath = {json.dumps(str(path))}\noptions.orders = {orders}'
            text = text.replace('kind = "snr"\ntarget_snr = 80.0', own)
        else:  # light that the camera blanks gives the dose that was asked for, to the last digit
            text = text.replace('gate = "software"', 'gate = "camera"')
            text = text.replace("target_snr = 80.0", f"target_snr = {self.target_snr}")
            text = text.replace('denoise = ""', f"denoise = {json.dumps(self.network)}")
        if self.moves:
            there = "stage_positions = [{ x = 0.0, y = 0.0 }, { x = 5.0, y = 0.0 }]"
            text = text.replace("[plan]", f"[plan]\n{there}")
        return text


_C, _R, _E = Outcome.CONTINUES, Outcome.RESUMES, Outcome.ENDS
_U, _N = Outcome.UNCONFIRMED, Outcome.NEVER_MORE
_PROCESS = "it is one process: see scope killed"
_POLICY = "it decides nothing by what it sees"

FAULTS = (
    Fault("cancel", deeds.cancel, _E, 130, "stopped by Ctrl-C", rival="cancel"),
    Fault("STOP LIGHT", deeds.stop_light, _E, 0, "STOP LIGHT", no_rival="no such button"),
    Fault("exception in the policy", deeds.raise_in_policy, _E, 1, "told to fail", rival="raise"),
    Fault(
        "exception in the worker", deeds.raise_in_worker, _E, 1, "a Decision",
        is_slow=True, no_rival=_PROCESS,
    ),
    Fault("exception in a callback", deeds.raise_in_callback, _C, rival="callback"),
    Fault("camera fails", deeds.camera_fails, _E, 1, "refuses", rival="camera_fails"),
    Fault("camera thread dies", deeds.camera_thread_dies, _E, 1, "camera", rival="camera_dies"),
    Fault("camera hangs", deeds.camera_hangs, _E, 1, "camera", rival="camera_hangs"),
    Fault("stage never arrives", deeds.stage_hangs, _E, 1, "stage", moves=True, rival="stage"),
    Fault("power set refused", deeds.power_refused, _E, 1, "refuses", rival="power_refused"),
    Fault("power set ignored", deeds.power_ignored, _E, 1, "says", rival="power_ignored"),
    Fault("shutter stuck open", deeds.shutter_stuck, _E, 1, "repaired", rival="shutter_stuck"),
    Fault("read-back lies once", deeds.lie_once, _C, no_rival="it reads nothing back"),
    Fault(
        "light obeys nobody", deeds.refuse_dark, _U, 3, "DARK NOT CONFIRMED",
        is_slow=True, rival="refuse_dark",
    ),
    Fault("light box loses its mains", deeds.light_dies, _E, 1, "light", rival="light_dies"),
    Fault("decision late", deeds.decide_late, _R, rival="late"),
    Fault("decision NaN", deeds.decide_nan, _C, rival="nan"),
    Fault(
        "worker killed", deeds.kill_worker, _C,
        exposures_after=40, is_slow=True, no_rival=_PROCESS,
    ),
    Fault("recorder killed", harms.kill_recorder, _C, is_slow=True, no_rival=_PROCESS),
    Fault("scope killed", harms.kill_scope, _E, 1, "scope process died", rival="kill"),
    Fault(
        "scope killed, keeper stopped", harms.kill_scope_of_a_sleeper, _E, 1, "scope process died",
        no_rival="it has none",
    ),
    Fault(
        "scope and keeper killed", harms.kill_scope_and_keeper, _E, 1, "process died",
        no_rival="it has none",
    ),
    Fault("scope hangs", harms.hang_scope, _E, 1, "scope", rival="hang"),
    Fault(
        "scope and keeper hang", harms.hang_scope_and_keeper, _E, 1, "keeper hung",
        late_ms=1_500.0, no_rival="it has none",
    ),
    Fault("keeper killed", harms.kill_keeper, _E, 1, "keeper", no_rival="it has none"),
    Fault("supervisor killed", harms.kill_supervisor, _E, -9, is_slow=True, no_rival=_PROCESS),
    Fault(
        "window killed", harms.kill_window, _C,
        with_window=True, is_slow=True, no_rival=_PROCESS,
    ),
    Fault(
        "disk full", harms.fill_disk, _E, 1, "run.h5",
        runs_on=60, is_slow=True, no_rival="no file is written",
    ),
    Fault("clock jumps by an hour", harms.clock_jumps, _R, no_rival="it looks at no calendar"),
    Fault(
        "config edited in mid-run", deeds.edit_config, _C,
        is_slow=True, no_rival="a script, read once",
    ),
    Fault("sockets flooded", harms.flood_sockets, _C, is_slow=True, no_rival="it has none"),
    Fault("empty field", harms.empty_field, _N, has_policy_of_its_own=False, no_rival=_POLICY),
    Fault(
        "defocus by 5 um", harms.defocus, _N,
        has_policy_of_its_own=False, no_rival=_POLICY,
    ),
    Fault(
        "all cells dead", harms.kill_cells, _N,
        has_policy_of_its_own=False, exposures_after=80, no_rival=_POLICY,
    ),
    Fault(
        "empty field, as the demo", harms.empty_field, _N, has_policy_of_its_own=False,
        is_slow=True, no_rival=_POLICY, target_snr=15.0, network="denoise-2d",
    ),
    Fault(
        "defocus by 5 um, as the demo", harms.defocus, _N, has_policy_of_its_own=False,
        is_slow=True, no_rival=_POLICY, target_snr=15.0, network="denoise-2d",
    ),
    Fault(
        "all cells dead, as the demo", harms.kill_cells, _N, has_policy_of_its_own=False,
        is_slow=True, exposures_after=80, no_rival=_POLICY, target_snr=15.0, network="denoise-2d",
    ),
)  # fmt: skip
