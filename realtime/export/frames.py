"""A table with a row for each frame, lost ones among them: the light, the dose, the reasons."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, TypeAlias

from realtime.export.values import column_of, dose_column, dose_of, dose_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from acquire.frame import FrameInfo
    from realtime.export.film import Place
    from realtime.export.images import Images

Row: TypeAlias = "dict[str, Any]"


def frame_rows(images: Images, so_far: Mapping[int, float]) -> list[Row]:
    """Return a row for each place of a film, in the order of its images.

    Parameters
    ----------
    so_far
        Dose of the frame's light on its field up to and with it, by sequence number.
    """
    film = images.film
    why = {hole.place: hole.why for hole in images.holes}
    blank = dict.fromkeys(_known(images, next(iter(film.infos.values())), so_far), "")
    rows = []
    for place in film.places():
        row = _where(images, place)
        info = film.infos.get(place)
        row |= _known(images, info, so_far) if info is not None else blank
        rows.append(row | {"missing": why.get(place, "")})
    return rows


def dose_so_far(infos: Iterable[FrameInfo]) -> dict[int, float]:
    """Return the dose of each frame's light on its field so far in the run, the frame's included.

    Frames that were lost gave light too, but nobody knows how much: see the run's `end`.
    """
    taken: dict[tuple[int, str], float] = {}
    found = {}
    for info in infos:
        key = (info.index.p, info.applied.light)
        taken[key] = found[info.seq] = taken.get(key, 0.0) + info.applied.dose_j_cm2
    return found


def write_csv(path: Path, *tables: Callable[[], Iterable[Row]]) -> None:
    """Write tables one below the other, the names of all columns first; a NaN is an empty field.

    Parameters
    ----------
    tables
        Each gives its rows, all with the columns of its first; a long table need not be in memory.
    """
    names: dict[str, None] = {}
    for table in tables:
        names |= dict.fromkeys(next(iter(table()), {}))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(names), restval="", lineterminator="\n")
        writer.writeheader()
        for table in tables:
            for row in table():
                writer.writerow({name: _text(value) for name, value in row.items()})


def _text(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else f"{value:.9g}"
    return int(value) if isinstance(value, bool) else value


def _where(images: Images, place: Place) -> Row:
    film = images.film
    t, repeat = film.times[place.t]
    return {
        "image": place.p,
        "frame": place.t,
        "p": film.positions[place.p],
        "t": t,
        "repeat": repeat,
        "c": place.c,
        "z": place.z,
        "channel": film.channels[place.c],
    }


def _known(images: Images, info: FrameInfo, so_far: Mapping[int, float]) -> Row:
    light, is_calibrated = info.applied, images.is_calibrated
    means = images.means.get(info.seq)
    dose = dose_of(light)
    mean_e = means.mean_e if means is not None else float("nan")
    return {
        "seq": info.seq,
        "shot": info.shot.number,
        "is_audit": info.shot.is_audit,
        "camera": info.camera,
        "t_s": info.t_s,
        "x_um": info.position_um[0],
        "y_um": info.position_um[1],
        "z_um": info.position_um[2],
        "light": light.light,
        "wavelength_nm": light.wavelength_nm,
        "exposure_ms": light.exposure_ms,
        "exposure_read_ms": light.exposure_read_ms,
        "power_fraction": light.power_fraction,
        "irradiance_w_cm2" if is_calibrated else "irradiance_relative": light.irradiance_w_cm2,
        dose_column(is_calibrated=is_calibrated): light.dose_j_cm2,
        "field_" + dose_column(is_calibrated=is_calibrated): so_far.get(info.seq, float("nan")),
        "dose_unit": dose_unit(is_calibrated=light.calibrated),
        "decision": light.decision_id,
        "late": light.late,
        "clamped": light.clamped,
        "mean_e": mean_e,
        "mean_" + column_of(is_calibrated=is_calibrated): mean_e / dose if dose else float("nan"),
        "saturated_pixels": means.saturated_pixels if means is not None else "",
    }
