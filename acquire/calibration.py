"""The camera's calibration: what turns counts into photo-electrons."""

from __future__ import annotations

import msgspec


class Calibration(msgspec.Struct, frozen=True):
    """Photon-transfer numbers of one camera in one readout mode.

    The unit of every image after it is photo-electrons ("photons" in the window):
    ``photons = (adu - offset_adu) / gain_adu_per_e``.

    Attributes
    ----------
    gain_adu_per_e
        Conversion gain, ADU per photo-electron.
    offset_adu
        Mean dark level, ADU.
    read_noise_e
        Read noise, rms photo-electrons.
    saturation_adu
        Level from which a pixel counts as clipped, ADU.
    source
        "measured" by photon transfer, "datasheet", "simulated", or "estimated" blindly from images.
    """

    gain_adu_per_e: float
    offset_adu: float
    read_noise_e: float
    saturation_adu: float = 65535.0
    source: str = "datasheet"
