"""Where things lie in a truth file, run.truth.h5 beside run.h5.

::

    /            format, format_version, session_id, height, width, pixel_um, lines
      config     the simulated microscope, JSON
      status     "recording", "complete" or "partial"
      exposures  one row for each exposure of the camera, in order
      expected_e (N, Y, X) float32, photo-electrons that the camera could expect: no noise
      masks      (N, Y, X) uint32, id + 1 of the cell whose nucleus a pixel shows, or 0
      cells      one row for each cell of each exposure: those that touch the image
      spots      one row for each sub-resolution spot in the image, where there are some
      lineages   one row for each cell that ever lived, seen or not
      commit     how much of all this is valid; written last

Everything is created before the first exposure and grows in HDF5's SWMR mode, as in a run file: who
kills the writer leaves a file that can be read up to the last commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hdf5plugin
import msgspec
import numpy as np

from acquire.simulated.specimen.lineages import LINEAGE

if TYPE_CHECKING:
    from pathlib import Path

    import h5py

FORMAT = "lightloop truth"
FORMAT_VERSION = 1
HDF5_VERSIONS = ("v110", "v110")
RECORDING, COMPLETE, PARTIAL = "recording", "complete", "partial"
KEPT_BITS = 12  # of the 23 of a float32's fraction: 1e-4 of a value, far below its photon noise

COMMIT = np.dtype(
    [("n_exposures", "<i8"), ("n_cells", "<i8"), ("n_spots", "<i8"), ("n_lineages", "<i8")]
)

SPOT = np.dtype(
    [
        ("cell", "<i8"),  # its id
        ("x_um", "<f8"),  # stage coordinates
        ("y_um", "<f8"),
        ("z_um", "<f8"),
        ("y_px", "<f4"),  # in the image
        ("x_px", "<f4"),
        ("dye", "<f4"),  # of the cell, in equal parts over its spots
    ]
)


class About(msgspec.Struct, frozen=True):
    """What a truth is the truth of.

    Attributes
    ----------
    session_id
        Of the run that it belongs to.
    config_json
        The simulated microscope.
    height, width, pixel_um
        The whole chip, pixels, and a pixel at the sample, um.
    lines
        Lines of light whose dose is kept apart, in the order of the columns.
    """

    session_id: str
    config_json: str
    height: int
    width: int
    pixel_um: float
    lines: tuple[str, ...]


def truth_path(run: Path) -> Path:
    """Return where the truth of a run lies: run.truth.h5 beside run.h5."""
    return run.with_name(f"{run.stem}.truth{run.suffix}")


def run_path(truth: Path) -> Path:
    """Return where the run of a truth lies: run.h5 beside run.truth.h5."""
    return truth.with_name(f"{truth.stem.removesuffix('.truth')}{truth.suffix}")


def exposure_row(n_lines: int) -> np.dtype[np.void]:
    """Return the columns of `exposures`."""
    return np.dtype(
        [
            ("number", "<i8"),  # of the camera's exposures, from 0
            ("seq", "<i8"),  # of the frame in the run; -1: no frame came of it
            ("t_s", "<f8"),
            ("exposed_s", "<f8"),
            ("t", "<i4"),  # place in the plan; -1: not known
            ("c", "<i4"),
            ("z", "<i4"),
            ("p", "<i4"),
            ("x_um", "<f8"),
            ("y_um", "<f8"),
            ("z_um", "<f8"),  # that is in focus
            ("left", "<i4"),  # corner of the image on the chip, pixels, and its size
            ("top", "<i4"),
            ("height", "<i4"),
            ("width", "<i4"),
            ("fluence_j_cm2", "<f8", (n_lines,)),  # at the centre of the field
            ("stray_j_cm2", "<f8", (n_lines,)),  # since the exposure before, and nobody saw it
            ("image_row", "<i8"),  # in `expected_e` and `masks`; -1: there was no time to write it
            ("first_cell", "<i8"),  # in `cells`
            ("n_cells", "<i4"),
            ("first_spot", "<i8"),  # in `spots`
            ("n_spots", "<i4"),
            ("is_lost", "u1"),  # the camera lost the frame
        ]
    )


def cell_row(n_lines: int) -> np.dtype[np.void]:
    """Return the columns of `cells`; each cell is as it was at the end of the exposure."""
    return np.dtype(
        [
            ("id", "<i8"),
            ("parent", "<i8"),  # -1: a founder
            ("key", "<u8"),  # the same lineage has the same key in every run with this seed
            ("phase", "<i1"),  # acquire.simulated.specimen.cells.Phase
            ("x_um", "<f8"),  # stage coordinates
            ("y_um", "<f8"),
            ("z_um", "<f8"),
            ("y_px", "<f4"),  # in the image
            ("x_px", "<f4"),
            ("long_um", "<f4"),  # semi-axes; depth is along the light
            ("short_um", "<f4"),
            ("depth_um", "<f4"),
            ("angle", "<f4"),  # of the long axis against x, radians
            ("area_px", "<i4"),  # of its mask
            ("dye", "<f4"),  # relative to an unbleached average young nucleus
            ("damage_j_cm2", "<f8"),  # not yet repaired, as dose of the UV line
            ("dose_j_cm2", "<f8", (n_lines,)),  # in its life and, before it, its mothers'
        ]
    )


def create(file: h5py.File, about: About) -> None:
    """Make everything that a truth needs in a new file."""
    file.attrs.update(format=FORMAT, format_version=FORMAT_VERSION)
    for name in ("session_id", "height", "width", "pixel_um"):
        file.attrs[name] = getattr(about, name)
    file.attrs["lines"] = list(about.lines)
    file["config"] = about.config_json
    file.create_dataset("status", data=np.array(RECORDING.encode(), "S32"))
    n_lines = len(about.lines)
    for name, row in (
        ("exposures", exposure_row(n_lines)),
        ("cells", cell_row(n_lines)),
        ("spots", SPOT),
        ("lineages", LINEAGE),
    ):
        file.create_dataset(name, (0,), row, maxshape=(None,), chunks=(512,))
    _images(file, "expected_e", np.float32, about, units="e-", kept_bits=KEPT_BITS)
    _images(file, "masks", np.uint32, about)
    file.create_dataset("commit", data=np.zeros((), COMMIT))


def _images(file: h5py.File, name: str, kind: type, about: About, **attributes: Any) -> None:
    frame = (about.height, about.width)
    data = file.create_dataset(
        name,
        (0, *frame),
        kind,
        maxshape=(None, *frame),
        chunks=(1, *frame),
        **hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE),
    )
    data.attrs.update(attributes)
