"""Draw what light does to dye and cell in the simulated microscope, beside what was published.

From the repository: `python -m docs.figures.photophysics` writes docs/images/photophysics.png.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.photophysics.damage import UV_NM, UV_W_CM2
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.specimen import Specimen
from docs.figures.cell_charts import failure, minutes, pulses, survival, thresholds
from docs.figures.dye_charts import bleaching, excitation, recovery
from docs.figures.sheet import Sheet

if TYPE_CHECKING:
    from docs.figures.dye_charts import Where

OUT = Path(__file__).parents[1] / "images" / "photophysics.png"


def count_mitoses(dose_j_cm2: float) -> tuple[int, int]:
    """Light dividing specimens once and return failed and all mitoses of the next 80 minutes."""
    failed = divided = 0
    for seed in (1, 2, 3):
        config = SimulatedScopeConfig(
            seed=seed, wavelength_nm=UV_NM, n_cells=500, height=1024, width=1024, cycle_h=3.0
        )
        specimen = Specimen(config)
        specimen.take_light(np.full(len(specimen.truth()), dose_j_cm2), UV_W_CM2)
        before = specimen.truth()
        for minute in range(1, 81):
            specimen.advance_to(60.0 * minute)
            now = specimen.truth()
            in_mitosis = set(before.ids[before.phase == Phase.METAPHASE].tolist())
            failed += len(in_mitosis & set(now.ids[now.phase == Phase.INTERPHASE].tolist()))
            divided += len(in_mitosis & set(now.parents.tolist()))
            before = now
    return failed, failed + divided


def main() -> None:
    """Draw the sheet."""
    sheet = Sheet(
        1480,
        690,
        "What light does in the simulated microscope",
        "Above the dye, below the cell. Orange: published. Four points, four parameters: a shape, "
        "not evidence; harm by visible light is proposed.",
    )
    wide, high, gap = 350.0, 300.0, 13.0
    places: list[Where] = [
        (20 + (wide + gap) * i, 68 + (high + gap) * j, wide, high) for j in (0, 1) for i in range(4)
    ]
    for draw, place in zip((bleaching, recovery, excitation, thresholds), places[:4], strict=True):
        draw(sheet, place)
    lived = {dose: count_mitoses(dose) for dose in (0.0, 0.6, 6.0, 60.0)}
    failure(sheet, places[4], lived)
    for draw, place in zip((minutes, pulses, survival), places[5:], strict=True):
        draw(sheet, place)
    sheet.save(OUT)


if __name__ == "__main__":
    main()
