"""Images for the eye alone: super-resolved frames, eSRRF, and planes between planes.

They are made when a shot's decision is, and nothing that decides ever sees them. The decision waits
for them, so they are drawn only where shots leave time: in a tenth of the rest between two shots.
What that is too short for is not drawn, and viewers keep the pictures of an earlier shot.
"""

from __future__ import annotations

import logging
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lightloop.pictures_pace import Pace
from models.conformal import UNKNOWN
from realtime.wire import Picture, RestoredSlot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from lightloop.pictures_esrrf import EsrrfPictures
    from models.axial import AxialInterpolator, Shown
    from models.axial_check import PlaneError
    from models.read_out import Denoised
    from models.stated import Stated
    from models.superres import SuperResolver

    Raw = NDArray[np.uint16]

logger = logging.getLogger(__name__)

_AROUND = 4
"""Planes that are remembered as the network for planes between sees them."""
_EVEN = 0.02
"""Distances of planes are even if they differ by less than this share."""
MOST_PLANES = 32
"""Planes of a shot that are looked between; the raw frames wait in memory until the decision."""
MOST_VIEWS = 8
"""Ways to look at a frame: `models.superres.VIEWS`."""
_SKIPPED_TOLD = 20  # shots in a row without a picture
MOST_OF_REST = 0.1
"""Share of the rest between two shots that may go into pictures (proposed)."""


class Pictures:
    """Draws the images of one shot that only viewers get.

    Parameters
    ----------
    shape
        Height and width of the frames, px.
    superres, axial
        The networks; None for no such images.
    keep
        Puts an image where viewers find it.
    between
        Planes to draw between each two; 0 draws those of the plan that were left out.
    believe
        What planes that were taken say of those that are drawn in a field; None: nothing yet.
    most_of_rest
        Share of the time between two shots that drawing may take.
    clock
        Tells the time, ns.
    stated
        What is known of the error of each kind of picture.
    esrrf
        Draws finer pixels from the newest frames without a network; None for no such images.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        superres: SuperResolver | None,
        axial: AxialInterpolator | None,
        keep: Callable[[NDArray[np.float32]], RestoredSlot],
        between: int = 1,
        most_of_rest: float = MOST_OF_REST,
        clock: Callable[[], int] = time.perf_counter_ns,
        believe: Callable[[int], PlaneError | None] = lambda position: None,
        stated: Mapping[str, Stated] | None = None,
        esrrf: EsrrfPictures | None = None,
    ) -> None:
        self._esrrf = esrrf
        self._infos: dict[int, FrameInfo] = {}
        self._shape, self._superres, self._axial, self._keep = shape, superres, axial, keep
        self._stated = dict(stated or {})
        self._between, self._believe = between, believe
        self._position = 0
        self._planes: dict[int, tuple[Raw, float]] = {}
        self._spare: list[Raw] = []
        self._shown: dict[int, Shown] = {}
        self._most_of_rest, self._clock = most_of_rest, clock
        self._view, self._gap = Pace(), Pace()  # a look at a frame, a plane between
        self._rested_since_ns = clock()
        self._rest_ns: int | None = None  # before this shot; None until its first frame
        self._skipped = 0

    def warm_up(self) -> None:
        """Draw from empty frames, so that the first shot knows how long it takes.

        Raises
        ------
        ModelError
            If a network does not run.
        """
        empty = np.zeros(self._shape, np.uint16)
        if self._esrrf is not None:
            self._esrrf.warm_up()
        for _ in range(2):  # the first one of a network takes longer than all others
            if self._superres is not None:
                self._resolve(self._superres, empty, 1)
            if self._axial is not None:
                began_ns = self._clock()
                self._axial(empty, empty, 1.0)
                self._gap.ns = self._clock() - began_ns
        self._view.warmed_up()
        self._gap.warmed_up()
        self._rested_since_ns = self._clock()

    def see(self, info: FrameInfo, adu: Raw) -> None:
        """Take note of a raw frame of the followed channel; it is copied."""
        if self._rest_ns is None:
            self._rest_ns = self._clock() - self._rested_since_ns
        self._position = info.shot.position
        if info.index.z in self._planes or len(self._planes) >= MOST_PLANES:
            return
        copy = self._spare.pop() if self._spare else np.empty(self._shape, np.uint16)
        np.copyto(copy, adu)
        self._planes[info.index.z] = (copy, info.position_um[2])
        self._infos[info.index.z] = info

    def draw(self) -> tuple[Picture, ...]:
        """Return the pictures of the frames seen since `forget` for which there is time."""
        left_ns = (self._rest_ns or 0) * self._most_of_rest
        began_ns = self._clock()
        drawn: list[Picture] = []
        try:
            drawn += self._rolling(left_ns)
        except RuntimeError as error:
            logger.error("no eSRRF pictures any more: %s", error)
            self._esrrf = None
        try:
            drawn += self._fine(left_ns - (self._clock() - began_ns))
        except RuntimeError as error:
            logger.error("no super-resolved images any more: %s", error)
            _close(self._superres)
            self._superres = None
        try:
            if self._gap.ns * self._gaps() <= left_ns - (self._clock() - began_ns):
                drawn += self._in_between()
        except RuntimeError as error:
            logger.error("no planes between any more: %s", error)
            _close(self._axial)
            self._axial = None
        self._tell(len(drawn))
        return tuple(drawn)

    def _tell(self, drawn: int) -> None:
        """Say it once where shots follow each other too fast."""
        self._skipped = 0 if drawn else self._skipped + 1
        if not drawn:  # one slow drawing shall not have been the last
            for pace in (self._view, self._gap, *([self._esrrf.pace] if self._esrrf else [])):
                pace.ease()
        if self._skipped == _SKIPPED_TOLD and (self._superres or self._esrrf or self._gaps()):
            logger.warning(
                "no pictures for looking: shots leave %.0f ms of rest, of which a tenth may go "
                "into them; choose a longer interval to see them",
                (self._rest_ns or 0) * 1e-6,
            )

    def _rolling(self, left_ns: float) -> list[Picture]:
        """Take the middle plane into its window, if there is time for it."""
        if self._esrrf is None or not self._planes or self._esrrf.pace.ns > left_ns:
            return []
        z = self._middle()
        picture = self._esrrf.draw(self._infos[z], self._planes[z][0])
        return [picture] if picture is not None else []

    def _middle(self) -> int:
        return sorted(self._planes)[len(self._planes) // 2]

    def _fine(self, left_ns: float) -> list[Picture]:
        """Super-resolve the middle plane, looking at it in as many ways as there is time for."""
        if self._superres is None or not self._planes:
            return []
        views = most_views(left_ns, self._view.ns)
        if views == 0:
            return []
        z = self._middle()
        answer = self._resolve(self._superres, self._planes[z][0], views)
        return [self._picture("superres", float(z), self._superres.model_id, answer)]

    def _picture(self, kind: str, z: float, model_id: str, answer: Denoised) -> Picture:
        stated = self._stated.get(kind)
        error = UNKNOWN if stated is None else stated(answer)
        return Picture(kind, z, model_id, self._keep(answer.photons), *error)

    def _resolve(self, superres: SuperResolver, adu: Raw, views: int) -> Denoised:
        """Return the fine image of a frame, and note how long a look takes."""
        superres.views = views
        began_ns = self._clock()
        answer = superres(adu)
        self._view.ns = (self._clock() - began_ns) // views
        return answer

    def _gaps(self) -> int:
        """Return how many planes between are to be drawn."""
        if self._axial is None:
            return 0
        return sum(len(self._to_draw(lower, upper)) for lower, upper in pairwise(self._zs()))

    def _zs(self) -> list[int]:
        return sorted(self._planes)

    def _to_draw(self, lower: int, upper: int) -> list[float]:
        """Return the planes to draw between two that were taken, as parts of the way."""
        steps = self._between + 1 if self._between else upper - lower
        if self._between and upper - lower > 1:  # a frame that was lost
            return []
        return [k / steps for k in range(1, steps)]

    def _in_between(self) -> list[Picture]:
        if self._axial is None:
            return []
        found: list[Picture] = []
        began_ns = self._clock()
        self._axial.believe(self._believe(self._position))
        zs = self._zs()
        around = zip([None, *zs], zs, zs[1:], [*zs[2:], None], strict=False)
        for below, lower, upper, above in around:
            dz_um = self._apart_um(lower, upper)
            if dz_um <= 0:
                continue  # a stage that does not say where it is
            for fraction in self._to_draw(lower, upper):
                answer = self._axial(
                    self._look(lower),
                    self._look(upper),
                    dz_um,
                    fraction,
                    self._look_if_even(below, lower, dz_um),
                    self._look_if_even(above, upper, dz_um),
                )
                z = lower + fraction * (upper - lower)
                found.append(self._picture("axial", z, self._axial.model_id, answer))
        self._gap.ns = (self._clock() - began_ns) // max(len(found), 1)
        return found

    def _apart_um(self, one: int, other: int) -> float:
        """Return how far two planes are from each other, um."""
        return abs(self._planes[one][1] - self._planes[other][1])

    def _look_if_even(self, far: int | None, near: int, dz_um: float) -> Shown | None:
        """Look at a plane if it is as far from the next one as that from its own."""
        if far is None or abs(self._apart_um(far, near) - dz_um) >= _EVEN * dz_um:
            return None
        return self._look(far)

    def _look(self, z: int) -> Shown:
        """Return what the network for planes between sees of a plane; each is looked at once."""
        assert self._axial is not None
        if z not in self._shown:
            out = self._shown.pop(min(self._shown)) if len(self._shown) >= _AROUND else None
            self._shown[z] = self._axial.show(self._planes[z][0], out)
        return self._shown[z]

    def forget(self) -> None:
        """Make ready for the next shot."""
        self._rested_since_ns, self._rest_ns = self._clock(), None
        self._spare += [copy for copy, _ in self._planes.values()]
        self._planes.clear()
        self._infos.clear()
        self._shown = {-1 - k: one for k, one in enumerate(self._shown.values())}  # to be reused

    def close(self) -> None:
        """Free both networks."""
        for network in (self._superres, self._axial):
            if network is not None:
                network.close()


def most_views(left_ns: float, view_ns: int) -> int:
    """Return in how many ways a frame can be looked at in so much time, 0 to 8.

    Before the first it is not known how long one takes: then it is one, if there is time at all.
    """
    if left_ns <= 0:
        return 0
    return int(min(left_ns / view_ns, MOST_VIEWS)) if view_ns > 0 else 1


def _close(network: SuperResolver | AxialInterpolator | None) -> None:
    """Free a network that failed."""
    if network is not None:
        network.close()
