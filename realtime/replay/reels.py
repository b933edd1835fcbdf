"""Recordings as the replay camera wants them: a run file, or a stack of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.errors import RunFileError
from realtime.importing.image_files import open_source
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from realtime.importing.image_source import ImageSource


class RunReel:
    """The frames of one camera of a run, in the order in which they were taken.

    Attributes
    ----------
    calibration, pixel_um
        Of the camera that took them.
    """

    def __init__(self, path: Path) -> None:
        self._reader = RunReader(path)
        camera = self._reader.start.cameras[0]
        self.name = self._reader.name
        self.shape = (camera.height, camera.width)
        self.calibration: Calibration | None = camera.calibration
        self.pixel_um: float | None = camera.pixel_um
        self._seqs = [i.seq for i in self._reader.infos if i.camera == camera.label]
        self.n_frames = len(self._seqs)

    def frame(self, number: int) -> NDArray[np.uint16]:
        """Return one frame, counts (Y, X) uint16, checked against its checksum."""
        return self._reader.pixels(self._seqs[number])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._reader.close()


class StackReel:
    """The planes of an image stack: time after time, position after position, plane after plane."""

    calibration: Calibration | None = None  # a stack does not say
    pixel_um: float | None = None

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self.name = source.name
        self.shape = source.shape
        self.n_frames = source.n_frames

    def frame(self, number: int) -> NDArray[np.uint16]:
        """Return one plane, counts (Y, X) uint16."""
        _, n_positions, n_planes = self._source.counts
        rest, z = divmod(number, n_planes)
        t, p = divmod(rest, n_positions)
        return self._source.plane(t, p, z)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._source.close()


def open_reel(
    path: Path, dataset: str = "", axes: str = "", channel: int = 0
) -> RunReel | StackReel:
    """Open a run file (any of its parts), or a stack: TIFF, .npy, or a dataset of an HDF5 file.

    Parameters
    ----------
    dataset, axes, channel
        Of a stack (see `realtime.importing.importer.import_recording`); a run file needs none.

    Raises
    ------
    RunFileError
        If it cannot be read.
    """
    is_stack = bool(dataset or axes) or path.suffix.lower() not in (".h5", ".hdf5")
    if is_stack:
        return StackReel(open_source(path, dataset, axes, channel))
    reel = RunReel(path)
    if not reel.n_frames:
        reel.close()
        raise RunFileError(f"{path.name} holds no frame to show")
    return reel
