"""`lightloop inspect`: what is in a run file, and why a frame got its light."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import exit_status, paper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realtime.inspection import ChannelSummary, RunSummary
    from realtime.wire import CameraInfo

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
        from realtime import inspection
        from realtime.run_file import RunReader

        with RunReader(run) as reader:
            if why is not None:
                reasons = inspection.why(reader, why)
                _print_json(reasons) if as_json else paper().print(reasons.text, soft_wrap=True)
                return
            seen = inspection.summarize(reader)
        if as_json:
            _print_json(seen)
            return
        from rich.table import Table

        table = Table.grid(padding=(0, 3))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in _rows(seen):
            table.add_row(name, text)
        paper().print(table)


def _print_json(thing: object) -> None:
    import msgspec

    print(msgspec.json.encode(thing).decode())


def _rows(seen: RunSummary) -> Iterator[tuple[str, str]]:
    when = datetime.fromtimestamp(seen.t_utc_ns * 1e-9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield seen.name, f"{seen.origin}, {when}"
    yield "status", seen.status + (f": {seen.reason}" if seen.reason else "")
    yield "frames", f"{seen.n_frames} in {seen.n_shots} shots of {seen.n_positions} field(s)"
    yield "time", f"{seen.duration_s:.4g} s of the experiment, {seen.host_s:.4g} s on the clock"
    yield from (("camera", _camera(camera)) for camera in seen.cameras)
    yield from (("channel", _channel(channel)) for channel in seen.channels)
    for light, dose in sorted(seen.dose.items()):
        yield "dose", f"{light}: {dose:.4g} {seen.dose_unit}"
    yield from _trouble(seen)
    yield "decisions", f"{seen.n_decisions} by {', '.join(seen.policies) or 'nobody'}"
    for reason, count in list(seen.reasons.items())[:MOST_LINES]:
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
    exposure, power = _range(channel.exposure_ms), _range(channel.power_fraction)
    light = f"{exposure} ms at {power} of full power"
    return f"{channel.channel} by {channel.light}: {channel.n_frames} frames of {light}"


def _trouble(seen: RunSummary) -> Iterator[tuple[str, str]]:
    yield "lost", f"{seen.n_lost} frames in {seen.n_gaps} gaps" if seen.n_gaps else "no frame"
    for gap in seen.gaps[:MOST_LINES]:
        yield "", f"frames {gap.seq_from} to {gap.seq_to}: {gap.reason}"
    light = [
        (seen.n_clamped, "cut by the guard"),
        (seen.n_late, "without a new decision in time"),
        (seen.n_refused, "refused"),
    ]
    found = [f"{count} {what}" for count, what in light if count]
    yield "exposures", ", ".join(found) or "all as decided"
    for notice in seen.notices[:MOST_LINES]:
        yield "notice", notice


def _range(bounds: tuple[float, float]) -> str:
    low, high = (f"{bound:.4g}" for bound in bounds)
    return low if low == high else f"{low} to {high}"
