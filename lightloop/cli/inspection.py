"""`lightloop inspect`: what is in a run file, and why a frame got its light."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import exit_status, paper, print_json
from lightloop.cli.words import between, counted, facts, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realtime.telling.run_summary import ChannelSummary, RunSummary
    from realtime.telling.why import Why
    from realtime.wire import CameraInfo

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
STATUS_MEANS = {
    "partial": "the run was cut short",
    "recording": "it goes on, or its recorder died; lightloop repair saves what is whole",
}
MOST_LINES = 8  # of gaps, reasons and notices; --json has them all


def inspect(
    run: Annotated[Path, typer.Argument(help="Run file.")],
    why: Annotated[
        int | None, typer.Option("--why", min=0, metavar="SEQ", help="Explain one frame's light.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is in a run file: frames, gaps, dose, decisions and their reasons."""
    with exit_status():
        from realtime.run_file import RunReader
        from realtime.telling.run_summary import summarize
        from realtime.telling.why import why as why_so

        with RunReader(run) as reader:
            if why is not None:
                told = why_so(reader, why)
                print_json(told) if as_json else _explain(told)
                return
            seen = summarize(reader)
        if as_json:
            print_json(seen)
            return
        paper().print(facts(_rows(seen)))


def _explain(told: Why) -> None:
    """Print why a frame got its light, and below it what the policy saw, line by line."""
    from realtime.telling.why import numbers

    page = paper()
    page.print(told.text, markup=False)
    if told.decision is None or not (rows := numbers(told.decision)):
        return
    seen = ", ".join(str(seq) for seq in told.decision.based_on)
    what = "frame" if len(told.decision.based_on) == 1 else "frames"
    page.print(f"\nDecided on these numbers, of {what} {seen}:\n", style="dim")
    page.print(facts(rows))


def _rows(seen: RunSummary) -> Iterator[tuple[str, str]]:
    when = datetime.fromtimestamp(seen.t_utc_ns * 1e-9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield seen.name, f"{seen.origin}, {when}"
    reason = seen.reason or STATUS_MEANS.get(seen.status, "")
    yield "status", seen.status + (f": {reason}" if reason else "")
    if not seen.n_frames:
        yield "frames", "none: the run ended before its first frame"
        yield from (("notice", notice) for notice in seen.notices[:MOST_LINES])
        return
    fields = counted(seen.n_positions, "field")
    yield "frames", f"{seen.n_frames} in {seen.n_shots} shots of {fields}"
    same = seen.host_s == seen.duration_s  # as in a film of simulated cells
    clock = "" if same else f", {span(seen.host_s)} on the clock"
    yield "time", f"{span(seen.duration_s)} of the experiment{clock}"
    yield from (("camera", _camera(camera)) for camera in seen.cameras)
    yield from (("channel", _channel(channel)) for channel in seen.channels)
    for light, dose in sorted(seen.dose.items()):
        together = f", {fields} together" if seen.n_positions > 1 else ""
        yield "dose", dose_text(light, dose, seen.dose_unit) + together
    yield from _trouble(seen)
    if seen.n_restored or seen.n_restored_lost:
        lost = f", {seen.n_restored_lost} could not be kept" if seen.n_restored_lost else ""
        by = ", ".join(model or "no network" for model in seen.models)
        yield "restored", f"{counted(seen.n_restored, 'image')} by {by or 'nobody'}{lost}"
    yield from _audits(seen)
    yield from _planes(seen)
    if seen.kinds:
        told = ", ".join(f"{count} {kind}" for kind, count in seen.kinds.items())
        yield "kinds", f"{told} (confirmed cells, by what each was at last)"
    yield "decisions", f"{seen.n_decisions} by {', '.join(seen.policies) or 'nobody'}"
    for reason, count in list(_alike(seen.reasons).items())[:MOST_LINES]:
        yield "", f"{count} x {reason}"
    parts = f" in {seen.n_parts} parts" if seen.n_parts > 1 else ""
    yield "disk", f"{seen.size_bytes / 1e6:.4g} MB{parts}, pixels packed {seen.ratio:.2f} : 1"


def _camera(camera: CameraInfo) -> str:
    known = camera.calibration
    size = f"{camera.height} x {camera.width}, {camera.pixel_um:g} um a pixel"
    return (
        f"{camera.label}, {size}; {known.gain_adu_per_e:.4g} ADU/e-, offset "
        f"{known.offset_adu:.4g}, read noise {known.read_noise_e:.3g} e- ({known.source})"
    )


def _channel(channel: ChannelSummary) -> str:
    low, high = channel.power_fraction
    exposure, power = between(*channel.exposure_ms), between(100 * low, 100 * high)
    if not channel.knows_power:
        return f"{channel.channel}: {channel.n_frames} frames of {exposure} ms, power not recorded"
    light = f"{exposure} ms at {power} % of full power"
    return f"{channel.channel} by {channel.light}: {channel.n_frames} frames of {light}"


def dose_text(light: str, dose: float, unit: str) -> str:
    """Return a dose for a person; an import knows only how long the light was on."""
    from realtime.importing.importer import LIGHT

    if light == LIGHT:
        return f"not recorded; {dose:.4g} s of exposure in all"
    return f"{light}: {dose:.4g} {unit}"


def _trouble(seen: RunSummary) -> Iterator[tuple[str, str]]:
    from realtime.telling.why import is_open_loop

    yield "lost", f"{seen.n_lost} frames in {seen.n_gaps} gaps" if seen.n_gaps else "no frame"
    for gap in seen.gaps[:MOST_LINES]:
        yield "", f"frames {gap.seq_from} to {gap.seq_to}: {gap.reason}"
    light = [
        (seen.n_clamped, "cut by the guard"),
        (seen.n_late, "without a new decision in time"),
        (seen.n_refused, "refused"),
    ]
    found = [f"{count} {what}" for count, what in light if count]
    if not seen.n_decisions:
        plain = "nothing was decided"
    elif is_open_loop(seen.origin):
        plain = "as recorded; decisions are proposals"
    else:
        plain = "all as decided"
    yield "exposures", ", ".join(found) or plain
    for notice in seen.notices[:MOST_LINES]:
        yield "notice", notice


def _audits(seen: RunSummary) -> Iterator[tuple[str, str]]:
    """Say what the audits found, field by field."""
    found = seen.audits
    if found is None:
        return
    given = sorted(found.dose.items())
    doses = ", ".join(f"{dose:.3g} {seen.dose_unit} of {light}" for light, dose in given)
    void = f", {found.n_void} void" if found.n_void else ""
    light = f"; their second looks gave {doses}" if doses else ""
    yield "audits", f"{found.n_taken} taken, {found.n_judged} judged{void}{light}"
    for number, field in sorted(found.fields.items())[:MOST_LINES]:
        of_field = f"field {number}: " if seen.n_positions > 1 else ""
        expected = f", expected {field.expected_e:.2g}" if field.expected_e else ""
        bad = ": OUT OF BOUNDS, not trusted" if field.is_out_of_bounds else ""
        text = (
            f"{of_field}error in cells {field.rmse_e:.2g} e- ({field.low_e:.2g} to "
            f"{field.high_e:.2g}, {counted(field.audits, 'audit')}){expected}{bad}"
        )
        yield "", text
    for reason, count in list(_alike(found.void).items())[:MOST_LINES]:
        yield "", f"{count} x void: {reason}"


def _planes(seen: RunSummary) -> Iterator[tuple[str, str]]:
    """Say how many planes were skipped, and how wrong the drawn ones were, field by field."""
    found = seen.planes
    if found is None:
        return
    skipped = found.whole - found.planes
    yield (
        "planes",
        f"{found.planes} of {found.whole} taken in {counted(found.stacks, 'stack')}, {skipped} "
        f"skipped ({skipped / found.whole:.0%})",
    )
    for number, field in sorted(found.fields.items())[:MOST_LINES]:
        of_field = f"field {number}: " if seen.n_positions > 1 else ""
        text = (
            f"{of_field}drawn ones miss {field.share:.0%} of the contrast ({field.low:.0%} to "
            f"{field.high:.0%}, {field.compared} compared)"
        )
        yield "", f"{of_field}{field.trouble}" if field.trouble else text


def _alike(reasons: dict[str, int]) -> dict[str, int]:
    """Count reasons that differ in their numbers alone as one; the most frequent first."""
    groups: dict[str, list[str]] = {}
    for reason in reasons:
        groups.setdefault(NUMBER.sub("…", reason), []).append(reason)
    counts = {
        shape if len(group) > 1 else group[0]: sum(reasons[reason] for reason in group)
        for shape, group in groups.items()
    }
    return dict(sorted(counts.items(), key=lambda one: -one[1]))
