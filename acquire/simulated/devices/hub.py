"""The simulated microscope for foreign programs: one hub that a `.cfg` file loads first."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import TypeAdapter
from pymmcore_plus.experimental.unicore import HubDevice, pymm_property

from acquire.simulated.config import LineConfig, SimulatedScopeConfig
from acquire.simulated.devices.stand import Stand, offer
from acquire.simulated.light.local_light_box import LocalLightBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquire.simulated.bench import Bench
    from acquire.simulated.light.light_process import LightProcess

logger = logging.getLogger(__name__)

BOXES = ["process", "local"]
PERIPHERALS = ("Camera", "Laser", "Shutter", "XYStage", "ZStage", "Wheel", "Lamp", "Autofocus")


class SimulatedScope(HubDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """The specimen and its light box; the devices that are loaded after it stand around it.

    Attributes
    ----------
    Properties
        Before initialization: every plain key of `[scope]` in a run config, by its name (`preset`,
        `seed`, `n_cells`, `height`, ...), ExtraLines (wavelengths in nm with spaces between; the
        line of 561 is called "Laser561"), and LightBox (process: a process of its own, as a real
        laser is a box of its own; local: in this one). At any time: TimeScale, seconds of the
        cells' life for each of yours.
    """

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[str, Any] = {}
        self._box = BOXES[0]
        self._process: LightProcess | None = None
        self._clock = ScaledClock()
        self._stand = Stand(self._build)
        offer(self._stand)
        for name in SimulatedScopeConfig.model_fields:
            if name not in ("kind", "extra_lines"):
                self._register(name)

    @pymm_property(name="LightBox", allowed_values=BOXES, is_pre_init=True)  # type: ignore[untyped-decorator]
    def light_box(self) -> str:
        """Where the light box lives."""
        return self._box

    @light_box.setter  # type: ignore[untyped-decorator]
    def _set_light_box(self, value: str) -> None:
        self._box = value

    @pymm_property(name="ExtraLines", is_pre_init=True)  # type: ignore[untyped-decorator]
    def extra_lines(self) -> str:
        """Wavelengths of further lines, nm."""
        return " ".join(f"{line.wavelength_nm:g}" for line in self._given.get("extra_lines", ()))

    @extra_lines.setter  # type: ignore[untyped-decorator]
    def _set_extra_lines(self, value: str) -> None:
        lines = tuple(_line(float(word)) for word in str(value).split())
        self._give("extra_lines", lines)

    @pymm_property(name="TimeScale", limits=(0.0, 1e6))  # type: ignore[untyped-decorator]
    def time_scale(self) -> float:
        """Seconds of the cells' life for each of yours."""
        return self._clock.scale

    @time_scale.setter  # type: ignore[untyped-decorator]
    def _set_time_scale(self, value: float) -> None:
        self._clock.set_scale(float(value))

    def get_installed_peripherals(self) -> Sequence[tuple[str, str]]:
        """Return the devices that can stand around it."""
        return tuple((f"Simulated{name}", "") for name in PERIPHERALS)

    def initialize(self) -> None:
        """Build the bench, if no device did before."""
        _ = self._stand.bench

    def shutdown(self) -> None:
        """Put the light out, and end its process."""
        self._stand.is_closed = True
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def config(self) -> SimulatedScopeConfig:
        """Return what was asked for."""
        return SimulatedScopeConfig.model_validate(self._given)

    def _build(self) -> Bench:
        from acquire.simulated.bench import Bench

        config = self.config()
        if self._box == "local":
            return Bench(config, LocalLightBox(config.lines()), self._clock)
        from acquire.simulated.light.light_process import LightProcess

        self._process = LightProcess(config.lines())
        return Bench(config, self._process.light, self._clock)

    def _register(self, name: str) -> None:
        field = SimulatedScopeConfig.model_fields[name]
        words: TypeAdapter[Any] = TypeAdapter(cast("Any", field.annotation))
        choices = _words_of(field.annotation)
        is_number = bool(get_args(field.annotation)) and not choices  # one of a few

        def read(_: Any) -> str:
            value = getattr(self.config(), name)
            return "" if value is None else str(value)

        def write(_: Any, value: Any) -> None:
            if not str(value):  # as a file says it that Micro-Manager saved
                self._given.pop(name, None)
            elif is_number:
                self._give(name, words.validate_python(int(value)))
            else:
                self._give(name, words.validate_strings(str(value)))

        self.register_property(
            name,
            default_value="" if field.default is None else str(field.default),
            allowed_values=choices or None,
            is_pre_init=True,
            property_type=str,
            getter=read,
            setter=write,
        )

    def _give(self, name: str, value: Any) -> None:
        """Take a value if the whole then makes sense."""
        SimulatedScopeConfig.model_validate({**self._given, name: value})
        self._given[name] = value


class ScaledClock:
    """Experiment time that runs faster or slower than the host's, s from 0 on.

    Attributes
    ----------
    scale
        Seconds for each of the host's.
    """

    def __init__(self) -> None:
        self.scale = 1.0
        self._from_s, self._since_s = 0.0, time.perf_counter()

    def __call__(self) -> float:
        """Return the experiment time, s."""
        return self._from_s + self.scale * (time.perf_counter() - self._since_s)

    def set_scale(self, scale: float) -> None:
        """Run so fast from now on."""
        self._from_s, self._since_s = self(), time.perf_counter()
        self.scale = scale


def _words_of(annotation: Any) -> list[str]:
    """Return the words that a key takes; none if it takes anything else."""
    parts = get_args(annotation)
    if type(None) in parts:  # a word or nothing
        return ["", *_words_of(parts[0])]
    return list(parts) if parts and all(isinstance(part, str) for part in parts) else []


def _line(wavelength_nm: float) -> LineConfig:
    return LineConfig(name=f"Laser{wavelength_nm:g}", wavelength_nm=wavelength_nm, structure="cell")
