"""The plane between two planes: less light for a stack, where the sample allows it.

For looking at, never for deciding: a plane that was skipped was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models import axial_base as base
from models import axial_mix as mix
from models.axial_base import Shown, depth_of_field_um
from models.axial_mix import Candidates
from models.denoise import Denoiser
from models.network import Network
from models.package import Package, shipped
from models.read_out import Denoised, ReadOut
from models.stabiliser import PixelMaps, Stabiliser, smooth_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.axial_check import PlaneError
    from models.engines import EngineInfo

__all__ = ["FARTHEST", "AxialInterpolator", "Candidates", "Shown", "depth_of_field_um"]

FARTHEST = 4.0
"""Depths of field between two planes that networks are told at most. Beyond, one that corrects a
denoiser's blend steps aside; one of two raw planes has learnt such distances as this one."""


class AxialInterpolator:
    """Restore a plane that lies between two planes that were taken.

    What it starts from is what one gets without it: both planes restored by a denoiser and blended,
    with the next ones below and above as a cubic where they are known. Where the network knows
    nothing (`aside`), or is not believed (`weight`), that is what it answers.

    Parameters
    ----------
    package
        A model package of the task "axial".
    shape
        Height and width of the frames, px, at least 16 each.
    gain_adu_per_e, offset_adu, read_noise_e, engine, precision, threads, maps
        As of `models.denoise.Denoiser`.
    depth_of_field_um
        Of the objective: `depth_of_field_um`.

    Attributes
    ----------
    weight
        How much of the network's correction counts, 0 to 1 (`models.axial_check`).
    line_weight
        How much of the straight line counts in place of the blend.
    aside
        Why the last answer is the blend alone; empty if the network had a say.

    Raises
    ------
    ModelError
        If the package is for something else, or no engine runs it here.
    """

    def __init__(
        self,
        package: Package,
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        engine: str = "auto",
        precision: str = "auto",
        threads: int = 1,
        maps: PixelMaps | None = None,
        *,
        depth_of_field_um: float,
    ) -> None:
        if not 0 < depth_of_field_um < np.inf:
            raise ValueError(f"depth of field must be > 0 um, got {depth_of_field_um}")
        camera = (gain_adu_per_e, offset_adu, read_noise_e)
        self._stabilise = Stabiliser(shape, *camera, maps, package.model_id)
        self._network = Network(package, "axial", shape, engine, precision, threads)
        self.model_id, self._depth_um = self._network.model_id, depth_of_field_um
        self.weight, self.line_weight, self.aside = 1.0, 0.0, ""
        self._smooth_px = package.manifest.smooth_px
        self._shape = shape
        self._own = [self._blank() for _ in range(4)]
        self._base, self._work = self._blank()
        self._photons = np.empty(shape, np.float32)
        self._drawn = Candidates(*(np.empty(shape, np.float32) for _ in range(3)))
        self._read_out = ReadOut(package.manifest, self._stabilise.pedestal, shape)
        self._denoiser = None
        if package.manifest.restored_by:
            try:
                helper = Package.load(shipped(package.manifest.restored_by), task="denoise")
                self._denoiser = Denoiser(helper, shape, *camera, engine, precision, threads, maps)
            except BaseException:
                self._network.close()
                raise

    def _blank(self) -> Shown:
        return Shown(np.empty(self._shape, np.float32), np.empty(self._shape, np.float32))

    def show(self, adu: NDArray[Any], out: Shown | None = None) -> Shown:
        """Look at a plane once, so that all its neighbours can be drawn from it.

        Parameters
        ----------
        adu
            Raw counts, (Y, X).
        out
            What to write into; new arrays if None.

        Raises
        ------
        FrameRefused
            If the plane is of another size, or holds no real numbers.
        """
        shown = self._blank() if out is None else out
        self._stabilise(adu, out=shown.raw)
        if self._denoiser is None:
            smooth_into(shown.raw, self._smooth_px, out=shown.restored)
            return shown
        self._denoiser.forget()  # another plane is no frame before this one
        photons, pedestal = self._denoiser(adu).photons, np.float32(self._stabilise.pedestal)
        np.add(photons, pedestal, out=shown.restored)
        np.sqrt(shown.restored, out=shown.restored)
        np.multiply(shown.restored, np.float32(2.0), out=shown.restored)
        base.trust_raw(shown)
        return shown

    def __call__(
        self,
        lower: NDArray[Any] | Shown,
        upper: NDArray[Any] | Shown,
        dz_um: float,
        fraction: float = 0.5,
        below: NDArray[Any] | Shown | None = None,
        above: NDArray[Any] | Shown | None = None,
    ) -> Denoised:
        """Restore the plane between two; the answer is valid until the next call.

        Parameters
        ----------
        lower, upper
            Both planes, taken with the same light: raw counts, (Y, X) ADU, or what `show` said.
        dz_um
            Distance from one to the other, um.
        fraction
            Where the plane lies: 0 at the lower, 1 at the upper.
        below, above
            The next planes, ``dz_um`` below the lower and above the upper one, if they were taken.

        Raises
        ------
        FrameRefused
            If a plane is of another size, or holds no real numbers.
        ValueError
            If `dz_um` is not above 0 or `fraction` not between 0 and 1.
        """
        if not 0 < dz_um < np.inf:
            raise ValueError(f"planes must lie > 0 um apart, got {dz_um}")
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction must be 0 to 1, got {fraction}")
        shown = self._all_shown(lower, upper, below, above)
        if self._denoiser is None:
            base.blend_planes(shown[:2], fraction, self._work, self._base)
        else:
            base.blend_light(shown, fraction, self._work, self._base)
        depths = dz_um / self._depth_um
        self.aside = self._why_aside(depths)
        blend, pedestal = self._drawn.blend, self._stabilise.pedestal
        mix.light_of(np.multiply(self._base, self._base, out=blend), pedestal)
        line = mix.line_between(shown[:2], fraction, self._work, self._drawn.line)
        mix.light_of(line, pedestal)
        np.copyto(self._drawn.network, blend)
        sd_e = None if self.aside else self._ask(shown, min(depths, FARTHEST), fraction)
        # At a plane that was taken nothing is left to correct; a third of the way on, all is.
        weights = self.weight * min(4.5 * fraction * (1.0 - fraction), 1.0), self.line_weight
        return Denoised(mix.mixed(self._drawn, *weights, self._work, self._photons), sd_e)

    def candidates(self) -> Candidates:
        """Return what the last plane was mixed of; valid until the next call."""
        return self._drawn

    def believe(self, said: PlaneError | None) -> None:
        """Let the network and the line count as planes that were taken say; None: as at first."""
        self.weight, self.line_weight = 1.0, 0.0
        if said is not None:
            self.weight, self.line_weight = said.weight, said.line_weight

    def blend(self) -> NDArray[np.float32]:
        """Return the last plane as it is without the network, (Y, X) photo-electrons, copied."""
        return self._drawn.blend.copy()

    def _ask(
        self, shown: tuple[Shown, Shown, Shown, Shown], depths: float, fraction: float
    ) -> NDArray[np.float32] | None:
        """Ask the network; return its standard error."""
        planes = self._network.planes
        self._network.show(shown[0].raw, planes[0])
        self._network.show(shown[1].raw, planes[1])
        for plane, one in zip(planes[2:-2], shown, strict=False):
            self._network.show(one.restored, plane)
        planes[-2].fill(depths)
        planes[-1].fill(fraction)
        answer = self._read_out(self._base, *self._network.infer())
        np.copyto(self._drawn.network, answer.photons)
        return answer.sd_e

    def _all_shown(
        self,
        lower: NDArray[Any] | Shown,
        upper: NDArray[Any] | Shown,
        below: NDArray[Any] | Shown | None,
        above: NDArray[Any] | Shown | None,
    ) -> tuple[Shown, Shown, Shown, Shown]:
        """Look at what was not looked at; the nearest stands in for what was not taken."""
        low, high, under, over = (
            plane if plane is None or isinstance(plane, Shown) else self.show(plane, out)
            for plane, out in zip((lower, upper, below, above), self._own, strict=True)
        )
        assert low is not None
        assert high is not None
        return low, high, low if under is None else under, high if over is None else over

    def _why_aside(self, depths: float) -> str:
        if depths > FARTHEST and self._denoiser is not None:
            return (
                f"the planes lie {depths:.1f} depths of field apart, and {self.model_id} has "
                f"learnt up to {FARTHEST:g}"
            )
        if self.weight <= 0.0:
            return "planes that were taken say that the network is no better than their neighbours"
        return ""

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._network.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._network.close()
        if self._denoiser is not None:
            self._denoiser.close()
