"""How unevenly a light falls on the pixels of a camera: from its lit area, or from an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from acquire.dose.footprint import Footprint


def flat_of(
    footprint: Footprint,
    shape: tuple[int, int],
    pixel_um: float,
    axis_px: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    """Return a light's irradiance at each pixel over the mean of its lit area.

    Parameters
    ----------
    footprint
        What an exposure lights, centred on `axis_px`.
    shape
        Rows and columns of the frame.
    axis_px
        Row and column of the frame that lie at the stage's position; None: its middle.

    Returns
    -------
    ndarray
        (Y, X) float32. Beyond the lit area it is that of its rim: nobody can tell.
    """
    rows, columns = footprint.shape
    row, column = axis_px or (0.5 * (shape[0] - 1), 0.5 * (shape[1] - 1))
    y = (np.arange(shape[0]) - row) * pixel_um / footprint.pitch_um
    x = (np.arange(shape[1]) - column) * pixel_um / footprint.pitch_um
    at_x, at_y = np.meshgrid(x + 0.5 * (columns - 1), y + 0.5 * (rows - 1))
    lit = footprint.weights.astype(np.float32)
    lit[lit <= 0] = lit[lit > 0].min()
    return np.asarray(
        cv2.remap(
            lit,
            at_x.astype(np.float32),
            at_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def flat_from(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Read a flat field that somebody made: an even slide, its dark level taken off.

    Parameters
    ----------
    path
        A TIFF or .npy, (Y, X) of numbers above 0.

    Returns
    -------
    ndarray
        (Y, X) float32 with mean 1.

    Raises
    ------
    RunFileError
        If it cannot be read, or is no flat field of a camera of this shape.
    """
    import tifffile

    try:
        is_npy = path.suffix == ".npy"
        image = np.load(path, allow_pickle=False) if is_npy else tifffile.imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise RunFileError(f"{path} cannot be read as a flat field: {error}") from error
    if image.shape != shape:
        raise RunFileError(
            f"a flat field must have the camera's {shape[0]} x {shape[1]} pixels, {path.name} has "
            f"{' x '.join(map(str, image.shape))}"
        )
    flat = image.astype(np.float64)
    if not np.isfinite(flat).all() or flat.min() <= 0:
        raise RunFileError(f"{path.name} has pixels of 0 and less, so it is no flat field")
    even: NDArray[np.float32] = (flat / flat.mean()).astype(np.float32)
    return even
