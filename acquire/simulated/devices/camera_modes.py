"""How the simulated camera is read, triggered and broken, as Micro-Manager properties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pymmcore_plus.experimental.unicore import CameraDevice, pymm_property

from acquire.simulated.devices.choices import Choices
from acquire.simulated.devices.faults import SWITCH, Faults, register_faults
from acquire.simulated.devices.stand import Stand, offered
from acquire.simulated.optics.optics import Window

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from acquire.simulated.bench import Bench
    from acquire.simulated.eye import Eye

BINNINGS = Choices((1, 2, 4, 8))
BITS = Choices((8, 12, 16))
CAMERAS = Choices((0, 1, 2, 3))
SHUTTERS = ["Global", "Rolling"]
TRIGGERS = ["Internal", "External"]


class CameraModes(CameraDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """All of a simulated camera but its exposures."""

    def __init__(self, stand: Stand | None, number: int) -> None:
        super().__init__()
        self._stand = stand or offered()
        self._number = number
        self._faults = Faults()
        self.set_property_allowed_values("Binning", BINNINGS)
        register_faults(self, self._faults, but=("Hang",))

    @property
    def _bench(self) -> Bench:
        return self._stand.bench

    @property
    def _eye(self) -> Eye:
        return self._stand.bench.eye(self._number)

    def get_binning(self) -> int:
        """Return the number of pixels that are added along each axis."""
        return self._eye.binning

    def set_binning(self, factor: int) -> None:
        """Add so many pixels along each axis; the whole chip is read."""
        if self._faults.obeys(f"binning {factor} x {factor}"):
            self._eye.binning = int(float(factor))
            self._eye.window = self._eye.whole

    def shape(self) -> tuple[int, int]:
        """Return rows and columns of a frame."""
        return self._eye.shape

    def dtype(self) -> DTypeLike:
        """Return the type of a pixel."""
        return self._eye.dtype

    def get_roi(self) -> tuple[int, int, int, int]:
        """Return the part of the chip that is read out: x, y, width, height, binned pixels."""
        window, binning = self._eye.window, self._eye.binning
        return (
            window.x // binning,
            window.y // binning,
            window.width // binning,
            window.height // binning,
        )

    def set_roi(self, x: int, y: int, width: int, height: int) -> None:
        """Read out only a part of the chip, binned pixels; it is lit as before.

        Raises
        ------
        ValueError
            If the part does not lie on the chip.
        """
        eye, whole = self._eye, self._eye.whole
        if min(x, y) < 0 or min(width, height) < 1:
            raise ValueError(f"ROI must be positive, got {x, y, width, height}")
        part = Window(*(int(value) * eye.binning for value in (x, y, width, height)))
        if part.x + part.width > whole.width or part.y + part.height > whole.height:
            raise ValueError(
                f"ROI {x, y, width, height} is not on the chip, {whole.width} x {whole.height}"
                + (f" / {eye.binning}" if eye.binning > 1 else "")
            )
        if self._faults.obeys("setting the ROI"):
            eye.window = part

    def clear_roi(self) -> None:
        """Read out the whole chip."""
        if self._faults.obeys("clearing the ROI"):
            self._eye.window = self._eye.whole

    @pymm_property(name="BitDepth", allowed_values=BITS)  # type: ignore[untyped-decorator]
    def bit_depth(self) -> int:
        """Bits of the converter."""
        return self._eye.bits

    @bit_depth.setter  # type: ignore[untyped-decorator]
    def _set_bit_depth(self, value: int) -> None:
        self._eye.bits = int(float(value))

    @pymm_property(name="ShutterMode", allowed_values=SHUTTERS)  # type: ignore[untyped-decorator]
    def shutter_mode(self) -> str:
        """Whether all rows are exposed at once, or one after the other."""
        return SHUTTERS[self._eye.readout.is_rolling]

    @shutter_mode.setter  # type: ignore[untyped-decorator]
    def _set_shutter_mode(self, value: str) -> None:
        self._eye.readout = replace(self._eye.readout, is_rolling=value == "Rolling")

    @pymm_property(  # type: ignore[untyped-decorator]
        name="Camera", allowed_values=CAMERAS, is_pre_init=True
    )
    def number(self) -> int:
        """Which of the cameras at the same light path this is."""
        return self._number

    @number.setter  # type: ignore[untyped-decorator]
    def _set_number(self, value: int) -> None:
        self._number = int(float(value))

    @pymm_property(name="Trigger", allowed_values=TRIGGERS)  # type: ignore[untyped-decorator]
    def trigger(self) -> str:
        """Whether this camera starts exposures, or another one does."""
        return TRIGGERS[self._eye.is_armed]

    @trigger.setter  # type: ignore[untyped-decorator]
    def _set_trigger(self, value: str) -> None:
        self._eye.arm(value == "External")

    @pymm_property(name="Sees")  # type: ignore[untyped-decorator]
    def sees(self) -> str:
        """Lines whose dye this camera's emission filter passes; empty: all."""
        return " ".join(sorted(self._eye.lines or ()))

    @sees.setter  # type: ignore[untyped-decorator]
    def _set_sees(self, value: str) -> None:
        names = frozenset(str(value).split())
        known = {line.name for line in self._bench.config.all_lines()}
        if not names <= known:
            raise ValueError(f"Sees takes names of {sorted(known)}, got {sorted(names - known)}")
        self._eye.lines = names or None

    @pymm_property(name="AutoShutter", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def auto_shutter(self) -> str:
        """Whether the trigger line opens the shutter for each exposure."""
        return SWITCH[self._bench.fires_shutter]

    @auto_shutter.setter  # type: ignore[untyped-decorator]
    def _set_auto_shutter(self, value: str) -> None:
        self._bench.fires_shutter = value == "On"

    @pymm_property(name="RealTime", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def real_time(self) -> str:
        """Whether an exposure takes host time."""
        return SWITCH[self._bench.is_paced]

    @real_time.setter  # type: ignore[untyped-decorator]
    def _set_real_time(self, value: str) -> None:
        self._bench.is_paced = value == "On"

    @pymm_property(name="Hang", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def hang(self) -> str:
        """Whether the next exposure never ends."""
        return SWITCH[self._eye.hangs]

    @hang.setter  # type: ignore[untyped-decorator]
    def _set_hang(self, value: str) -> None:
        self._eye.hangs = value == "On"

    @pymm_property(name="DropFraction", limits=(0.0, 1.0))  # type: ignore[untyped-decorator]
    def drop_fraction(self) -> float:
        """Share of frames that are exposed and then lost."""
        return self._eye.drop_fraction

    @drop_fraction.setter  # type: ignore[untyped-decorator]
    def _set_drop_fraction(self, value: float) -> None:
        self._eye.drop_fraction = float(value)
