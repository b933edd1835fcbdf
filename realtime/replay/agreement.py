"""How far two engines may differ: the tolerance of a network's package, carried on to decisions.

A package says by how much of the noise an engine may deviate from its reference answer (rms, for
each precision). Two engines may then differ by the sum of both, t, in each pixel. So

* signal and background, which are means over pixels, may move by t times the noise of a pixel,
  sqrt(signal + background + read noise^2) photo-electrons (Poisson's law, and the camera's);
* an SNR, which is a signal in units of that noise, may move by t;
* the light that is proposed goes with the square of the SNR (shot noise), so its relative change is
  twice that of the SNR: 2 t / SNR. Twice that is allowed (proposed), for a policy remembers.

What is counted, such as cells, may not differ at all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from acquire.settings import Settings
    from realtime.policy.decision import Decision
    from realtime.policy.observation import Observation

ROUNDING = 1e-6  # relative; of numbers that no image is behind


class Tolerance(msgspec.Struct, frozen=True):
    """What two computations of one recording may differ by.

    Attributes
    ----------
    rms
        Deviation of a pixel, in units of the noise; 0 asks for equal bytes.
    read_noise_e
        Read noise of the camera, rms photo-electrons.
    words
        What was different: engines, or processors.
    """

    rms: float
    read_noise_e: float
    words: str

    def excess(self, old: Observation, new: Observation) -> str:
        """Return what in an observation differs by more; empty if nothing does."""
        for name in ("shot", "position", "seqs", "n_tracks", "n_confirmed", "n_divisions"):
            if getattr(old, name) != getattr(new, name):
                return f"{name} is {getattr(new, name)}, was {getattr(old, name)}"
        if old.trust.is_trusted != new.trust.is_trusted:
            return f"trust is {new.trust.is_trusted}, was {old.trust.is_trusted}"
        noise_e = math.sqrt(max(0.0, old.signal_e + old.background_e) + self.read_noise_e**2)
        allowed = {
            "signal_e": self.rms * noise_e,
            "background_e": self.rms * noise_e,
            "snr": self.rms,
        }
        for name, most in allowed.items():
            moved = abs(getattr(new, name) - getattr(old, name))
            if not moved <= most + ROUNDING:
                return f"{name} moved by {moved:.3g}, allowed is {most:.3g}"
        return ""

    def excess_light(self, old: Decision, new: Decision, snr: float) -> str:
        """Return what in a decision differs by more; empty if nothing does."""
        if (old.id, old.based_on, old.policy) != (new.id, new.based_on, new.policy):
            return "it is another decision"
        if old.has_evidence != new.has_evidence:
            return f"evidence is {new.has_evidence}, was {old.has_evidence}"
        if old.settings.z_um != new.settings.z_um:
            return "other planes are taken"
        if _without_light(old.settings) != _without_light(new.settings):
            return "other settings than the light are not the same"
        most = 4.0 * self.rms / max(snr, 1.0) + ROUNDING
        for before, after in zip(_light(old.settings), _light(new.settings), strict=True):
            if not abs(after - before) <= most * abs(before):
                return f"the light is {after:.4g}, was {before:.4g}: more than {most:.2%} apart"
        return ""


def tolerance(
    recorded: str, replayed: str, processors: tuple[str, str], rms: Mapping[str, float],
    read_noise_e: float,
) -> Tolerance | None:  # fmt: skip
    """Return what may differ between two computations; None where every byte must be equal.

    Parameters
    ----------
    recorded, replayed
        Network, engine and precision of both (`Result.model_id`).
    processors
        What both were computed on; an empty one is not known.
    rms
        The package's tolerance for each precision, in units of the noise.
    """
    apart = []
    if recorded != replayed:
        apart.append(f"recorded with {recorded}, replayed with {replayed}")
    if processors[0] != processors[1]:
        apart.append(f"recorded on {processors[0] or 'an unknown processor'}, not {processors[1]}")
    if not apart:
        return None
    both = [rms.get(model.rpartition("-")[2], 0.0) for model in (recorded, replayed)]
    return Tolerance(sum(both), read_noise_e, "; ".join(apart))


def _without_light(settings: Settings) -> Settings:
    """Return what is asked for besides the light: no engine's rounding excuses a change of that."""
    channels = tuple(
        msgspec.structs.replace(channel, exposure_ms=0.0, power_fraction=0.0)
        for channel in settings.channels
    )
    return msgspec.structs.replace(settings, channels=channels)


def _light(settings: Settings) -> Iterator[float]:
    for channel in settings.channels:
        yield channel.exposure_ms
        yield channel.power_fraction
