"""What a model package says of itself: ``package.toml`` as a record."""

from __future__ import annotations

import msgspec

from models.residuals import Limits


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``package.toml`` says.

    Attributes
    ----------
    name, task, version
        Which network, what for ("denoise", "superres", "axial", "segment"), which training.
    in_frames, base
        Images that go in, channels of the finest level.
    mu, sd
        Network input is ``(stabilised - mu) / sd``, the same for every frame for ever.
    smooth_px
        The first output corrects the stabilised frame after a Gaussian blur of this sigma, px.
    inverse
        How to leave the stabilised domain. "posterior-mean": ``(m^2 + v) / 4 - 3/8 - read^2`` of
        the estimated mean m and variance v.
    log_variance_min, log_variance_max
        The second output is clamped to this.
    photons_min_e, photons_max_e
        Mean photo-electrons per pixel that it was trained for.
    command
        How it was trained.
    sources
        Real images that it learnt from, with their licences.
    limits
        Residuals that may be trusted.
    tolerance_rms
        Largest deviation of an engine from the test vector, per precision, in units of the noise.
    sha256
        Every other file of the folder.
    upscale
        Output pixels per input pixel along each axis.
    outputs
        Channels that come out: 2 are correction and log-variance.
    extra_channels
        Constant planes that go in after the images, by name: "dz" is the distance between both
        measured planes over the depth of field, at most 4; "fraction" is where between them the
        wanted plane lies.
    restored_by
        For "axial": the shipped denoiser whose answers to both planes go in after the planes
        themselves, and whose blend is what the first output corrects; none if empty.
    target
        What it learnt from: "clean" or "noisy" images. It decides which inverse is right.
    conformal
        Factor on the predicted standard deviation per octave of mean photo-electrons, so that it
        covers what it says; octaves without one take 1.
    """

    name: str
    task: str
    version: str
    in_frames: int
    base: int
    mu: float
    sd: float
    smooth_px: float
    inverse: str
    log_variance_min: float
    log_variance_max: float
    photons_min_e: float
    photons_max_e: float
    command: str
    sources: tuple[str, ...]
    limits: Limits
    tolerance_rms: dict[str, float]
    sha256: dict[str, str]
    upscale: int = 1
    outputs: int = 2
    extra_channels: tuple[str, ...] = ()
    restored_by: str = ""
    target: str = "clean"
    conformal: dict[str, float] = {}

    @property
    def in_channels(self) -> int:
        """Planes that go in: images and constant planes."""
        return self.in_frames + len(self.extra_channels)
