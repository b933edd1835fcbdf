"""TensorRT-RTX: for GeForce and RTX cards. Needs the extra "rtx" and, to run, torch with CUDA."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from models.engines.cuda_engine import CudaEngine
from models.engines.cuda_lane import CudaLane
from models.engines.rtx_build import TARGETS, import_rtx, plan_facts, rtx_plan
from models.engines.trt_plan import Plan
from models.errors import EngineUnavailable
from models.plan_cache import PlanCache

if TYPE_CHECKING:
    from models.package import Package
    from models.plan_cache import Facts

logger = logging.getLogger(__name__)


class TensorRtRtxEngine(CudaEngine):
    """Run a plan that was compiled ahead, or compile it for this card now.

    On its first run the library translates the plan for the very card, which takes up to half a
    minute; what it made is kept in its runtime cache, and that in ours.

    Parameters
    ----------
    is_dynamic
        One plan for every size of 64 to 2048 px; else one for each size.
    cache
        Where plans are kept; None: this user's cache folder.
    """

    name = "tensorrt-rtx"

    def __init__(
        self,
        package: Package,
        shape: tuple[int, int],
        precision: str,
        threads: int,
        *,
        is_dynamic: bool = False,
        cache: PlanCache | None = None,
    ) -> None:
        self._is_dynamic = is_dynamic
        self._cache = cache or PlanCache()
        self._runtime_caches: list[tuple[Facts, Any, bytes]] = []
        super().__init__(package, shape, precision, threads)

    def close(self) -> None:
        """Free the card, and keep what the library translated."""
        super().close()
        while self._runtime_caches:
            facts, kept, before = self._runtime_caches.pop()
            content = bytes(kept.serialize())
            if content and content != before:
                self._cache.put(facts, content)

    def _open(self) -> str:
        self._trt = import_rtx()
        return str(self._trt.__version__)

    def _make_lane(self, size: tuple[int, int]) -> CudaLane:
        # A generation that the library does not name may still take a plan for this very card, or
        # one for another: which, nobody has written down.
        is_named = "SM" + self._gpu.sm.replace(".", "") in TARGETS
        refusals = []
        for targets in (TARGETS,) if is_named else (("CURRENT",), TARGETS):
            try:
                return self._lane_for(size, targets)
            except EngineUnavailable as err:
                refusals.append(f"{', '.join(targets)}: {err}")
        raise EngineUnavailable("; ".join(refusals))

    def _lane_for(self, size: tuple[int, int], targets: tuple[str, ...]) -> CudaLane:
        shape_in, shape_out = self._shapes(size)
        sizes = None if self._is_dynamic else size
        # A plan for a generation depends on no driver; one for CURRENT is this very card's.
        card = f"{self._gpu.name}, driver {self._gpu.driver}"
        own = "" if targets == TARGETS else card
        content, _ = rtx_plan(self._package, sizes, targets, self._cache, own)
        facts = {
            **plan_facts(self._package, sizes, targets, self._version, card),
            "kind": "tensorrt-rtx translation",
        }
        plan = Plan(
            self._trt, content, shape_in, shape_out, lambda engine: self._configured(engine, facts)
        )
        return CudaLane(self._torch, plan.launch, shape_in, shape_out, records=False)

    def _configured(self, engine: Any, facts: Facts) -> tuple[Any, ...]:
        """Return the runtime's settings: one graph for the whole network, and a kept translation.

        The library refuses a translation of another version, card or system by itself.
        """
        config = engine.create_runtime_config()
        kept = config.create_runtime_cache()
        before = self._cache.get(facts) or b""
        if before and not kept.deserialize(before):
            logger.warning("the kept translation for %s does not fit: made anew", self._gpu.name)
            before = b""
        config.set_runtime_cache(kept)
        config.cuda_graph_strategy = self._trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        self._runtime_caches.append((facts, kept, before))
        return (config,)
