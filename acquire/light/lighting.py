"""Light on, one step after the other: each is read back before the next, and STOP LIGHT wins."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from acquire.errors import LightRefused, SettingRefused
from acquire.light.where import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.light.lease import Lease
    from acquire.light.ports import Lights
    from acquire.light.source import LightSource


_EXPOSURE_MS = 0.1  # cameras count in lines: no shorter difference is a refusal; proposed


class Lighting:
    """Lights up for a lease, unless the light is stopped; only `LightGuard` holds one.

    Attributes
    ----------
    stopped
        Set when no light may be given.
    door
        Held while a command that may light up is with a driver: whoever stops the light and finds
        it shut knows that the command may still be carried out.
    """

    def __init__(self, lights: Lights, now_ns: Callable[[], int], config: str = "") -> None:
        self._lights, self._now_ns, self._config = lights, now_ns, config
        self.stopped = threading.Event()
        self.door = threading.Lock()

    def check_stopped(self) -> None:
        """Refuse to go on if the light was stopped.

        Raises
        ------
        LightRefused
            Says that it was.
        """
        if self.stopped.is_set():
            raise LightRefused("the light was stopped; it stays off until the guard is rearmed")

    def set_exposure(self, lease: Lease, tolerance: float) -> None:
        """Set the exposure of a lease's camera: light comes after it is known to be short.

        Raises
        ------
        SettingRefused
            If the camera says another one, by more than a fraction of it (or 0.1 ms).
        """
        asked_ms = lease.light_of(0).exposure_ms
        lease.exposure_read_ms = found_ms = lease.camera.set_exposure(asked_ms)
        if not abs(found_ms - asked_ms) <= max(_EXPOSURE_MS, tolerance * asked_ms):
            raise SettingRefused(
                f"the camera was set to {asked_ms:g} ms and says {found_ms:g} ms; "
                f"exposure_tolerance is {tolerance:g} ({table('[guard]', self._config)})"
            )

    def light_up(self, lease: Lease, confirm: Callable[[], None]) -> None:
        """Set the power of a lease's light and open it.

        Parameters
        ----------
        confirm
            Returns when the keeper knows of the lease. It is called before the first command that
            could light; behind a closed shutter the power is set while the keeper answers.

        Raises
        ------
        LightRefused
            If the light was stopped.
        SettingRefused
            If a device did not take its value.
        """
        source = lease.source
        for peer in self._lights.sources:
            if peer is not source and peer.power_device and peer.switch == source.switch:
                self._power_off_peer(peer, source)
        if not source.shutter_device:
            confirm()
        self.set_power(lease)
        if lease.steps_power:
            self._step_power(lease)
        self._pause(source.settle_ms)
        if source.shutter_device:
            confirm()
        with self.door:
            self.check_stopped()
            lease.lit_ns = lease.lit_ns or self._now_ns()
            is_open = self._lights.set_open(source, True)
            self.check_stopped()  # a STOP LIGHT that found the door shut relies on it
        lease.ready_ns = self._now_ns()
        self._pause(source.open_delay_ms)
        self.check_stopped()
        if not (is_open or (source.open_delay_ms and self._lights.is_lit(source))):
            raise SettingRefused(f"light {source.name!r} was opened and says it is closed")

    def set_power(self, lease: Lease) -> None:
        """Set the power of a lease's light, also while it shines, and believe what is read back.

        Raises
        ------
        LightRefused
            If the light was stopped.
        SettingRefused
            If the device did not take it.
        """
        source, asked = lease.source, lease.light_of(0).power_fraction
        with self.door:
            self.check_stopped()
            if not source.shutter_device:
                lease.lit_ns = lease.lit_ns or self._now_ns()
            lease.power_read_fraction = found = self._lights.set_power(source, asked)
            self.check_stopped()
        if not source.is_power(found, asked):
            raise SettingRefused(
                f"light {source.name!r} was set to {asked:.4g} of its maximum and says "
                f"{found:.4g}; power_tolerance is {source.power_tolerance:g} "
                f"({self._declared(source)}). If it only takes steps, declare its power_step"
            )

    def _step_power(self, lease: Lease) -> None:
        """Let the hardware take over: from the second frame on, it sets the power."""
        with self.door:
            self.check_stopped()
            self._lights.step_power(lease.source, [one.power_fraction for one in lease.steps])
            self.check_stopped()

    def _power_off_peer(self, peer: LightSource, source: LightSource) -> None:
        """Two lights behind one shutter: opening it for one must not let the other through."""
        found = self._lights.set_power(peer, 0.0)
        if not found <= peer.dark_below:
            raise SettingRefused(
                f"light {peer.name!r} shares a shutter with {source.name!r}; it was set to 0 and "
                f"says {found:.4g}; dark_below is {peer.dark_below:g} ({self._declared(peer)})"
            )

    def _declared(self, source: LightSource) -> str:
        return table(f"[[light]] {source.name!r}", self._config)

    def _pause(self, wait_ms: float) -> None:
        """Wait for a device, but not on if the light is stopped meanwhile."""
        if wait_ms:
            self.stopped.wait(wait_ms * 1e-3)
