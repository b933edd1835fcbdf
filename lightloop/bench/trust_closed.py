"""Does the stated error hold where a policy chooses the light? Short loops, one frame of each.

Light that answers to what was seen is not drawn by chance: dim scenes get more of it, and what was
restored too bright gets less next time. So each scene is filmed by a loop of its own: the specimen
walks and bleaches, the SNR policy decides on what the restored image and its trust say, and the
last frame, of light that nobody drew, is compared with the truth. No two loops share anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.settings import ChannelSettings, Settings
from lightloop.bench import trust_frames as show
from lightloop.bench.trust_cover import Points, points_of
from models.history import Moment
from models.train import trust_films as known
from realtime.detections import snr_of_mean
from realtime.policy.observation import Observation
from realtime.policy.snr import SnrPolicy
from realtime.policy.snr_config import SnrConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.denoise import Denoised
    from models.train.trust_films import Denoisers, Known
    from realtime.policy.observation import Trust
    from realtime.trust import TrustWatch

SHOTS = 5
"""Of a loop, before the frame that counts: no policy gives more light before it has seen some."""
STEP_PX = 2.0
"""Of the specimen from one shot to the next, rms along each axis."""
BLEACHED = 0.02
"""Share of the brightness that is lost from one shot to the next."""
CELL_PX = 200.0
"""Pixels of the cell whose SNR is kept."""
TARGET_SNR = (12.0, 100.0)
DRAWN_MS, FULL_MS = 10.0, 1e4
"""Light, ms at full power, in which scenes are as bright as they were drawn, and the most of it."""


class Audited(NamedTuple):
    """What an audit found in the cells of one field, and the truth there, photo-electrons."""

    found_e: float
    true_e: float


class End(NamedTuple):
    """The last frame of a loop: what was expected of it, what an audit of it found."""

    points: Points
    audit: Audited | None
    is_trusted: bool
    change: float
    """Its light over that of the first frame."""
    every: tuple[Points, ...] = ()
    """What was expected of each frame, this one included."""


def close_loop(
    rng: np.random.Generator,
    denoise: Denoisers,
    watches: Callable[[int], TrustWatch],
    most_e: float,
) -> End:
    """Film a new scene with a policy in charge of the light; return what the last frame told.

    Parameters
    ----------
    most_e
        What the network is for, photo-electrons a pixel: the policy may give no more than that.
    """
    scene = known.draw(rng, known.SIZE + 2 * known.MARGIN_PX)
    watch, place = watches(scene.camera), np.zeros(2)
    policy, first = _policy(rng, scene, most_e)
    settings, every = first, list[Points]()
    denoise.forget()
    for shot in range(SHOTS):
        light = settings.of("c").exposure_ms
        place = place + STEP_PX * rng.standard_normal(2)
        seen = _lit(known.field(scene, place), light, shot)
        answer, trust = _look(rng, seen, denoise, watch, shot, light)
        every.append(points_of(watch.regions, answer, seen, trust))
        settings = policy.decide(_observation(shot, watch, trust, light, scene.camera)).settings
    light = settings.of("c").exposure_ms
    seen = _lit(known.field(scene, place), light, SHOTS)
    before = watch.regions  # the audit's mask of cells
    answer, trust = _look(rng, seen, denoise, watch, SHOTS, light, look=0)
    points = points_of(watch.regions, answer, seen, trust)
    true_e = known.compare(before, answer, seen, cells=True).true_e
    again = _look(rng, seen, denoise, watch, SHOTS, light, look=1)[1]
    audit = Audited(again.audit_rmse_e, true_e) if again.audits else None
    change = light / first.of("c").exposure_ms
    return End(points, audit, trust.is_trusted, change, (*every, points))


def _policy(rng: np.random.Generator, scene: Known, most_e: float) -> tuple[SnrPolicy, Settings]:
    """Draw what is wanted of the light, and the light of the start."""
    brightest = float(np.quantile(scene.truth_e, 0.999))
    most = min(DRAWN_MS * most_e / brightest, FULL_MS)
    config = SnrConfig(
        target_snr=float(np.exp(rng.uniform(*np.log(TARGET_SNR)))),
        min_exposure_ms=min(0.01, most), max_exposure_ms=most,
        min_power_fraction=1.0, max_power_fraction=1.0,
    )  # fmt: skip
    start = float(np.exp(rng.uniform(*np.log((most / 30.0, most)))))
    first = Settings((ChannelSettings("c", start, 1.0),))
    return SnrPolicy(config, first, known.READ_NOISE_E[scene.camera]), first


def _lit(scene: Known, light_ms: float, shot: int) -> Known:
    """Return a specimen in so much light, after it has bleached for some shots."""
    return scene._replace(truth_e=scene.truth_e * (light_ms / DRAWN_MS) * (1.0 - BLEACHED) ** shot)


def _look(
    rng: np.random.Generator,
    seen: Known,
    denoise: Denoisers,
    watch: TrustWatch,
    shot: int,
    light_ms: float,
    look: int | None = None,
) -> tuple[Denoised, Trust]:
    """Take a frame, restore it with those before it, and judge it."""
    adu = known.frame(rng, seen)
    answer = denoise(adu, seen.camera, Moment(0, shot, shot, light_ms))
    return answer, watch(show.info(shot, adu.shape, look=look), adu, answer)


def _observation(
    shot: int, watch: TrustWatch, trust: Trust, light: float, camera: int
) -> Observation:
    """Return what the policy is told: how clear the cells of the restored image are."""
    regions, read_e = watch.regions, known.READ_NOISE_E[camera]
    cells, background = (regions.mean(regions.photons, cells=which) for which in (True, False))
    is_there = bool(np.isfinite(cells) and np.isfinite(background))
    signal = max(cells - background, 0.0) if is_there else 0.0
    dark = max(background, 0.0) if is_there else 0.0
    area = np.array([CELL_PX])
    snr = float(snr_of_mean(np.array([signal]), dark, area, read_e)[0])
    return Observation(
        shot=shot, position=0, t_s=60.0 * shot, seqs=(shot,), applied=(show.applied(light),),
        n_tracks=int(is_there), n_confirmed=int(is_there), snr=snr, signal_e=signal,
        background_e=dark, saturated_fraction=0.0, n_divisions=0, motion_px=0.0, trust=trust,
    )  # fmt: skip
