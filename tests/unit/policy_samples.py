"""A tiny sample that policies can be tried on: light in, observation out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from acquire.settings import Applied, ChannelSettings, Settings
from realtime.policy import Observation, Trust

READ_NOISE_E = 1.6
TRUSTED = Trust(is_trusted=True, why="", focus=1.0)
FIRST = Settings(channels=(ChannelSettings("gfp", 20.0, 0.2),))


def applied(entry: ChannelSettings) -> Applied:
    """Return what a guard that clamps nothing reports."""
    light = entry.exposure_ms * entry.power_fraction
    return Applied(
        channel=entry.channel,
        light="laser",
        wavelength_nm=488.0,
        exposure_ms=entry.exposure_ms,
        exposure_read_ms=entry.exposure_ms,
        power_fraction=entry.power_fraction,
        power_read_fraction=entry.power_fraction,
        irradiance_w_cm2=1.0,
        dose_j_cm2=light,
        calibrated=False,
        decision_id=-1,
    )


@dataclass
class Sample:
    """Cells whose signal is brightness x light, with shot and read noise; they may bleach.

    Attributes
    ----------
    brightness, background
        Photo-electrons a pixel for 1 ms at full power.
    bleach
        Share of the brightness that is lost for each ms at full power.
    """

    brightness: float = 2.0
    background: float = 1.0
    area_px: float = 120.0
    bleach: float = 0.0
    shot: int = 0

    def see(self, settings: Settings, position: int = 0) -> Observation:
        """Expose, and return what the pipeline would report."""
        entry = settings.channels[0]
        light = entry.exposure_ms * entry.power_fraction
        signal_e, background_e = self.brightness * light, self.background * light
        noise = math.sqrt((signal_e + background_e + READ_NOISE_E**2) / self.area_px)
        self.brightness *= math.exp(-self.bleach * light)
        self.shot += 1
        return Observation(
            shot=self.shot - 1,
            position=position,
            t_s=float(self.shot),
            seqs=(self.shot - 1,),
            applied=tuple(applied(channel) for channel in settings.channels),
            n_tracks=10,
            n_confirmed=10,
            snr=signal_e / noise,
            signal_e=signal_e,
            background_e=background_e,
            saturated_fraction=0.0,
            n_divisions=0,
            motion_px=1.0,
            trust=TRUSTED,
        )


def but(seen: Observation, **changes: object) -> Observation:
    """Return an observation with some numbers changed."""
    return msgspec.structs.replace(seen, **changes)


def light_of(settings: Settings, channel: int = 0) -> float:
    """Return exposure x power of a channel, ms at full power."""
    entry = settings.channels[channel]
    return entry.exposure_ms * entry.power_fraction
