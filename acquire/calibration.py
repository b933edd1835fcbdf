"""The camera's calibration: what turns counts into photo-electrons, and which camera it is of."""

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
    excess_noise_factor
        Variance of the light's noise over that of Poisson light: 1, or about 2 for an EMCCD.
    id, sha256
        Name and hash of the calibration file; empty where the numbers were written by hand.
    distrust
        Why no image of this camera may vouch for less light, in words; empty for nothing.
    """

    gain_adu_per_e: float
    offset_adu: float
    read_noise_e: float
    saturation_adu: float = 65535.0
    source: str = "datasheet"
    excess_noise_factor: float = 1.0
    id: str = ""
    sha256: str = ""
    distrust: str = ""


class CameraKey(msgspec.Struct, frozen=True):
    """What a camera calibration is valid for; a word is empty where the camera does not say.

    Attributes
    ----------
    model
        Name of the device in its adapter.
    bit_depth, binning
        0 where the camera does not say.
    gain
        Every gain, sensitivity or multiplication that can be set, such as "EMGain=300".
    """

    model: str
    serial: str = ""
    readout_mode: str = ""
    bit_depth: int = 0
    gain: str = ""
    binning: int = 0

    def differences(self, camera: CameraKey) -> list[str]:
        """Say in which words a camera is not the one of this key."""
        found = []
        for name in self.__struct_fields__:
            ours, theirs = getattr(self, name), getattr(camera, name)
            if ours != theirs:
                words = name.replace("_", " ")
                found.append(f"{words} is {theirs or 'not said'}, and was {ours or 'not said'}")
        return found
