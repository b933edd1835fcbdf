"""Images for the eye alone: super-resolved frames, eSRRF, and planes between planes.

They are made when a shot's decision is, and nothing that decides ever sees them. The decision waits
for them, so they are drawn only where shots leave time: in a tenth of the rest between two shots.
What that is too short for is not drawn, and viewers keep the pictures of an earlier shot.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from lightloop.pictures.between import PlanesBetween
from lightloop.pictures.pace import Pace
from models.conformal import UNKNOWN
from realtime.wire import Picture, RestoredSlot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from lightloop.pictures.esrrf import EsrrfPictures
    from models.axial import AxialInterpolator
    from models.axial_check import PlaneError
    from models.read_out import Denoised
    from models.stated import Stated
    from models.superres import SuperResolver

    Raw = NDArray[np.uint16]

logger = logging.getLogger(__name__)

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
        self._shape, self._superres, self._keep = shape, superres, keep
        self._between = PlanesBetween(axial, between, believe, clock) if axial is not None else None
        self._stated = dict(stated or {})
        self._position = 0
        self._planes: dict[int, tuple[Raw, float]] = {}
        self._spare: list[Raw] = []
        self._most_of_rest, self._clock = most_of_rest, clock
        self._view = Pace()  # a look at a frame
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
            if self._between is not None:
                self._between.warm_up(empty)
        for pace in self._paces():
            pace.warmed_up()
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
            drawn += self._in_between(left_ns - (self._clock() - began_ns))
        except RuntimeError as error:
            logger.error("no planes between any more: %s", error)
            _close(self._between)
            self._between = None
        self._tell(len(drawn))
        return tuple(drawn)

    def _tell(self, drawn: int) -> None:
        """Say it once where shots follow each other too fast."""
        self._skipped = 0 if drawn else self._skipped + 1
        if not drawn:  # one slow drawing shall not have been the last
            for pace in self._paces():
                pace.ease()
        between = self._between.count(self._planes) if self._between is not None else 0
        if self._skipped == _SKIPPED_TOLD and (self._superres or self._esrrf or between):
            logger.warning(
                "no pictures for looking: shots leave %.0f ms of rest, of which a tenth may go "
                "into them; choose a longer interval to see them",
                (self._rest_ns or 0) * 1e-6,
            )

    def _paces(self) -> list[Pace]:
        drawers = [one for one in (self._between, self._esrrf) if one is not None]
        return [self._view, *(one.pace for one in drawers)]

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

    def _in_between(self, left_ns: float) -> list[Picture]:
        """Draw all planes between those that were taken, if there is time for all."""
        between = self._between
        if between is None or between.pace.ns * between.count(self._planes) > left_ns:
            return []
        return [
            self._picture("axial", z, between.model_id, answer)
            for z, answer in between.draw(self._planes, self._position)
        ]

    def forget(self) -> None:
        """Make ready for the next shot."""
        self._rested_since_ns, self._rest_ns = self._clock(), None
        self._spare += [copy for copy, _ in self._planes.values()]
        self._planes.clear()
        self._infos.clear()
        if self._between is not None:
            self._between.forget()

    def close(self) -> None:
        """Free both networks."""
        for network in (self._superres, self._between):
            _close(network)


def most_views(left_ns: float, view_ns: int) -> int:
    """Return in how many ways a frame can be looked at in so much time, 0 to 8.

    Before the first it is not known how long one takes: then it is one, if there is time at all.
    """
    if left_ns <= 0:
        return 0
    return int(min(left_ns / view_ns, MOST_VIEWS)) if view_ns > 0 else 1


def _close(network: SuperResolver | PlanesBetween | None) -> None:
    """Free a network, if there is one."""
    if network is not None:
        network.close()
