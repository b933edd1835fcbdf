"""What a config makes of its microscope, in words: for who reads `lightloop check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.simulated.config import SimulatedScopeConfig
from lightloop.check.plan import asks_for_focus
from lightloop.predict.skips import skips_of
from realtime.planes.skipped import GOOD_STACKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightloop.config import RunConfig


def notes(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield what should be known before the run: what it is about, and one sentence."""
    for light in config.light:
        if light.is_switchable and not light.power_device:
            yield (
                f"light, {light.name}",
                "no power property: set its power by hand; lightloop controls its exposure and "
                f"gating ({_GATES[light.gate]}), and weakens it by shorter exposures",
            )
    own = "the microscope's own camera"
    for camera in dict.fromkeys(channel.camera for channel in config.channel):
        names = ", ".join(c.name for c in config.channel if c.camera == camera)
        if any(channel.camera for channel in config.channel):
            yield "camera", f"{camera or own}: {names}"
    for channel in config.channel:
        if said := list(_of_channel(config, channel.name)):
            yield f"channel, {channel.name}", "; ".join(said)
    if every := config.loop.audit_every_shots:
        yield (
            "audits",
            f"at every {_nth(every)} shot of a field {config.channel[0].name} is taken twice, at "
            "equal light, to measure how wrong the restored image is",
        )
    if (planes := skips_of(config)) is not None:
        yield (
            "planes",
            f"{len(planes.kept)} of {len(planes.planes_um)} are taken, {config.network.axial} "
            f"draws the others; the first {GOOD_STACKS} stacks of a field are whole, at every "
            f"{_nth(planes.config.check_every)} one plane more is taken and compared, and where "
            f"drawn planes miss {planes.config.worst_share:.0%} of the contrast all are taken; "
            "frames and dose are told for whole stacks",
        )
    yield from _of_focus(config)


def doubt_of_photons(config: RunConfig) -> str:
    """Say in one sentence what is wrong where nobody told a camera's gain; empty if it is known."""
    own, others = config.camera, config.other_camera
    knows_itself = isinstance(config.scope, SimulatedScopeConfig)
    cameras = [] if knows_itself and "camera" not in config.model_fields_set else [("", own)]
    cameras += [(repr(camera.label), camera) for camera in others]
    unknown = [
        name or "the camera"
        for name, camera in cameras
        if not (camera.calibration or "gain_adu_per_e" in camera.model_fields_set)
    ]
    if not unknown:
        return ""
    return (
        f"nobody told the gain of {' and '.join(unknown)}, so 1 count is taken for 1 "
        "photo-electron: photons and SNR are off by a factor that nobody knows, a policy that "
        "aims at an SNR gives too little light or more than it needs (never more than limits and "
        "budget; J/cm2 do not hang on it), and good restored images may go untrusted; cure: "
        "measure it once, in five minutes (lightloop calibrate camera), or write gain_adu_per_e "
        "of the data sheet into [camera]"
    )


def _of_channel(config: RunConfig, name: str) -> Iterator[str]:
    channel = next(one for one in config.channel if one.name == name)
    if channel.exposure_step_ms:
        yield f"exposures are multiples of {channel.exposure_step_ms:g} ms"
    if channel.z_offset_um:
        yield f"{channel.z_offset_um:+g} um from the focus"
    if not channel.do_stack:
        yield "only the middle plane of a stack"
    if channel.acquire_every > 1:
        yield f"at every {channel.acquire_every} time points"


def _of_focus(config: RunConfig) -> Iterator[tuple[str, str]]:
    rules = config.focus
    lost = {"flag": "its frames are marked", "pause": "the run waits", "stop": "the run ends"}
    if rules.lock:
        yield "focus", f"held by its lock; when that is lost, {lost[rules.on_lost]}"
    if not asks_for_focus(config.sequence()):
        return
    if rules.method == "hardware":
        yield "focus", f"found by its device; where it is not found, {lost[rules.on_lost]}"
        return
    channel = rules.channel or config.channel[0].name
    yield (
        "focus",
        f"searched by images of {channel}, {rules.range_um:g} um in steps of {rules.step_um:g} um; "
        f"all searches together take {rules.budget_share:.0%} of a field's budget at most",
    )


def _nth(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_GATES = {
    "camera": "the camera's trigger line blanks it",
    "sequencer": "a sequencer blanks it",
    "software": "its shutter is opened and closed by command",
    "always-on": "nothing blanks it",
}
