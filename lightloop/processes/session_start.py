"""How a session begins: the guard of its light, and the first thing that listeners hear."""

from __future__ import annotations

import importlib.metadata
import time
import uuid
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.camera import Camera
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.loop.burst import in_bursts
from acquire.plan.plan import plan_shots
from acquire.plan.rest import the_rest
from acquire.stand.device_state import device_state
from lightloop.calibrate.calibrations import references
from lightloop.provenance import networks, processor
from realtime.wire import Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from acquire.dose import Ledger
    from acquire.keeper.link import KeeperLink
    from acquire.plan.plan import PlannedShot
    from lightloop.build.microscope import Microscope
    from lightloop.config import RunConfig
    from lightloop.task import RunTask
    from realtime.wire import RingInfo


def build_guard(
    config: RunConfig,
    microscope: Microscope,
    keeper: KeeperLink,
    ledger: Ledger,
    *,
    heads_up: Callable[[], None],
    where: Callable[[], tuple[float, float] | None],
    name: str,
) -> LightGuard:
    """Build what all light of a run passes through.

    Parameters
    ----------
    heads_up, where
        See `LightGuard`.
    name
        Of the config, for what the ledger says.
    """
    core, camera = microscope.core, microscope.camera
    sources = {source.name: source for source in config.light}
    return LightGuard(
        LightPort(core, config.light),
        Camera(core, (camera.height, camera.width)),
        keeper,
        ledger,
        {c.name: sources[c.light] for c in config.channel},
        {s.name: s.limits.limits() for s in config.light},
        config.guard,
        steps_ms={c.name: c.exposure_step_ms for c in config.channel if c.exposure_step_ms},
        heads_up=heads_up,
        where=where,
        config=name,
    )


def first_message(
    task: RunTask, config: RunConfig, microscope: Microscope, ring: RingInfo
) -> Start:
    """Return what every listener hears first: what runs, on what, and from where on."""
    return Start(
        session_id=str(uuid.uuid4()),
        t_ns=time.perf_counter_ns(),
        t_utc_ns=time.time_ns(),
        cameras=microscope.cameras,
        ring=ring,
        settings=config.first_settings(),
        config_toml=task.config_toml,
        plan_json=config.sequence().model_dump_json(exclude_unset=True),
        origin=microscope.origin,
        software=f"lightloop {importlib.metadata.version('lightloop')}",
        dose_unit=dose_unit(config),
        budget_j_cm2={s.name: s.limits.budget_j_cm2 for s in config.light},
        mode=config.loop.mode,
        goes_on_with=task.goes_on_with,
        calibrations=references(config),
        devices=device_state(microscope.core),
        models=networks(config),
        processor=processor(),
    )


def dose_unit(config: RunConfig) -> str:
    """Return the unit of a run's doses: "J/cm2" only where every light's power was measured."""
    return "J/cm2" if all(light.is_calibrated for light in config.light) else "relative"


def book_what_was(task: RunTask, ledger: Ledger, *, is_booked: bool) -> int:
    """Book the light of the run that is gone on with; return how many shots it began.

    `is_booked`: a sample's record holds that light already.
    """
    if not task.goes_on_with:
        return 0
    from lightloop.resume import read_unfinished  # reads files, which most runs begin without

    unfinished = read_unfinished(Path(task.goes_on_with))
    if not is_booked:
        unfinished.book(ledger)
    return unfinished.shots


def planned(
    task: RunTask, config: RunConfig, origin: tuple[float, float, float], *, after: int
) -> Iterator[PlannedShot]:
    """Plan the shots of a session, from where the stage stands, without those begun before."""
    shots = plan_shots(config.sequence(), origin, config.loop.audit_every_shots)
    shots = islice(the_rest(shots, after), task.max_shots or None)
    n_frames = config.loop.burst_frames
    return (in_bursts(shot, n_frames) for shot in shots) if n_frames > 1 else shots
