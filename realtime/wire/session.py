"""A session from its first document to its last: cameras, ring, clocks, notices."""

from __future__ import annotations

import msgspec

from acquire.calibration import Calibration
from acquire.settings import Settings

PROTOCOL = (1, 0)


class CameraInfo(msgspec.Struct, frozen=True):
    """One camera of the session: shape of its frames (Y, X), pixel at the sample, calibration.

    `roi` is what its frames show of the chip, in pixels: x, y, width, height; empty if unknown.
    `chip` is rows and columns of the whole chip, binned as the frames are; empty if unknown: then
    the frames are taken to lie in its middle.
    """

    label: str
    height: int
    width: int
    pixel_um: float
    calibration: Calibration
    roi: tuple[int, ...] = ()
    chip: tuple[int, ...] = ()

    @property
    def axis_px(self) -> tuple[float, float]:
        """Row and column of the frame at the stage's position: there lies the chip's middle."""
        if len(self.chip) != 2 or len(self.roi) != 4:
            return 0.5 * (self.height - 1), 0.5 * (self.width - 1)
        rows, columns = self.chip
        return 0.5 * (rows - 1) - self.roi[1], 0.5 * (columns - 1) - self.roi[0]

    @property
    def chip_um(self) -> tuple[float, float]:
        """Width and height of what the whole chip sees, um: a region of it is lit no less."""
        rows, columns = self.chip if len(self.chip) == 2 else (self.height, self.width)
        return columns * self.pixel_um, rows * self.pixel_um


class RingInfo(msgspec.Struct, frozen=True):
    """Where pixels lie: the name of the shared memory, its slots, bytes of pixels in a slot."""

    name: str
    slots: int
    slot_bytes: int


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The first document of a session: what follows, and how to read it.

    Attributes
    ----------
    t_ns, t_utc_ns
        One instant on the host's clock and in UTC.
    config_toml, plan_json
        The run config as it was read, and the useq plan.
    settings
        The first settings; until a decision, they are in force.
    goes_on_with
        Run file of the run whose plan this one goes on with; empty for a new one.
    origin
        "live", "simulated", "replay of …", "import of …": what the window's title bar says.
    calibrations
        Each calibration file that the session rests on, by name, and its sha256.
    devices
        Every device by its label, with the properties that it had at the start.
    models
        Each network by its name and version, and the sha256 of its manifest, which has those of
        all its files.
    processor
        What the worker computes on: another one may round otherwise.
    """

    session_id: str
    t_ns: int
    t_utc_ns: int
    cameras: tuple[CameraInfo, ...]
    ring: RingInfo
    settings: Settings
    config_toml: str = ""
    plan_json: str = ""
    origin: str = "live"
    mode: str = "event"
    protocol: tuple[int, int] = PROTOCOL
    software: str = ""
    dose_unit: str = "J/cm2"
    budget_j_cm2: dict[str, float] = {}
    goes_on_with: str = ""
    calibrations: dict[str, str] = {}
    devices: dict[str, dict[str, str]] = {}
    models: dict[str, str] = {}
    processor: str = ""


class ClockPair(msgspec.Struct, frozen=True, tag="clock"):
    """One instant on three clocks: host ns, UTC ns, experiment s."""

    t_ns: int
    t_utc_ns: int
    t_s: float


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """One sentence for the person at the scope: level is "info", "warn" or "fault"."""

    level: str
    text: str
    t_ns: int = 0


class End(msgspec.Struct, frozen=True, tag="end"):
    """The last document: counts, and whether the run is "complete" or "partial", and why.

    Attributes
    ----------
    digest
        Of all frames that the hub said (`realtime.stream.digest`), so that who has them all can
        tell; empty where nobody kept it.
    n_refused
        Messages that the hub turned away.
    """

    last_seq: int
    n_frames: int
    n_gaps: int
    status: str
    reason: str
    is_dark: bool
    dose_j_cm2: dict[str, float] = {}
    digest: str = ""
    n_refused: int = 0
