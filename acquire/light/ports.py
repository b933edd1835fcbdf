"""What the guard holds in its hands: switches, a camera, and somebody who watches over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquire.camera import Image
    from acquire.light.source import LightSource


class Lights(Protocol):
    """Switches of the declared lights; every answer is read back from the device."""

    sources: tuple[LightSource, ...]

    def set_power(self, source: LightSource, fraction: float) -> float:
        """Set a power and return the one read back, as fractions of the maximum."""
        ...

    def set_open(self, source: LightSource, is_open: bool) -> bool:
        """Open or close the switch and return whether it is open."""
        ...

    def is_lit(self, source: LightSource) -> bool:
        """Ask whether the switch is open."""
        ...

    def can_step(self, source: LightSource, n_frames: int) -> bool:
        """Whether the power can step from frame to frame by itself, for so many frames."""
        ...

    def step_power(self, source: LightSource, fractions: Sequence[float]) -> None:
        """Let the power step through these fractions, frame by frame, until it is closed."""
        ...

    def dark(self, source: LightSource) -> bool:
        """Close the switch and take the power away; return whether either is read back as done."""
        ...


class ExposingCamera(Protocol):
    """A camera that takes short sequences by itself."""

    def set_exposure(self, exposure_ms: float) -> float:
        """Set the exposure and return the one read back, ms."""
        ...

    def can_step(self, n_frames: int) -> bool:
        """Whether the exposure can step from frame to frame by itself, for so many frames."""
        ...

    def step_exposures(self, exposures_ms: Sequence[float]) -> None:
        """Let the exposures of the next sequence step through these, ms."""
        ...

    def start(self, n_frames: int) -> None:
        """Let the camera take frames by itself; 0: until it is stopped."""
        ...

    def try_pop(self) -> Image | None:
        """Return the oldest frame that is waiting, or None."""
        ...

    def n_waiting(self) -> int:
        """Return how many frames are waiting to be fetched."""
        ...

    def is_overrun(self) -> bool:
        """Whether frames were lost because they were not fetched in time."""
        ...

    def is_running(self) -> bool:
        """Whether the camera still takes frames."""
        ...

    def stop(self) -> None:
        """End the sequence; harmless if it is over already."""
        ...


class Keeper(Protocol):
    """Somebody outside this process who turns the light off if we do not."""

    def announce(self, deadline_ns: int) -> None:
        """Tell of a lease that is to begin; before any light, `confirm` it."""
        ...

    def confirm(self) -> None:
        """Return when the keeper has the lease that was announced, or raise `KeeperLost`."""
        ...

    def close(self) -> None:
        """Tell that the light is off."""
        ...

    def alarm(self) -> None:
        """Ask for help: the light is on and does not obey."""
        ...
