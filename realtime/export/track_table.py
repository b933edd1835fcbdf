"""A row for each cell at each time: who, where, how bright, how much light it has taken."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.export.bleaching import UNKNOWN, Fading, fading
from realtime.export.photometry import measure
from realtime.export.values import all_calibrated, column_of, dose_column, dose_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from acquire.frame import FrameInfo
    from realtime.export.cells import FieldCells, Sighting
    from realtime.export.frames import Row
    from realtime.export.photometry import Light
    from realtime.export.values import Normaliser
    from realtime.run_file import RunReader

CORRECTED = "bleach_corrected"


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The table of one field; rows are made as they are asked for.

    Attributes
    ----------
    fading
        By channel number: what the corrected column rests on.
    calibrated
        By channel number: whether its doses are J/cm2; `lights` by line.
    """

    field: FieldCells
    pixel_um: float
    channels: dict[int, str]
    fading: dict[int, Fading]
    calibrated: dict[int, bool]
    lights: dict[str, bool]
    measured: list[dict[int, list[Light]]]
    so_far: Mapping[int, float]

    def rows(self) -> Iterator[Row]:
        """Yield a row for each sighting, in order of time."""
        is_deep = self.field.is_deep
        for shot, frames in enumerate(self.field.shots):
            doses = {c: _dose(frames, c, self.so_far) for c in self.channels}
            for n, seen in enumerate(self.field.sightings[shot]):
                row = _who(self.field, frames, seen, self.pixel_um)
                if is_deep:
                    row |= _height(seen, self.pixel_um)
                row |= _kinds(self.field.kinds, seen)
                row |= _found(frames, seen, is_calibrated=self.calibrated.get(0, False))
                for c, name in self.channels.items():
                    lights = self.measured[shot].get(c)
                    light = lights[n] if lights else None
                    unit = column_of(is_calibrated=self.calibrated[c])
                    row |= _of_channel(name, unit, light, self.fading[c], doses[c])
                yield row | _dose_of_cell(seen, self.lights)


def field_table(
    reader: RunReader,
    normaliser: Normaliser,
    field: FieldCells,
    so_far: Mapping[int, float],
    progress: Callable[[], object] = lambda: None,
) -> FieldTable:
    """Measure a field's cells, and put all that is known of them into a table.

    Parameters
    ----------
    so_far
        Dose of each frame's light on its field, up to and with it (`frames.dose_so_far`).
    """
    measured = measure(reader, normaliser, field, progress)
    channels = _channels(field)
    camera = field.shots[0][0].camera
    infos = [info for frames in field.shots for info in frames]
    return FieldTable(
        field=field,
        pixel_um=next(c.pixel_um for c in reader.start.cameras if c.label == camera),
        channels=channels,
        fading={c: _fading_of(field, measured, c, so_far) for c in channels},
        calibrated={c: all_calibrated(i for i in infos if i.index.c == c) for c in channels},
        lights={i.applied.light: i.applied.calibrated for i in infos},
        measured=measured,
        so_far=so_far,
    )


def _channels(field: FieldCells) -> dict[int, str]:
    """Return the names of the channels as parts of a column's name, by number; no two alike."""
    names: dict[int, str] = {}
    for frames in field.shots:
        for info in frames:
            if info.index.c not in names:
                name = re.sub(r"\W+", "_", info.applied.channel) or f"channel{info.index.c}"
                taken = name in names.values()
                names[info.index.c] = f"{name}_{info.index.c}" if taken else name
    return dict(sorted(names.items()))


def _dose(frames: tuple[FrameInfo, ...], channel: int, so_far: Mapping[int, float]) -> float:
    """Return the dose of a channel's light on the field up to the end of a shot."""
    return max((so_far[i.seq] for i in frames if i.index.c == channel), default=math.nan)


def _fading_of(
    field: FieldCells,
    measured: list[dict[int, list[Light]]],
    channel: int,
    so_far: Mapping[int, float],
) -> Fading:
    points: dict[int, list[tuple[float, float]]] = {}
    for shot, sightings in enumerate(field.sightings):
        lights = measured[shot].get(channel)
        if lights is None:
            continue
        dose = _dose(field.shots[shot], channel, so_far)
        for seen, light in zip(sightings, lights, strict=True):
            if seen.is_seen:
                points.setdefault(seen.cell, []).append((dose, light.per_dose))
    return fading(tuple(np.array(p).T) for p in points.values()) if points else UNKNOWN


def _who(field: FieldCells, frames: tuple[FrameInfo, ...], seen: Sighting, pixel_um: float) -> Row:
    cell = field.cells[seen.cell]
    return {
        "position": field.position,
        "t": field.times[seen.frame],
        "t_s": frames[0].t_s,
        "shot": frames[0].shot.number,
        "seq": frames[0].seq,
        "cell": seen.cell,
        "parent": cell.parent,
        "beginning": cell.beginning,
        "verdict": cell.verdict,
        "ending": cell.ending,
        "is_seen": seen.is_seen,
        "y_px": seen.y_px,
        "x_px": seen.x_px,
        "y_um": seen.y_px * pixel_um,
        "x_um": seen.x_px * pixel_um,
        "area_px": seen.area_px,
    }


def _height(seen: Sighting, pixel_um: float) -> Row:
    return {
        "z_px": seen.z_px,
        "z_um": seen.z_px * pixel_um,
        "z_sd_um": seen.z_sd_px * pixel_um,
    }


def _kinds(names: tuple[str, ...], seen: Sighting) -> Row:
    """Return the most probable kind and the probability of each; nothing without a classifier."""
    if not names:
        return {}
    shares = seen.kinds or (math.nan,) * len(names)
    row: Row = {"kind": names[int(np.argmax(shares))] if seen.kinds else ""}
    columns = [f"p_{re.sub(r'[^A-Za-z0-9]+', '_', name)}" for name in names]
    return row | dict(zip(columns, shares, strict=True))


def _found(frames: tuple[FrameInfo, ...], seen: Sighting, *, is_calibrated: bool) -> Row:
    """Return what the run saw in the restored image of its first channel, and that over the dose.

    A stack was projected by its maximum, so its planes must have had one dose, or nobody can say.
    """
    doses = {dose_of(i.applied) for i in frames if i.index.c == 0}
    dose = doses.pop() if len(doses) == 1 else 0.0
    unit = column_of(is_calibrated=is_calibrated)
    return {
        "as_seen_e": seen.photons_e if seen.is_seen else math.nan,
        f"as_seen_{unit}": seen.photons_e / dose if dose and seen.is_seen else math.nan,
    }


def _of_channel(name: str, unit: str, light: Light | None, fade: Fading, dose: float) -> Row:
    signal, per_dose = light if light is not None else (math.nan, math.nan)
    return {
        f"{name}_e": signal,
        f"{name}_{unit}": per_dose,
        f"{name}_{unit}_{CORRECTED}": fade.correct(per_dose, dose),
    }


def _dose_of_cell(seen: Sighting, calibrated: Mapping[str, bool]) -> dict[str, Any]:
    """Return what the cell has taken in this run, by line; lines that were used, in one order."""
    row: dict[str, Any] = {}
    for light in sorted(calibrated):
        begin = dose_column(is_calibrated=calibrated[light])
        name = re.sub(r"\W+", "_", light)
        row[f"cell_{begin}_{name}"] = seen.dose.get(light, math.nan)
    if any(calibrated.values()):
        row["cell_damage_j_cm2_uv"] = seen.damage
    return row
