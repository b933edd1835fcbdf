"""Calibrations on disk: written once, named by their content, and refused if anybody changed them.

A calibration is one readable JSON file; a camera's per-pixel maps lie beside it. The name ends with
the beginning of the file's own hash, so a run that names its calibration means these numbers, for
ever: a new measurement is a new name.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from acquire.calibrating.calibration_records import (
    AnyCalibration,
    CameraCalibration,
    PowerCalibration,
)
from acquire.calibrating.camera_numbers import CameraMaps
from acquire.core_refusals import near_misses
from acquire.errors import CalibrationRefused
from acquire.in_place import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}")
_HASH_DIGITS = 8  # of the hash in the name


def save_power(folder: Path, found: PowerCalibration) -> str:
    """Write a power calibration, and return its name."""
    name, record = _named(f"power-{found.light}-{found.objective}-{found.date[:10]}", found)
    _write(folder / f"{name}.json", record)
    return name


def save_camera(folder: Path, found: CameraCalibration, maps: CameraMaps) -> str:
    """Write a camera calibration and its maps, and return its name."""
    arrays: dict[str, Any] = {
        "offset_adu": maps.offset_adu,
        "read_noise_e": maps.read_noise_e,
        "is_good": maps.is_good,
    }
    if maps.gain_adu_per_e is not None:
        arrays["gain_adu_per_e"] = maps.gain_adu_per_e
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    raw = packed.getvalue()
    found = msgspec.structs.replace(found, maps_sha256=hashlib.sha256(raw).hexdigest())
    who = found.key.serial or found.key.model
    name, record = _named(f"camera-{who}-{found.date[:10]}", found)
    _write(folder / f"{name}.npz", raw)  # first, so that who finds the record finds the maps
    _write(folder / f"{name}.json", record)
    return name


def load_camera(folder: Path, name: str) -> tuple[CameraCalibration, str]:
    """Read a camera calibration and its sha256.

    Raises
    ------
    CalibrationRefused
        If it is not there, was changed, or is one of a light.
    """
    found, sha256 = load(folder, name)
    if not isinstance(found, CameraCalibration):
        raise CalibrationRefused(f"{name} is the power of light {found.light!r}, and no camera's")
    return found, sha256


def load_power(folder: Path, name: str) -> tuple[PowerCalibration, str]:
    """Read a power calibration and its sha256.

    Raises
    ------
    CalibrationRefused
        If it is not there, was changed, or is one of a camera.
    """
    found, sha256 = load(folder, name)
    if not isinstance(found, PowerCalibration):
        raise CalibrationRefused(f"{name} is a camera's, and says nothing of a light")
    return found, sha256


def load(folder: Path, name: str) -> tuple[AnyCalibration, str]:
    """Read any calibration and its sha256.

    Raises
    ------
    CalibrationRefused
        If there is none of that name, or it is not what was written under it.
    """
    if not _NAME.fullmatch(name):
        raise CalibrationRefused(f"{name!r} is no name of a calibration: give it without a path")
    path = folder / f"{name}.json"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise CalibrationRefused(
            f"there is no calibration {name!r} in {folder}; {near_misses(name, names(folder))}"
        ) from None
    except OSError as error:
        raise CalibrationRefused(f"{path} cannot be read: {error}") from error
    sha256 = hashlib.sha256(raw).hexdigest()
    if not name.endswith(f"-{sha256[:_HASH_DIGITS]}"):
        raise CalibrationRefused(
            f"{path} is not what was measured: its name says {name[-_HASH_DIGITS:]}, and its "
            f"content {sha256[:_HASH_DIGITS]}. Calibrations are never edited; measure a new one"
        )
    try:
        return msgspec.json.decode(raw, type=AnyCalibration), sha256
    except msgspec.MsgspecError as error:
        raise CalibrationRefused(f"{path} cannot be understood: {error}") from error


def load_maps(folder: Path, name: str) -> CameraMaps:
    """Read the per-pixel maps of a camera calibration.

    Raises
    ------
    CalibrationRefused
        If the calibration or its maps are missing, or were changed.
    """
    found, _ = load_camera(folder, name)
    path = folder / f"{name}.npz"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CalibrationRefused(f"the maps of {name} cannot be read: {error}") from error
    if hashlib.sha256(raw).hexdigest() != found.maps_sha256:
        raise CalibrationRefused(f"{path} is not what was measured; measure the camera again")
    with np.load(io.BytesIO(raw), allow_pickle=False) as maps:
        return CameraMaps(
            maps["offset_adu"],
            maps["read_noise_e"],
            maps["is_good"],
            maps.get("gain_adu_per_e", None),
        )


def names(folder: Path) -> list[str]:
    """Return the names of all calibrations in a folder, the newest first."""
    paths = [path for path in folder.glob("*.json") if _NAME.fullmatch(path.stem)]
    return [path.stem for path in sorted(paths, key=lambda p: p.stat().st_mtime, reverse=True)]


def _named(stem: str, found: AnyCalibration) -> tuple[str, bytes]:
    """Return the name of a calibration, and its record as it is written."""
    raw = msgspec.json.format(msgspec.json.encode(found), indent=2)
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", stem).strip("-.")[:100]
    return f"{stem}-{hashlib.sha256(raw).hexdigest()[:_HASH_DIGITS]}", raw


def _write(path: Path, raw: bytes) -> None:
    """Write a file whole or not at all: a run that starts meanwhile sees no half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".draft-{uuid.uuid4()}")  # readable for all who share the folder
        try:
            with draft.open("xb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CalibrationRefused(f"{path} cannot be written: {error}") from error
