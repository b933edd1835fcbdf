"""What is seen, as rows of the truth's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.truth import layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.truth import Chip, Seen


def exposure_of(number: int, seen: Seen, lines: tuple[str, ...]) -> NDArray[np.void]:
    """Return the row of an exposure, without frame, image and cells so far."""
    row = np.zeros((), layout.exposure_row(len(lines)))
    row["number"] = number
    for column in ("seq", "t", "c", "z", "p", "image_row"):
        row[column] = -1
    row["t_s"], row["exposed_s"] = seen.t_s, seen.exposed_s
    row["x_um"], row["y_um"], row["z_um"] = seen.position_um
    row["left"], row["top"] = seen.window.x, seen.window.y
    row["height"], row["width"] = seen.expected_e.shape
    row["fluence_j_cm2"] = [seen.given.fluence_j_cm2.get(line, 0.0) for line in lines]
    row["stray_j_cm2"] = [seen.given.stray_j_cm2.get(line, 0.0) for line in lines]
    row["is_lost"] = seen.is_lost
    return row


def cells_of(
    seen: Seen, chip: Chip, taken_j_cm2: NDArray[np.float64], mask: NDArray[np.uint32]
) -> NDArray[np.void]:
    """Return the rows of the cells that touch the image: by their mask, or by their centre.

    Parameters
    ----------
    taken_j_cm2
        Dose of each cell so far, (n, lines) J/cm2.
    mask
        `acquire.simulated.truth.instance_mask`, (Y, X).
    """
    nuclei = seen.nuclei
    y_px, x_px = chip.to_pixels(seen)
    labels, areas = np.unique(mask, return_counts=True)
    place = np.minimum(np.searchsorted(labels, nuclei.ids + 1), len(labels) - 1)
    area = np.where(labels[place] == nuclei.ids + 1, areas[place], 0)
    height, width = mask.shape
    inside = (np.abs(y_px - 0.5 * (height - 1)) <= 0.5 * height) & (
        np.abs(x_px - 0.5 * (width - 1)) <= 0.5 * width
    )
    here = np.flatnonzero(inside | (area > 0))
    rows = np.zeros(len(here), layout.cell_row(taken_j_cm2.shape[1]))
    rows["id"], rows["parent"], rows["key"] = (
        column[here] for column in (nuclei.ids, nuclei.parents, nuclei.keys)
    )
    rows["y_px"], rows["x_px"], rows["area_px"] = y_px[here], x_px[here], area[here]
    rows["damage_j_cm2"], rows["dose_j_cm2"] = nuclei.damage[here], taken_j_cm2[here]
    same = ("phase", "x_um", "y_um", "z_um", "long_um", "short_um", "depth_um", "angle", "dye")
    for name in same:
        rows[name] = getattr(nuclei, name)[here]
    return rows


def spots_of(seen: Seen, chip: Chip) -> NDArray[np.void]:
    """Return the rows of the spots that are in the image."""
    spots = seen.spots
    if spots is None:
        return np.zeros(0, layout.SPOT)
    y_px, x_px = chip.to_pixels(seen, spots)
    height, width = seen.expected_e.shape
    here = np.flatnonzero(
        (y_px > -0.5) & (y_px < height - 0.5) & (x_px > -0.5) & (x_px < width - 0.5)
    )
    rows = np.zeros(len(here), layout.SPOT)
    rows["cell"], rows["dye"] = spots.cells[here], spots.dye[here]
    rows["y_px"], rows["x_px"] = y_px[here], x_px[here]
    for name in ("x_um", "y_um", "z_um"):
        rows[name] = getattr(spots, name)[here]
    return rows
