"""The plane between two planes: less light for a stack, where the sample allows it.

For looking at, never for deciding: a plane that was skipped was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.denoise import Denoiser
from models.network import Network
from models.package import Package, shipped
from models.read_out import Denoised, ReadOut
from models.stabiliser import PixelMaps, Stabiliser, smooth_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo

FARTHEST = 4.0
"""Depths of field between two planes up to which networks are told the difference."""


class AxialInterpolator:
    """Restore a plane that lies between two planes that were taken.

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
        self._stabilise = Stabiliser(shape, gain_adu_per_e, offset_adu, read_noise_e, maps)
        self._network = Network(package, "axial", shape, engine, precision, threads)
        self.model_id, self._depth_um = self._network.model_id, depth_of_field_um
        self._smooth_px = package.manifest.smooth_px
        buffers = [np.empty(shape, np.float32) for _ in range(3)]
        self._stabilised, self._base, self._smooth = buffers
        self._read_out = ReadOut(package.manifest, self._stabilise.pedestal, shape)
        self._denoiser = None
        if package.manifest.restored_by:
            camera = (gain_adu_per_e, offset_adu, read_noise_e)
            try:
                helper = Package.load(shipped(package.manifest.restored_by), task="denoise")
                self._denoiser = Denoiser(helper, shape, *camera, engine, precision, threads, maps)
            except BaseException:
                self._network.close()
                raise

    def __call__(
        self, lower: NDArray[Any], upper: NDArray[Any], dz_um: float, fraction: float = 0.5
    ) -> Denoised:
        """Restore the plane between two, (Y, X) ADU each; the answer is valid until the next call.

        Parameters
        ----------
        lower, upper
            Raw counts of both planes, taken with the same light.
        dz_um
            Distance from one to the other, um.
        fraction
            Where the plane lies: 0 at the lower, 1 at the upper.

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
        planes = self._network.planes
        self._base.fill(0.0)
        for index, (adu, weight) in enumerate(((lower, 1.0 - fraction), (upper, fraction))):
            self._stabilise(adu, out=self._stabilised)
            self._network.show(self._stabilised, planes[index])
            self._restore(adu, planes[2 + index])
            np.multiply(self._smooth, np.float32(weight), out=self._stabilised)
            np.add(self._base, self._stabilised, out=self._base)
        if self._denoiser is not None:
            self._to_stabilised(self._base)
        planes[-2].fill(min(dz_um / self._depth_um, FARTHEST))
        planes[-1].fill(fraction)
        return self._read_out(self._base, *self._network.infer())

    def _restore(self, adu: NDArray[Any], plane: NDArray[np.float32]) -> None:
        """Write what is to be blended: the smoothed plane, or a denoiser's photons, shown too."""
        if self._denoiser is None:
            smooth_into(self._stabilised, self._smooth_px, out=self._smooth)
            return
        self._denoiser.forget()  # another plane is no frame before this one
        np.copyto(self._smooth, self._denoiser(adu).photons)
        np.copyto(self._stabilised, self._smooth)
        self._network.show(self._to_stabilised(self._stabilised), plane)

    def _to_stabilised(self, photons: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn photo-electrons into ``2 sqrt(photons + 3/8 + read_noise^2)``, in place."""
        np.add(photons, np.float32(self._stabilise.pedestal), out=photons)
        np.sqrt(photons, out=photons)
        return np.multiply(photons, np.float32(2.0), out=photons)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._network.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._network.close()
        if self._denoiser is not None:
            self._denoiser.close()


def depth_of_field_um(wavelength_nm: float, aperture: float, index: float = 1.0) -> float:
    """Return the depth of field of an objective, um: ``n wavelength / NA^2``.

    Parameters
    ----------
    wavelength_nm
        Of the light that is seen, nm.
    aperture, index
        Numerical aperture; refractive index of what lies before the objective.

    References
    ----------
    Born & Wolf, Principles of Optics, section 8.8 (the focal tolerance, both sides together).
    """
    if not 0 < aperture < index:
        raise ValueError(f"aperture must be between 0 and the index {index}, got {aperture}")
    return index * wavelength_nm * 1e-3 / aperture**2
