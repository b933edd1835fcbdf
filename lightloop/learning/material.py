"""Recordings to learn from, as arrays: run files, and stacks of images from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lightloop.config import ConfigError
from models.train.own.examples import BRIGHTER
from models.train.own.takes import Camera, Take
from realtime.importing.image_files import open_source
from realtime.run_file import RunReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from acquire.frame import FrameInfo
    from lightloop.recordings.camera import Estimate

MEMORY_BYTES = 2_000_000_000
"""Pixels that are held at once; of longer recordings, stretches spread over their time."""
STRETCH = 16
"""Frames in a row that are kept together: a network sees a few past ones."""


@dataclass(frozen=True, slots=True)
class Material:
    """What was read: takes, one line about each recording, and what its camera is."""

    takes: tuple[Take, ...]
    sources: tuple[str, ...]
    camera: str
    wavelength_nm: float = 0.0


def read_run(path: Path, channel: str = "", room_bytes: int = MEMORY_BYTES) -> Material:
    """Read the frames of a run, field by field, channel by channel, plane by plane.

    Raises
    ------
    RunFileError
        If the run cannot be read.
    ConfigError
        If it has no such channel.
    """
    with RunReader(path) as reader:
        cameras = {camera.label: camera.calibration for camera in reader.start.cameras}
        groups: dict[tuple[str, str, int, int], list[FrameInfo]] = defaultdict(list)
        channels = sorted({info.applied.channel for info in reader.infos})
        if channel and channel not in channels:
            raise ConfigError(f"{path}: no channel {channel!r}, only {', '.join(channels)}")
        for info in reader.infos:
            if not channel or info.applied.channel == channel:
                key = (info.camera, info.applied.channel, info.index.p, info.index.z)
                groups[key].append(info)
        frame_bytes = 2 * max((i.height * i.width for i in reader.infos), default=1)
        most = max(room_bytes // frame_bytes // max(len(groups), 1), STRETCH)
        takes = [_take(reader, kept(infos, most), cameras[key[0]]) for key, infos in groups.items()]
        session = reader.start.session_id
        first = next(iter(cameras.values()))
        wavelength_nm = max((i.applied.wavelength_nm for i in reader.infos), default=0.0)
        name = reader.name
    count = sum(len(take.frames) for take in takes)
    source = f"run {session} ({name}): {count} frames of {', '.join(channels)}"
    return Material(tuple(takes), (source,), camera_words(first), wavelength_nm)


def kept(infos: Sequence[FrameInfo], most: int) -> list[FrameInfo]:
    """Return all frames, or where there are too many, stretches spread evenly over the time."""
    if len(infos) <= most:
        return list(infos)
    stretches = max(most // STRETCH, 1)
    first = np.linspace(0, len(infos) - STRETCH, stretches).astype(int)
    chosen = sorted({int(k) + step for k in first for step in range(STRETCH)})
    return [infos[k] for k in chosen]


def _take(reader: RunReader, infos: Sequence[FrameInfo], calibration: Calibration) -> Take:
    one = infos[0]
    applied = [info.applied for info in infos]
    light = np.array([a.dose_j_cm2 or a.exposure_read_ms * a.power_read_fraction for a in applied])
    run = reader.start.session_id[:8]
    return Take(
        run=run,
        field=f"{run} position {one.index.p}",
        channel=one.applied.channel,
        plane=one.index.z,
        z_um=one.position_um[2],
        frames=[reader.pixels(info.seq) for info in infos],
        times=np.array([info.index.t for info in infos]),
        t_s=np.array([info.t_s for info in infos]),
        light=light,
        camera=as_camera(calibration),
        line=one.applied.light,
    )


def read_stack(
    path: Path,
    dataset: str,
    axes: str,
    channel: int,
    calibration: Calibration | None,
    estimate: Estimate,
    step_um: float = 1.0,
) -> Material:
    """Read a stack of images (TIFF, .npy, a dataset of an HDF5 file); see `open_source`.

    What it does not say is not invented: the light counts as constant, and without a calibration
    the camera's line ``var = a * mean + b`` is fitted blindly and called estimated.

    Raises
    ------
    RunFileError
        If it cannot be read.
    ConfigError
        If its noise cannot be estimated.
    """
    with open_source(path, dataset, axes, channel) as source:
        n_times, n_fields, n_planes = source.counts
        images = {at: source.plane(*at) for at in np.ndindex(n_times, n_fields, n_planes)}
        full_scale, shift, name = source.full_scale_adu, source.shift_adu, source.name
    takes = []
    for p, z in np.ndindex(n_fields, n_planes):
        here = [images[t, p, z] for t in range(n_times)]
        camera = _stack_camera(here, calibration, estimate, full_scale, shift, name)
        take = Take(
            run=name, field=f"{name} position {p}", channel=f"channel {channel}", plane=z,
            z_um=z * step_um, frames=here,
            times=np.arange(n_times), t_s=np.arange(n_times, dtype=np.float64),
            light=np.ones(n_times), camera=camera,
        )  # fmt: skip
        takes.append(take)
    source_line = f"{name}: {len(images)} images"
    return Material(tuple(takes), (source_line,), _words([take.camera for take in takes]))


def _words(cameras: Sequence[Camera]) -> str:
    """Say what is known of the cameras of a stack; where they were estimated, the middle one."""
    gain, offset, read = np.median(
        [(c.gain_adu_per_e, c.offset_adu, c.read_noise_e) for c in cameras], axis=0
    )
    each = f", median of {len(cameras)}" if len(set(cameras)) > 1 else ""
    return (
        f"{cameras[0].source}: gain {gain:.4g} ADU/e-, offset {offset:.4g} ADU, "
        f"read noise {read:.3g} e-{each}"
    )


def with_clean(
    noisy: Material, path: Path, dataset: str, axes: str, channel: int, averaged: float
) -> Material:
    """Add the bright or averaged images that belong to the noisy ones of a stack, for "paired".

    Parameters
    ----------
    averaged
        How many noisy images' light each of them holds.

    Raises
    ------
    RunFileError
        If it cannot be read.
    ConfigError
        If its shape is another, or there is no more light in it.
    """
    if averaged < BRIGHTER:
        raise ConfigError(f"--averaged must be {BRIGHTER:g} or more, got {averaged:g}")
    takes = []
    with open_source(path, dataset, axes, channel) as source:
        n_times, n_fields, n_planes = source.counts
        wanted = [(p, z) for p in range(n_fields) for z in range(n_planes)]
        fits = len(wanted) == len(noisy.takes) and all(
            len(take.frames) == n_times and take.frames[0].shape == source.shape
            for take in noisy.takes
        )
        if not fits:
            raise ConfigError(
                f"{source.name} must hold one image for each noisy one, alike in shape"
            )
        for take, (p, z) in zip(noisy.takes, wanted, strict=True):
            gain = take.camera.gain_adu_per_e / averaged  # as if their sum had been read out
            camera = replace(take.camera, gain_adu_per_e=gain, saturation_adu=source.full_scale_adu)
            frames = [source.plane(t, p, z) for t in range(n_times)]
            light = averaged * take.light
            takes.append(replace(take, frames=frames, light=light, camera=camera))
        line = f"{source.name}: {averaged:g} times the light of each"
    return replace(noisy, takes=(*noisy.takes, *takes), sources=(*noisy.sources, line))


def _stack_camera(
    pixels: list[NDArray[np.uint16]],
    calibration: Calibration | None,
    estimate: Estimate,
    full_scale_adu: float,
    shift_adu: int,
    name: str,
) -> Camera:
    if calibration is not None:
        return Camera(
            calibration.gain_adu_per_e, calibration.offset_adu + shift_adu,
            calibration.read_noise_e, min(calibration.saturation_adu, full_scale_adu), "as given",
        )  # fmt: skip
    some = np.stack(pixels[:: max(len(pixels) // STRETCH, 1)][:STRETCH])
    try:
        guess = estimate(some.astype(np.uint8) if full_scale_adu <= 255 else some)
    except ValueError as error:
        raise ConfigError(
            f"{name}: its noise cannot be estimated ({error}): give --gain-adu-per-e, --offset and "
            "--read-noise"
        ) from error
    return Camera(
        guess.gain_adu_per_e, guess.offset_adu, guess.read_noise_e, full_scale_adu,
        "estimated blindly from the images, not measured",
    )  # fmt: skip


def as_camera(calibration: Calibration) -> Camera:
    """Return what training needs of a calibration."""
    return Camera(
        calibration.gain_adu_per_e, calibration.offset_adu, calibration.read_noise_e,
        calibration.saturation_adu, calibration.source,
    )  # fmt: skip


def camera_words(calibration: Calibration) -> str:
    """Say what a calibration is, for the card."""
    name = f", {calibration.id}" if calibration.id else ""
    return (
        f"{calibration.source}{name}: gain {calibration.gain_adu_per_e:.4g} ADU/e-, offset "
        f"{calibration.offset_adu:.4g} ADU, read noise {calibration.read_noise_e:.3g} e-"
    )


def joined(parts: Sequence[Material]) -> Material:
    """Put several recordings together."""
    return Material(
        tuple(take for part in parts for take in part.takes),
        tuple(source for part in parts for source in part.sources),
        "; ".join(dict.fromkeys(part.camera for part in parts)),
        max(part.wavelength_nm for part in parts),
    )
