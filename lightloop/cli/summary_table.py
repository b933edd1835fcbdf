"""The end of a run on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lightloop.summary import Summary

REPLAY = "whole replay"  # one duration, not a step of every shot
NAMES = {"host to devices": "loop latency (frame in host -> devices set)"}


def summary_table(summary: Summary, out: str = "") -> RenderableType:
    """Return the summary of a run as a page for `rich`."""
    style = "green" if summary.status == "complete" and summary.is_dark else "yellow"
    parts: list[RenderableType] = [_facts(summary, out)]
    if steps := {n: both for n, both in summary.latency_ms.items() if n != REPLAY}:
        parts.append(Padding(_latencies(steps), (1, 0, 0, 0)))
    title = Text(f" {summary.status} ", style=f"bold {style}")
    return Panel(Group(*parts), title=title, box=box.ROUNDED, border_style=style, expand=False)


def _facts(summary: Summary, out: str) -> Table:
    from realtime.importing.importer import LIGHT

    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    shots = "shot" if summary.shots == 1 else "shots"
    table.add_row("frames", f"{summary.frames} in {summary.shots} {shots}")
    confirmed = f", {summary.confirmed} confirmed" if summary.confirmed else ""
    cells = f"{summary.cells} followed{confirmed} at the end, {_divisions(summary)} seen"
    table.add_row("cells", cells)
    is_replay = summary.origin.startswith("replay")
    if is_replay:
        table.add_row("light", "none was given: proposals made under recorded exposures")
    given = "recorded dose" if is_replay else "dose"
    for light, dose in sorted(summary.dose.items()):
        if light == LIGHT:
            table.add_row(given, f"not recorded; {dose:.4g} s of exposure in all")
        else:
            table.add_row(f"{given}, {light}", _dose(summary, light, dose))
    for light, (was, asked) in sorted(summary.what_if_dose.items()):
        table.add_row(f"what if, {light}", _what_if(summary.dose_unit, was, asked))
    if REPLAY in summary.latency_ms:
        table.add_row("replayed", f"in {summary.latency_ms[REPLAY][0] * 1e-3:.3g} s")
    table.add_row("lost", _count(summary.gaps, "gap", "no frame"))
    table.add_row("late", _count(summary.late, "decision", "no decision"))
    if summary.reason:
        table.add_row("ended", summary.reason)
    if out:
        table.add_row("recorded", out)
    if not is_replay:
        dark = Text("dark: read back", "green") if summary.is_dark else _NOT_DARK
        table.add_row("light", dark)
    return table


_NOT_DARK = Text("NOT CONFIRMED DARK: look at the microscope now", "bold red")


def _divisions(summary: Summary) -> str:
    return f"{summary.divisions} division{'' if summary.divisions == 1 else 's'}"


def _dose(summary: Summary, light: str, dose: float) -> Text:
    text = Text(f"{dose:.3g} {summary.dose_unit}", "bold")
    reference = summary.reference_dose.get(light, 0.0)
    if reference > 0:
        text.append(
            f"   {dose / reference:.1%} of the reference's {reference:.3g} (not equal quality)",
            "not bold",
        )
    return text


def _what_if(unit: str, was: float, asked: float) -> Text:
    ratio = asked / was if was > 0 else 0.0
    share = f", {ratio:.3g} times" if ratio >= 2 else f", {ratio:.1%}" if ratio > 0 else ""
    text = Text(
        f"{asked:.3g} {unit} proposed for the shots decided, where {was:.3g} was given{share}",
        "bold",
    )
    text.append("   open loop: decided on images taken under the recorded light", "not bold")
    return text


def _count(number: int, what: str, nothing: str) -> Text:
    if number == 0:
        return Text(nothing)
    return Text(f"{number} {what}{'s' if number > 1 else ''}", "yellow")


def _latencies(steps: dict[str, tuple[float, float]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("latency", style="dim")
    table.add_column("median ms", justify="right")
    table.add_column("1 in 100 ms", justify="right")
    for step, (p50, p99) in steps.items():
        table.add_row(NAMES.get(step, step), f"{p50:.2f}", f"{p99:.2f}")
    return table
