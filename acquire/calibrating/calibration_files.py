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
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from acquire.calibrating.camera_numbers import CameraMaps, CameraNumbers
from acquire.calibrating.photon_transfer import Level
from acquire.calibration import Calibration, CameraKey
from acquire.core_refusals import near_misses
from acquire.errors import CalibrationRefused
from acquire.in_place import put_in_place

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}")
_HASH_DIGITS = 8  # of the hash in the name


class CameraCalibration(msgspec.Struct, frozen=True, tag="camera"):
    """A camera's numbers, what they are valid for, and the levels that they were made of.

    Attributes
    ----------
    maps_sha256, shape
        Of the per-pixel maps in the file beside it; rows and columns.
    light, dose, dose_unit
        What the slide was lit with, and the dose that was booked for it.
    """

    key: CameraKey
    date: str
    numbers: CameraNumbers
    levels: tuple[Level, ...]
    maps_sha256: str
    shape: tuple[int, int]
    light: str = ""
    dose: float = 0.0
    dose_unit: str = ""

    def calibration(self, name: str, sha256: str) -> Calibration:
        """Return the numbers that travel with the frames."""
        numbers = self.numbers
        return Calibration(
            gain_adu_per_e=numbers.gain_adu_per_e,
            offset_adu=numbers.offset_adu,
            read_noise_e=numbers.read_noise_e,
            saturation_adu=numbers.saturation_adu,
            source="measured",
            excess_noise_factor=numbers.excess_noise_factor,
            id=name,
            sha256=sha256,
            distrust="; ".join(numbers.doubts),
        )


class PowerCalibration(msgspec.Struct, frozen=True, tag="power"):
    """The light of one line behind one objective.

    Attributes
    ----------
    device, property
        What was set; `maximum` and `off_value` are those of its `[[light]]`.
    table
        Command in the device's own units and power at the sample, mW: rising, from off to maximum.
    measured
        The readings that it was fitted to: command, mW.
    zero_mw
        What the meter said in the dark; it was taken off every reading.
    """

    light: str
    wavelength_nm: float
    objective: str
    date: str
    lit_area_um2: float
    device: str
    property: str
    off_value: float
    maximum: float
    table: tuple[tuple[float, float], ...]
    measured: tuple[tuple[float, float], ...] = ()
    zero_mw: float = 0.0
    meter: str = ""


AnyCalibration: TypeAlias = CameraCalibration | PowerCalibration


def save_power(folder: Path, found: PowerCalibration) -> str:
    """Write a power calibration, and return its name."""
    return _save(folder, f"power-{found.light}-{found.objective}-{found.date[:10]}", found)


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
    name = _save(folder, f"camera-{who}-{found.date[:10]}", found)
    _write(folder / f"{name}.npz", raw)
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


def iso_date(now: datetime) -> str:
    """Return a date as calibrations have it: to the second, with its zone."""
    return now.astimezone().isoformat(timespec="seconds")


def _save(folder: Path, stem: str, found: AnyCalibration) -> str:
    raw = msgspec.json.format(msgspec.json.encode(found), indent=2)
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", stem).strip("-.")[:100]
    name = f"{stem}-{hashlib.sha256(raw).hexdigest()[:_HASH_DIGITS]}"
    _write(folder / f"{name}.json", raw)
    return name


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


__all__ = [
    "AnyCalibration", "CameraCalibration", "PowerCalibration", "iso_date", "load", "load_camera",
    "load_maps", "load_power", "names", "save_camera", "save_power",
]  # fmt: skip
