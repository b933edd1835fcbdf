"""What travels between the processes: frozen structs, MessagePack on the wire.

A new field has a default, and a listener ignores a field that it does not know: so old and new
read each other. A new message is one more struct in a union. A field that changes its meaning is a
new `PROTOCOL` major, which the hub refuses. Pixels never travel in a struct: they lie in the ring,
and a `FrameMessage` says where.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from acquire.calibration import Calibration
from acquire.frame import FrameInfo
from acquire.settings import Applied, Settings
from realtime.errors import BadMessage
from realtime.policy.decision import Decision
from realtime.policy.observation import Observation

PROTOCOL = (1, 0)

# What a client may say is bounded, so that nobody's arithmetic goes wrong on it.
Seq: TypeAlias = Annotated[int, Meta(ge=-1, le=2**62)]  # int64 has room for its successor
Credit: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Word: TypeAlias = Annotated[str, Meta(max_length=64)]
TimeNs: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]


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


class FrameMessage(msgspec.Struct, frozen=True, tag="frame", gc=False):
    """A frame is in the ring: its truth, its slot, and the check of its bytes (xxh3-64)."""

    info: FrameInfo
    slot: int
    generation: int
    nbytes: int
    xxh3: int


class Gap(msgspec.Struct, frozen=True, tag="gap"):
    """Frames that were lost; the gap occupies their sequence numbers (both ends included)."""

    seq_from: int
    seq_to: int
    reason: str


class Tracks(msgspec.Struct, frozen=True, gc=False):
    """Every cell that is followed at one shot, as columns of equal length.

    Attributes
    ----------
    ids, parents
        Identity, and the mother's (-1: none).
    y_px, x_px
        Where the cell is, pixels of the raw frame.
    vy_px, vx_px
        Motion for each shot, pixels.
    ages, missed
        Shots since birth, and shots in a row without a detection.
    photons, area_px
        Photo-electrons above background summed over the cell, and its area.
    course_y_px, course_x_px
        How far the cell is expected to go in a shot, pixels (`realtime.tracker.forecast`).
    spread_px
        Standard deviation of its next place on each axis, pixels.
    certainty
        Probability that its last link is right.
    margin
        How much better the chosen explanation of the cell is than all others, nats.
    trend
        Change of its brightness a shot, as a share, beyond that of all cells: biology, not
        bleaching.
    since_division
        Shots since it was born of a division; -1: not seen to divide.
    z_px, course_z_px
        In a stack only: height, pixels of the plane, and expected change.
    n_wrong_links
        Links of this shot that are expected to be wrong.
    fading
        Change of the brightness of all cells a shot, as a share: bleaching and dimming.
    flags
        What is wrong with the shot, as short codes (`realtime.tracker.doubts`).
    """

    ids: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    y_px: tuple[float, ...] = ()
    x_px: tuple[float, ...] = ()
    vy_px: tuple[float, ...] = ()
    vx_px: tuple[float, ...] = ()
    ages: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    photons: tuple[float, ...] = ()
    area_px: tuple[float, ...] = ()
    course_y_px: tuple[float, ...] = ()
    course_x_px: tuple[float, ...] = ()
    spread_px: tuple[float, ...] = ()
    certainty: tuple[float, ...] = ()
    margin: tuple[float, ...] = ()
    trend: tuple[float, ...] = ()
    since_division: tuple[int, ...] = ()
    z_px: tuple[float, ...] = ()
    course_z_px: tuple[float, ...] = ()
    n_wrong_links: float = 0.0
    fading: float = 0.0
    flags: tuple[str, ...] = ()


class TrackEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a cell; provisional until it is final.

    Attributes
    ----------
    kind
        "birth", "division", "end"; "merge": the cell is hidden in another one (its `parent_id`);
        "split": it has come out of it again; "withdrawn": its open event did not happen after all.
    """

    kind: str
    track_id: int
    parent_id: int = -1
    is_final: bool = False


class RestoredSlot(msgspec.Struct, frozen=True):
    """Where the restored image of a frame lies in the worker's ring, float32 photo-electrons.

    `xxh3` is the xxh3-64 of its bytes where it is recorded; 0: nobody took it.
    """

    ring: RingInfo
    slot: int
    generation: int
    height: int
    width: int
    xxh3: int = 0


class Picture(msgspec.Struct, frozen=True):
    """An image of a shot that is for the eye alone: no decision was made by it.

    Attributes
    ----------
    kind
        "superres": twice as many pixels along both axes; "axial": a plane that was not taken.
    z
        Where it lies, in planes of the shot: 2.5 is midway between the third and the fourth.
    model_id
        Network and engine that made it.
    slot
        Where its pixels lie, photo-electrons.
    rmse_e, rmse_low_e, rmse_high_e
        Error to be expected in its cells, photo-electrons a pixel of the camera, and its 80 %
        interval as simulated images have it; 0 if nothing is known of it.
    """

    kind: str
    z: float
    model_id: str
    slot: RestoredSlot
    rmse_e: float = 0.0
    rmse_low_e: float = 0.0
    rmse_high_e: float = 0.0


class StepTimes(msgspec.Struct, frozen=True, gc=False):
    """Time that each step took, ns of the host's clock; never an input of a decision."""

    restore_ns: int = 0
    detect_ns: int = 0
    track_ns: int = 0
    judge_ns: int = 0
    decide_ns: int = 0
    total_ns: int = 0


class CellDoses(msgspec.Struct, frozen=True, gc=False):
    """Light of every cell that is followed at one shot, in the order of its tracks.

    Attributes
    ----------
    dose
        By line, J/cm2 or relative; lines are not added up.
    damage
        All lines weighted by their harm, J/cm2 of UV-equivalent light (`acquire.dose.action`).
    """

    ids: tuple[int, ...] = ()
    dose: dict[str, tuple[float, ...]] = {}
    damage: tuple[float, ...] = ()


class Result(msgspec.Struct, frozen=True, tag="result"):
    """What was seen in a shot. `observation` holds every number that the policy saw.

    Attributes
    ----------
    cell_dose
        What each cell has taken in this run; None where cells are not followed.
    is_fresh
        The worker has just started: its tracker and policy knew nothing before this shot.
    model_id
        Network and engine that restored the frame; empty without one.
    pictures
        Images of the shot for viewers, beside the restored one.
    """

    shot: int
    position: int
    seqs: tuple[int, ...]
    observation: Observation
    tracks: Tracks
    events: tuple[TrackEvent, ...] = ()
    model_id: str = ""
    restored: RestoredSlot | None = None
    times: StepTimes = StepTimes()
    is_fresh: bool = False
    cell_dose: CellDoses | None = None
    pictures: tuple[Picture, ...] = ()


class DecisionMessage(msgspec.Struct, frozen=True, tag="decision"):
    """A policy's proposal. It holds no time, so a replay can give it again, byte for byte."""

    decision: Decision


class AppliedMessage(msgspec.Struct, frozen=True, tag="applied"):
    """What the guard made of a decision, for one shot, read back from the devices.

    Attributes
    ----------
    first_seq
        First frame that was taken with it.
    latency_ns
        From the last frame of the shot before in the host's hands to the last device set.
    refused
        Why no light was given; empty if it was.
    stale
        Mode "stream", where each change is told: frames since it was set that do not show it.
    """

    shot: int
    decision_id: int
    first_seq: int
    applied: tuple[Applied, ...]
    latency_ns: int = 0
    refused: str = ""
    stale: int = 0


class FrameDue(msgspec.Struct, frozen=True, tag="due"):
    """A frame will come any moment: nothing to do but to be awake. It is in no journal."""


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
        Of all frames that the hub said (`realtime.digest`), so that who has them all can tell;
        empty where nobody kept it.
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


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A client introduces itself.

    Attributes
    ----------
    policy
        "lossless" (every frame and document; a slot stays until it is acknowledged),
        "shots" (frames of complete shots, and it may answer with results and decisions),
        "latest" (the newest frame whenever it asks, and every document).
    resume_from
        Lossless: the last sequence number that is safely on disk; -1 for none.
    token
        Secret of the session; required where the address is loopback TCP.
    """

    name: Word
    policy: Word
    credit: Credit
    resume_from: Seq = -1
    token: Word = ""
    protocol: tuple[int, int] = PROTOCOL


class Ack(msgspec.Struct, frozen=True, tag="ack", gc=False):
    """Everything up to `upto` is done with; `credit` more frames may come."""

    upto: Seq
    credit: Credit


class Command(msgspec.Struct, frozen=True, tag="command"):
    """A person's wish, on the control socket (`lightloop.orders`).

    "stop_light", "stop", "abort"; "pause" and "resume" of the run; "hold" and "release" of the
    feedback.

    Attributes
    ----------
    id
        Any word that no other command of the session has; a command is obeyed once.
    expires_t_ns
        Host clock after which it is not obeyed any more; at most 10 s ahead.
    """

    name: Word
    token: Word = ""
    id: Word = ""
    expires_t_ns: TimeNs = 0


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What came of a command; for "stop_light", `is_dark` is read back from every source.

    `id` is the command's.
    """

    name: str
    is_ok: bool
    text: str = ""
    is_dark: bool = False
    id: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The hub does not serve this client, and says why."""

    reason: str


Document: TypeAlias = (
    Start
    | FrameMessage
    | Gap
    | Result
    | DecisionMessage
    | AppliedMessage
    | ClockPair
    | Notice
    | End
)
FromHub: TypeAlias = Document | FrameDue | Refused | Reply
FromClient: TypeAlias = Hello | Ack | Result | DecisionMessage | Notice | Command

_ENCODER = msgspec.msgpack.Encoder()
_FROM_HUB: msgspec.msgpack.Decoder[FromHub] = msgspec.msgpack.Decoder(FromHub)
_FROM_CLIENT: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)


def encode(message: FromHub | FromClient) -> bytes:
    """Turn a message into MessagePack."""
    return _ENCODER.encode(message)


def decode_from_hub(packet: bytes) -> FromHub:
    """Turn bytes from the hub (or a run file's journal) back into a message.

    Raises
    ------
    BadMessage
        If the bytes are not one of our messages; the text says which field is wrong.
    """
    try:
        return _FROM_HUB.decode(packet)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # the latter by a damaged text
        raise BadMessage(f"the hub sent no message of ours: {error}") from error


def decode_from_client(packet: bytes) -> FromClient:
    """Turn bytes from a client back into a message.

    Raises
    ------
    BadMessage
        If the bytes are not one of our messages; the text says which field is wrong.
    """
    try:
        return _FROM_CLIENT.decode(packet)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # the latter by a damaged text
        raise BadMessage(f"a client sent no message of ours: {error}") from error
