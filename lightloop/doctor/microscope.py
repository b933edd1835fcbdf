"""Micro-Manager: do core and adapters fit, does a demonstration camera give an image."""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.doctor.finding import Finding, judged
from lightloop.doctor.probe import ProbeFailed, ask

if TYPE_CHECKING:
    from acquire.core import Core
    from lightloop.config import RunConfig

SNAP_TIMEOUT_S = 5.0


def interface() -> Finding:
    """Compare the device interface of the core with that of the adapters that came along."""
    core = importlib.metadata.version("pymmcore")  # such as 12.5.1.75.0: the 75 is the interface
    wanted = core.split(".")[3]
    try:
        adapters = importlib.metadata.version("mm-test-adapters")  # such as 75.20261014
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            "warn", "micro-manager", f"pymmcore {core}, no test adapters", "pip install -e ."
        )
    return judged(
        "micro-manager",
        f"pymmcore {core}, adapters for device interface {adapters.split('.')[0]}",
        is_bad=adapters.split(".")[0] != wanted,
        fix=f"install mm-test-adapters {wanted}.*: core and adapters must speak alike",
        verdict="fail",
    )


def snap() -> Finding:
    """Take one image with Micro-Manager's demonstration camera; it has no light."""
    try:
        height, width = ask("snap")
    except ProbeFailed as error:
        return Finding("fail", "demo snap", str(error), "pip install --force-reinstall pymmcore")
    return Finding("ok", "demo snap", f"{height} x {width} from DemoCamera")


def config(path: Path) -> Finding:
    """Load a run config, its microscope, and every device that it names."""
    from lightloop.check.checks import check_network, check_policy, check_run
    from lightloop.check.scope import check_keeper, check_scope
    from lightloop.config import ConfigError, load
    from lightloop.predict.prediction import predict

    try:
        wanted = load(path)
        check_run(wanted, predict(wanted), path.name)
        if (held := _held(wanted)) is not None:
            return held
        check_network(wanted, path.name)
        check_policy(wanted, path.name)
        height, width = check_scope(wanted, path.name)
        check_keeper(wanted, path.name)
    except ConfigError as error:
        return Finding("fail", "config", str(error), "lightloop check says more")
    lights = ", ".join(light.name for light in wanted.light)
    return Finding("ok", "config", f"{path.name}: camera {height} x {width}, light {lights}")


def rehearsal(path: Path) -> Finding:
    """Say how the lights of a run config behaved when they were rehearsed."""
    from lightloop.config import ConfigError, load
    from lightloop.rehearse.kept import words

    try:
        said = words(load(path), path.name)
    except ConfigError:  # the line above says what is wrong with it
        return Finding("fail", "rehearsal", "cannot be looked up", "mend the config first")
    doubts = [word.text for word in said if word.is_warning]
    if doubts:
        return Finding("warn", "rehearsal", "; ".join(doubts), f"lightloop rehearse {path.name}")
    return Finding("ok", "rehearsal", "; ".join(word.text for word in said))


def _held(wanted: RunConfig) -> Finding | None:
    """Look whether another program has a port of the microscope."""
    from acquire.core_trouble import held_ports

    if wanted.scope.kind != "micro-manager" or not (path := Path(wanted.scope.system)).is_file():
        return None
    ports = held_ports(path.read_text("utf-8", errors="replace"))
    if not ports:
        return None
    said = "; ".join(f"port {port.name} is held by {port.holder}" for port in ports)
    return Finding("fail", "config", said, "close that program: one at a time can have a port")


def probe_snap() -> list[int]:
    """Return the shape of one image of the demonstration camera."""
    from acquire.core_loading import load_system

    core = load_system()
    try:
        return _one_image(core)
    finally:
        core.unloadAllDevices()  # a core that Python takes down at exit may abort the process


def _one_image(core: Core) -> list[int]:
    core.startSequenceAcquisition(1, 0.0, True)
    until = time.perf_counter() + SNAP_TIMEOUT_S
    while core.getRemainingImageCount() == 0:
        if time.perf_counter() > until:
            raise TimeoutError(f"DemoCamera gave no image within {SNAP_TIMEOUT_S:.0f} s")
        time.sleep(0.001)
    pixels, _ = core.popNextImageAndMD()
    return [int(n) for n in pixels.shape]
