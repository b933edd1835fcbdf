"""The ways of giving light that the account must get right, each on a stand of its own.

The same light by pymmcore-plus is beside it where pymmcore-plus can give it (`ledger_rival`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from acquire.loop.burst import Ramp
from acquire.simulated.config import LASER
from lightloop.bench.ledger_rival import exposures, record
from lightloop.bench.ledger_stand import SECOND, MeteredStand, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.light.guard import LightGuard
    from acquire.settings import Request

SOFTWARE_EXPOSURES = 100
_TIMES_MS = tuple(5.0 + i for i in range(20))
_RAMP = Ramp((1.0, 0.6, 0.3), (1.0, 0.5, 0.8, 0.2))
_TURN_MS = (2.0, 5.0, 8.0, 11.0)  # pymmcore-plus makes a hardware sequence of them


@dataclass(frozen=True, slots=True)
class Booked:
    """What an account says, and what the light's own meter says, J/cm2."""

    booked: float
    metered: float

    @property
    def error_pct(self) -> float:
        """Per cent that was booked beyond what was given."""
        return 100.0 * (self.booked / self.metered - 1.0)


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of giving light: who blanks it, and what is done."""

    name: str
    give: Callable[[MeteredStand, LightGuard, float], None]
    gate: Literal["camera", "software"] = "camera"
    delay_ms: float = 0.0
    has_lamp: bool = False
    rival_ms: tuple[float, ...] = ()
    rival_snaps: bool = False


def measure(mode: Mode, scale: float = 1.0, calibration_error: float = 0.0) -> Booked:
    """Give the light of a mode, and ask both."""
    stand = MeteredStand(
        mode.gate, mode.delay_ms, has_lamp=mode.has_lamp, calibration_error=calibration_error
    )
    before = stand.metered()
    guard, ledger = stand.guard()
    mode.give(stand, guard, scale)
    guard.all_dark()
    metered = stand.metered()
    return Booked(sum(ledger.totals().values()), metered - before)


def measure_rival(mode: Mode, scale: float = 1.0) -> Booked:
    """Give the same by pymmcore-plus, and ask its metadata and the meter."""
    stand = MeteredStand(mode.gate, mode.delay_ms)
    times = mode.rival_ms[: max(4, round(len(mode.rival_ms) * scale))]
    return Booked(*record(stand, exposures(times), snaps=mode.rival_snaps))


def _take(guard: LightGuard, request: Request, n_frames: int = 1, position: int = 0) -> None:
    channel = request.settings.channels[0].channel
    with guard.expose(request, channel, n_frames, position) as lease:
        lease.start()
        for _ in range(n_frames):
            lease.pop()


def _times(full: int, scale: float) -> range:
    return range(max(2, round(full * scale)))


def _single(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for i in _times(20, scale):
        _take(guard, ask(5.0 + i))


def _in_turn(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(5, scale):
        for exposure_ms in _TURN_MS:
            _take(guard, ask(exposure_ms))


def _burst(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(4, scale):
        _take(guard, ask(10.0), n_frames=8)


def _stepped(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(4, scale):
        with guard.expose(ask(10.0), LASER, 8, 0, _RAMP) as lease:
            lease.start()
            for _ in range(8):
                lease.pop()


def _stream(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    frames = len(_times(100, scale))
    with guard.stream(ask(10.0), LASER, 1, 0) as lease:
        lease.start()
        for frame in range(frames):
            lease.pop_truth()
            lease.renew()
            if frame % 20 == 10:
                lease.change(ask(5.0 + frame % 7, power=0.1 + 0.1 * (frame % 3)))


def _channels(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(10, scale):
        _take(guard, ask(10.0, LASER, 0.1))
        _take(guard, ask(20.0, SECOND, 0.4))


def _stack(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(4, scale):
        for z_um in (-2.0, -1.0, 0.0, 1.0, 2.0):
            stand.core.setPosition(z_um)
            _take(guard, ask(10.0))


def _autofocus(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for z_um in _times(11, scale):
        stand.core.setPosition(float(z_um))
        _take(guard, ask(5.0, power=0.05))
    _take(guard, ask(20.0))


def _live(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(100, scale):
        _take(guard, ask(2.0))


def _broken_off(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in range(10):  # never fewer: it is the share of a run that counts
        _take(guard, ask(10.0), n_frames=8)
    with suppress(KeyboardInterrupt), guard.expose(ask(10.0), LASER, 8, 0) as lease:
        lease.start()
        for _ in range(2):
            lease.pop()
        raise KeyboardInterrupt  # in the middle of the third


def _software(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(SOFTWARE_EXPOSURES, scale):
        _take(guard, ask(20.0))


def _lamp(stand: MeteredStand, guard: LightGuard, scale: float) -> None:
    for _ in _times(25, max(scale, 0.4)):
        _take(guard, ask(40.0, power=0.05))


MODES = (
    Mode("single exposures, 5 to 24 ms", _single, rival_ms=_TIMES_MS, rival_snaps=True),
    Mode("2, 5, 8, 11 ms in turn", _in_turn, rival_ms=_TURN_MS * 5),
    Mode("bursts of 8", _burst, rival_ms=(10.0,) * 32),
    Mode("bursts of 8, exposures and powers stepped", _stepped),
    Mode("a stream, changed every 20 frames", _stream),
    Mode("two channels", _channels),
    Mode("z-stacks of 5", _stack, rival_ms=(10.0,) * 20, rival_snaps=True),
    Mode("autofocus, 11 heights", _autofocus),
    Mode("live view", _live, rival_ms=(2.0,) * 100),
    Mode("bursts, the last one broken off", _broken_off),
    Mode("a lamp that is always on", _lamp, has_lamp=True),
    Mode("software gate, a stream", _stream, "software"),
    Mode("software gate", _software, "software", rival_ms=(20.0,) * 100, rival_snaps=True),
    Mode(
        "software gate, shutter 3 ms late", _software, "software", 3.0,
        rival_ms=(20.0,) * 100, rival_snaps=True,
    ),
)  # fmt: skip
