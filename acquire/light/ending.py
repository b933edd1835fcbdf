"""Light off, at the end of a lease: whatever fails, the next step is still taken.

Light first, camera second, account third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightNotDark
from acquire.light import alarm
from acquire.light.darkness import names

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from acquire.light.account import Account
    from acquire.light.darkness import Darkness
    from acquire.light.lease import Lease
    from acquire.light.ports import ExposingCamera, Keeper
    from acquire.light.slew import ShotLight
    from acquire.light.source import LightSource


class Ending:
    """Ends every lease dark, and books it; only `LightGuard` holds one.

    Parameters
    ----------
    tries
        How often a light is told to go dark before the keeper is called.
    stopped
        Set where a light did not obey: no exposure is given after that.
    """

    def __init__(
        self,
        darkness: Darkness,
        camera: ExposingCamera,
        keeper: Keeper,
        account: Account,
        tries: int,
        stopped: threading.Event,
        now_ns: Callable[[], int],
    ) -> None:
        self._darkness, self._camera, self._keeper = darkness, camera, keeper
        self._account, self._tries = account, tries
        self._stopped, self._now_ns = stopped, now_ns

    def end(self, lease: Lease, shot: ShotLight) -> None:
        """Make it dark, stop the camera, and settle the account; what is done is not done twice.

        Raises
        ------
        LightNotDark
            If a light did not obey. The keeper was called if it may still be on.
        """
        lease.is_over = True
        trouble: BaseException | None = None
        # Twice, what must be done though a Ctrl-C cuts it off: the second time it finds that out.
        steps = (
            self._darken, self._darken, self._stop_camera, shot.note, self._settle, self._settle,
        )  # fmt: skip
        while lease.n_ended < len(steps):
            try:
                lease.n_ended += 1
                steps[lease.n_ended - 1](lease)
            except BaseException as error:  # an interrupt too: the next step is due
                trouble = trouble or error
        if trouble is not None:
            raise trouble

    def _stop_camera(self, lease: Lease) -> None:
        if not lease.is_started:
            return
        try:
            if not lease.is_clean:
                self._account.note_exposed(lease)
        finally:
            self._camera.stop()

    def _darken(self, lease: Lease) -> None:
        """Close the light of a lease, and believe only what every light says when asked.

        Not even a Ctrl-C comes between: it is raised again once it is dark.
        """
        if lease.has_darkened:
            return
        trouble: BaseException | None = None
        strays: tuple[LightSource, ...] = ()
        for attempt in range(self._tries):
            try:
                lit = self._darkness.again(attempt) if attempt else self._close(lease)
                if lit and not attempt:
                    strays = self._darkness.strays(lit, lease.source)
            except BaseException as error:  # an interrupt too: light comes first
                trouble, lit = error, self._darkness.switched
            if not lit:
                break
        lease.dark_ns = self._now_ns()
        if attempt:
            self._account.closed_ns = 0
        self._account.lit, self._account.strays = lit, strays
        refusal = self._refusal(lit, strays, had_to_insist=attempt > 0)
        lease.has_darkened = True
        if refusal:
            raise LightNotDark(refusal) from trouble
        if trouble is not None and not isinstance(trouble, Exception):
            raise trouble

    def _refusal(
        self, lit: tuple[LightSource, ...], strays: tuple[LightSource, ...], *, had_to_insist: bool
    ) -> str:
        """Tell the keeper how it ended; return why there is no more light, empty if there is."""
        if lit:
            self._stopped.set()
            alarm.call(self._keeper, lit)
            return f"{names(lit)} will not go dark; switch it off by hand"
        self._keeper.close()
        if had_to_insist and (stuck := self._darkness.stuck()):
            self._stopped.set()
            return (
                f"{names(stuck)} is dark, but only since its power was taken away: its switch "
                "does not obey; have it repaired before going on"
            )
        if strays:
            self._stopped.set()
            return (
                f"{names(strays)} was on, and nobody had asked for it. It is dark now, and booked "
                "as full since it was last seen dark. Look for another program, a wrong cable, or "
                "a power that is read back as more than dark_below"
            )
        return ""

    def _close(self, lease: Lease) -> tuple[LightSource, ...]:
        """Close the switch after a frame; after a fault, take every light's power as well."""
        return self._darkness.close(lease.source, self._account.note_closed) or (
            () if lease.is_clean else self._darkness.all()
        )

    def _settle(self, lease: Lease) -> None:
        if lease.is_settled:
            return
        given_j_cm2 = self._account.settle(lease)
        lease.is_settled = True
        if lease.is_clean and lease.is_spent:
            lease.applied = lease.final()
        elif lease.is_clean:
            dose_j_cm2 = given_j_cm2 / lease.n_frames
            lease.applied = msgspec.structs.replace(lease.applied, dose_j_cm2=dose_j_cm2)
