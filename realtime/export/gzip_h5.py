"""HDF5 packed with gzip: for MATLAB, ImageJ and all that reads HDF5 without the Blosc2 filter.

::

    /                 format, session_id, dose_unit, program
    /film0            camera, pixel size, calibration, channels; the next film is of another shape
      counts          (P, T, C, Z, Y, X) uint16, one chunk for each frame; 0 where none was written
      per_dose        the same as photo-electrons for each unit of dose, float32; NaN: no frame
      is_there        (P, T, C, Z) bool: whether there is a frame
      frames          a row for each place: light, dose, decision (as in frames.csv)
    /restored0        what the worker restored, if asked for: electrons and per_dose, float32
    /documents        bytes, offsets: every document of the run, byte for byte (MessagePack)
    /config, /plan    the texts of the run

HDF5 fills what was never written, so a missing frame takes no space; `is_there` says which it is.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from realtime.export.frames import Row
    from realtime.export.images import Images, Values
    from realtime.run_file import RunReader

FORMAT = "lightloop gzip export"
LEVEL = 4
"""Level 6 takes 3 times as long for floats and saves 3 % (camera noise, measured)."""
_BLOCK = 4096  # documents that are written at once


@contextmanager
def create(draft: Path, reader: RunReader) -> Generator[h5py.File]:
    """Make the file with all that is not an image in it; it is closed whatever happens."""
    with h5py.File(draft, "w", libver=("earliest", "v110")) as file:
        start = reader.start
        file.attrs.update(
            format=FORMAT,
            session_id=start.session_id,
            dose_unit=start.dose_unit,
            program="lightloop",
            origin=start.origin,
        )
        file["config"], file["plan"] = reader.text("config"), reader.text("plan")
        _write_documents(file.create_group("documents"), reader)
        yield file


def write_film(group: h5py.Group, images: Images, values: Sequence[Values]) -> None:
    """Write the images of one film."""
    film = images.film
    shape = (len(film.positions), *film.shape)
    camera = film.camera
    group.attrs.update(
        camera=camera.label,
        pixel_um=camera.pixel_um,
        gain_adu_per_e=camera.calibration.gain_adu_per_e,
        offset_adu=camera.calibration.offset_adu,
        channels=list(film.channels),
        axes="PTCZYX",
        missing=json.dumps(images.about("counts")["missing"]),
        about=json.dumps(images.about(values[0])),
    )
    for kind in values:
        is_counts = kind == "counts"
        data = group.create_dataset(
            kind,
            shape,
            np.uint16 if is_counts else np.float32,
            chunks=(1, 1, 1, 1, film.height, film.width),
            fillvalue=0 if is_counts else np.nan,
            compression="gzip",
            compression_opts=LEVEL,
            shuffle=True,
        )
        data.attrs["units"] = images.unit(kind)
        for place, _, image in images.all(kind):
            if image is not None:
                data[tuple(place)] = image
    is_there = np.zeros(shape[:4], np.bool_)
    for place in film.infos:
        is_there[tuple(place)] = True
    group["is_there"] = is_there


def write_frames(group: h5py.Group, rows: Sequence[Row]) -> None:
    """Write the table of frames; an empty number is NaN, or -1 where it is a whole one."""
    columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
    table = np.empty(len(rows), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        table[name] = column
    group["frames"] = table


def _column(values: list[Any]) -> np.ndarray[Any, Any]:
    known = [value for value in values if value != ""]
    if all(isinstance(value, bool | int) for value in known) and known:
        return np.array([-1 if value == "" else int(value) for value in values], np.int64)
    if all(isinstance(value, bool | int | float) for value in known) and known:
        return np.array([np.nan if value == "" else float(value) for value in values])
    texts = [str(value).encode() for value in values]
    return np.array(texts, f"S{max(1, *map(len, texts))}")


def _write_documents(group: h5py.Group, reader: RunReader) -> None:
    whole = group.create_dataset("bytes", (0,), np.uint8, maxshape=(None,), chunks=(1 << 16,),
                                 compression="gzip")  # fmt: skip
    ends, waiting = [0], list[bytes]()

    def flush() -> None:
        block = np.frombuffer(b"".join(waiting), np.uint8)
        whole.resize(len(whole) + len(block), axis=0)
        whole[len(whole) - len(block) :] = block
        waiting.clear()

    for packet in reader.packets():
        waiting.append(packet)
        ends.append(ends[-1] + len(packet))
        if len(waiting) == _BLOCK:
            flush()
    flush()
    group.create_dataset("offsets", data=np.array(ends, np.uint64), compression="gzip")
