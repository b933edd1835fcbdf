"""The tables of `lightloop models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.engines.survey import Tried
    from models.manifest import Manifest
    from models.package import Package

REGIONS = ("cells", "background")
DOES = {  # what a person gets of a task
    "denoise": "an image with less noise, and its error",
    "superres": "an image of finer pixels, for looking",
    "axial": "a plane between two others",
    "segment": "outlines of nuclei",
}
RATIO_MEANS = (
    "1: its images are as wrong as the network says; 2: twice as wrong. In brackets: between these "
    "lie 80 % of simulated images.\n"
)
_MB = 1e6


def packages_table(packages: Iterable[Package]) -> Table:
    """Return one row for each network that is here."""
    table = _table("", ["network", "version", "for", "sees", "gives", "light, e-", "MB"])
    for package in packages:
        manifest = package.manifest
        megabytes = sum((package.folder / f).stat().st_size for f in manifest.sha256) / _MB
        planes = f"{manifest.in_frames} image{'' if manifest.in_frames == 1 else 's'}"
        table.add_row(
            Text(manifest.name, "bold"),
            manifest.version,
            manifest.task,
            planes,
            DOES.get(manifest.task, manifest.task),
            f"{manifest.photons_min_e:g} to {manifest.photons_max_e:g}",
            f"{megabytes:.1f}",
        )
    return table


def trust_table(manifest: Manifest) -> Table | str:
    """Return the true error over the stated one, by octave of light; or that it is not known."""
    octaves = sorted({int(key.split(".")[1]) for key in manifest.conformal})
    if not octaves:
        return "" if manifest.task == "segment" else "how wrong its images are was not measured"
    title = "How wrong its images are, over how wrong it says they are"
    table = _table(title, ["light, e- a pixel", *REGIONS])
    for octave in octaves:
        cells = [_ratio(manifest.conformal, f"{region}.{octave}") for region in REGIONS]
        table.add_row(f"{2.0**octave:.3g} to {2.0 ** (octave + 1):.3g}", *cells)
    return table


def _ratio(scales: Mapping[str, float], key: str) -> str:
    if f"{key}.middle" not in scales:
        return "-"
    low, middle, high = (scales[f"{key}.{part}"] for part in ("low", "middle", "high"))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def compiled_table(package: Package, tried: Sequence[Tried]) -> Table:
    """Return what is ready to run, how long it took, and why the rest is not."""
    table = _table(f"{package.model_id}, compiled", ["engine", "precision", "ready after", ""])
    for one in tried:
        after = "" if one.reason else f"{one.open_ms:.0f} ms"
        table.add_row(*one.choice, after, _verdict(one, "ready"))
    return table


def bench_table(
    package: Package, shape: tuple[int, int], threads: int, tried: Sequence[Tried]
) -> Table:
    """Return the time of a frame on each engine, the fastest first."""
    title = f"{package.model_id}, {shape[0]} x {shape[1]} px, {threads} threads"
    headings = ["engine", "precision", "median ms", "p99 ms", "p99 : median", "deviation", ""]
    table = _table(title, headings)
    ran = sorted((one for one in tried if not one.reason), key=lambda one: one.median_ms)
    for one in ran:
        name = "fastest" if one is ran[0] else ""
        table.add_row(
            *one.choice,
            f"{one.median_ms:.1f}",
            f"{one.p99_ms:.1f}",
            f"{one.p99_ms / one.median_ms:.2f}",
            f"{one.parity_rms:.2g}",
            Text(name, "bold green"),
        )
    return table


def reasons(tried: Sequence[Tried]) -> list[Text]:
    """Return one line for each reason why engines do not run here, or are refused."""
    by_reason: dict[str, list[Tried]] = {}
    for one in tried:
        if one.reason:
            by_reason.setdefault(one.reason, []).append(one)
    return [
        Text(
            f"not {', '.join(' '.join(one.choice) for one in those)}: {reason}",
            "bold red" if those[0].is_wrong else "dim",
        )
        for reason, those in by_reason.items()
    ]


def parity_table(package: Package, tried: Sequence[Tried]) -> Table:
    """Return how far each engine is from the package's own answer, in units of the noise."""
    title = f"{package.model_id}: deviation from its stored answer, in units of the noise"
    table = _table(title, ["engine", "precision", "deviation", "allowed", ""])
    for one in tried:
        found = "" if one.reason else f"{one.parity_rms:.2g}"
        table.add_row(*one.choice, found, f"{one.allowed_rms:.2g}", _verdict(one, "passes"))
    return table


def _verdict(one: Tried, good: str) -> Text:
    if not one.reason:
        return Text(good, "green")
    return Text(one.reason, "bold red" if one.is_wrong else "dim")


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for heading in headings:
        is_number = heading.endswith(("ms", "MB", "median", "deviation", "allowed", "after"))
        fold = heading in ("", "gives")  # names stay whole: they are typed
        table.add_column(
            heading,
            justify="right" if is_number else "left",
            overflow="fold" if fold else "ellipsis",
            no_wrap=not fold,
        )
    return table
