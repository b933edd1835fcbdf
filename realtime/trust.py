"""The gate between a network and the light: residuals must look like camera noise.

Two things are told of each restored image: how wrong it is expected to be, in photo-electrons, and
whether anything speaks against it. What is wrong at once shows in its own residuals; what is weak
shows in those of many frames together (`realtime.judging.lasting`), and what no residual shows, in
pairs of frames (`realtime.judging.audits`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.conformal import UNKNOWN, Conformal, contrast_of
from models.electrons import Electrons
from models.residual_test import ResidualTest
from models.residual_tiles import tile_reasons, tiles
from models.residuals import Reason, is_powerful, is_structure, reasons
from realtime.judging.audits import Auditor
from realtime.judging.lasting import Lasting
from realtime.judging.texture_watch import EVERY, TextureWatch
from realtime.policy.observation import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from acquire.frame import FrameInfo
    from models.conformal import Expected
    from models.denoise import Denoised
    from models.regions import Regions
    from models.residuals import Limits, Residuals
    from models.stabiliser import PixelMaps
    from models.type_shift import TypeReference
    from realtime.judging.audits import AuditResult, Errors

    Image = NDArray[np.float32]

ABOVE_RANGE = 1e-3  # share of pixels: hot pixels are no reason for doubt; proposed
CLIPPED = 2e-3
"""Share of clipped pixels from which the brightest cells are no longer seen whole; hot pixels are
one in ten thousand. Proposed."""
_SAMPLE = 7
"""Every so many rows and columns are compared with the last frame's: with noise, no two agree."""
_BELOW_OFFSET_Z = -0.15
"""Mean residual of a dark background from which the camera's offset is not the calibrated one."""
_DARK_E = 0.3
_MOST_FIELDS = 4096
_AUDIT_OVER = 1.3
"""An audited error beyond the expected interval by this factor is no chance (proposed)."""


class TrustWatch:
    """Judges each frame of each field: how wrong it is to be expected, and what speaks against it.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    limits, photons_max_e
        As in `realtime.judging.gates.ResidualGate`.
    scales
        Of the model package, for the expected error (`models.conformal`); empty if it has none.
    types
        What the network's training scenes look like; None if the package does not say.
    maps
        Of the camera's calibration, pixel by pixel: those that the network is shown.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        calibration: Calibration,
        limits: Limits,
        photons_max_e: float,
        scales: Mapping[str, float] | None = None,
        types: TypeReference | None = None,
        maps: PixelMaps | None = None,
    ) -> None:
        camera = self._camera = calibration
        numbers = (camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e)
        excess = camera.excess_noise_factor
        self._test = ResidualTest(
            shape, *numbers, camera.saturation_adu, maps=maps, excess_noise_factor=excess
        )
        self._electrons = Electrons(*numbers, maps, excess)
        self._limits, self._photons_max_e = limits, photons_max_e
        self._conformal = Conformal(scales or {})
        self._textures = None if types is None else TextureWatch(types, camera.read_noise_e)
        self._lasting, self.audits = Lasting(), Auditor()
        self._tiles: OrderedDict[tuple[int, int], tuple[int, list[Reason]]] = OrderedDict()
        self._raw_e = np.empty(shape, np.float32)
        self._sample: NDArray[np.uint16] | None = None

    @property
    def regions(self) -> Regions:
        """Cells and background of the last frame."""
        return self._test.regions

    def __call__(self, info: FrameInfo, adu: NDArray[np.uint16], restored: Denoised) -> Trust:
        """Return the verdict on one frame; neither the counts nor the image is kept."""
        camera, photons = self._camera, restored.photons
        seen = self._test(adu, photons, restored.sd_e)
        found = [*self._frozen(adu), *reasons(seen, self._limits)]
        is_lost = is_powerful(seen, self._limits) and is_structure(seen, self._limits)
        if not any(reason.code == "not-numbers" for reason in found):
            found += self._guards(seen, photons)
            key = (info.shot.position, info.index.z)
            by_tiles = self._by_tiles(key)
            found += [each for each in by_tiles if not (is_lost and each.code == "noise")]
            if self._textures is not None:
                found += self._textures.see(key, photons)
            found += self._lasting.see(key, self._test, seen, camera.read_noise_e)
        cells, background = self._expected(restored.sd_e, is_lost=is_lost)
        audit = self._audit(info, adu, photons, _units(cells, background))
        high_e = cells.high_e
        if audit.cells.audits and high_e > 0 and audit.cells.low_e > _AUDIT_OVER * high_e:
            why = f"audits find an error of {audit.cells.rmse_e:.2g} e-, not {cells.rmse_e:.2g} e-"
            found.append(Reason("audit", why))
        trust = Trust(
            seen.mean_z,
            seen.var_z,
            seen.corr1,
            seen.frac_bad,
            seen.invented,
            seen.missed_share,
            is_trusted=not found,
            why=found[0].why if found else "residuals look like camera noise",
            flags=tuple(dict.fromkeys(reason.code for reason in found)),
        )
        return msgspec.structs.replace(trust, **_errors(cells, background, audit))

    def _frozen(self, adu: NDArray[np.uint16]) -> list[Reason]:
        """Say whether the camera gave the frame before once more."""
        sample, before = adu[::_SAMPLE, ::_SAMPLE].copy(), self._sample
        self._sample = sample
        if before is None or sample.min() == sample.max() or not np.array_equal(sample, before):
            return []
        return [Reason("frozen", "the camera gave the same frame twice")]

    def _guards(self, seen: Residuals, photons: Image) -> list[Reason]:
        """Say whether the light is what network and calibration are made for."""
        found = []
        if CLIPPED < seen.clipped_share <= self._limits.clipped_share_max:
            why = f"{seen.clipped_share:.1%} of the pixels are clipped: lower the light"
            found.append(Reason("saturated", why))
        if self._is_above_range(photons):
            limit = f"{self._photons_max_e:g} e- a pixel"
            why = f"brighter than the network was trained for ({limit})"
            found.append(Reason("too-bright", why))
        dark_e = self._test.regions.mean(self._test.regions.photons, cells=False)
        if dark_e < _DARK_E and seen.dark_mean_z < _BELOW_OFFSET_Z:
            why = "the background lies below the camera's offset: calibrate it again"
            found.append(Reason("below-offset", why))
        return found

    def _by_tiles(self, key: tuple[int, int]) -> list[Reason]:
        """Say what is wrong in single tiles; looked at in every third frame of a field."""
        look, found = self._tiles.pop(key, (1, []))  # the first at its third frame
        if look % EVERY == 0:
            found = tile_reasons(tiles(self._test), self._limits, self._test.z.shape)
        while len(self._tiles) >= _MOST_FIELDS:
            self._tiles.popitem(last=False)
        self._tiles[key] = look + 1, found
        return found

    def _is_above_range(self, photons: Image) -> bool:
        if not self._test.brightest_e > self._photons_max_e:
            return False
        return bool(np.count_nonzero(photons > self._photons_max_e) > ABOVE_RANGE * photons.size)

    def _expected(self, sd_e: Image | None, *, is_lost: bool) -> tuple[Expected, Expected]:
        """Return the error to be expected in the cells, and in the background.

        Where structure was lost, the residuals show it beyond the noise: no smaller error than that
        is expected then, whatever the network states.
        """
        if sd_e is None or not self._conformal.is_known:
            return UNKNOWN, UNKNOWN
        variance, regions = self._test.variance_e2, self._test.regions
        light = {which: regions.mean(regions.photons, cells=which) for which in (True, False)}
        contrast = contrast_of(light[True], light[False])
        stated = {which: regions.mean(variance, cells=which) for which in (True, False)}
        if is_lost:
            noise_e2 = variance / np.maximum(self._test.kept, np.float32(1e-6))
            lost_e2 = np.asarray((self._test.small.z2 - 1.0) * noise_e2, np.float32)
            stated = {
                which: max(each, regions.mean(lost_e2, cells=which))
                for which, each in stated.items()
            }
        one, other = (
            self._conformal(
                float(np.sqrt(stated[cells])),
                light[cells],
                cells=cells,
                contrast=contrast,
            )
            for cells in (True, False)
        )
        return one, other

    def _audit(
        self, info: FrameInfo, adu: NDArray[np.uint16], photons: Image, expected_e: Errors
    ) -> AuditResult:
        if info.shot.is_audit:
            electrons = self._electrons.into(adu, self._raw_e)
            if self._electrons.is_bad is not None:  # what says nothing may not contradict
                np.copyto(electrons, photons, where=self._electrons.is_bad)
        return self.audits.see(info, self._raw_e, photons, self._test.regions.is_cell, expected_e)


def _units(cells: Expected, background: Expected) -> Errors:
    """Return the errors that audits are measured in: what is expected, or e- where nothing is."""
    known = [each.rmse_e for each in (background, cells) if each.rmse_e > 0]
    if not known:
        return 1.0, 1.0
    return background.rmse_e or known[0], cells.rmse_e or known[0]


def _errors(
    cells: Expected, background: Expected, audit: AuditResult
) -> dict[str, float | int | str]:
    return {
        "expected_rmse_e": cells.rmse_e,
        "rmse_low_e": cells.low_e,
        "rmse_high_e": cells.high_e,
        "background_rmse_e": background.rmse_e,
        "background_low_e": background.low_e,
        "background_high_e": background.high_e,
        "audit_rmse_e": audit.cells.rmse_e,
        "audit_low_e": audit.cells.low_e,
        "audit_high_e": audit.cells.high_e,
        "audits": audit.cells.audits,
        "audit_void": audit.void,
    }
