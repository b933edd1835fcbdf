"""TensorRT by way of torch-tensorrt: for data-centre cards, the fastest. Needs extra "tensorrt"."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.engines.cuda_engine import CudaEngine
from models.engines.cuda_lane import CudaLane
from models.engines.torch_net import torch_net
from models.engines.trt_plan import Plan
from models.errors import EngineUnavailable
from models.package import WEIGHTS
from models.plan_cache import PlanCache, digest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Any

    from models.package import Package
    from models.plan_cache import Facts

logger = logging.getLogger(__name__)

SMALLEST_PX, USUAL_PX, LARGEST_PX = 64, 512, 2048
"""Sizes that one plan with free height and width serves, and the one that it is tuned for."""


class TensorRtEngine(CudaEngine):
    """Compile the network in float16 and run the plan in a CUDA graph.

    The half network is exported and converted whole: no layer is left to PyTorch. Types are strong,
    so it computes in float16 because its weights are. The plan is kept by ourselves: torch-tensorrt
    skips its own cache for networks whose weights do not change.

    Parameters
    ----------
    is_dynamic
        One plan for every size of 64 to 2048 px; else one for each size, a little faster.
    cache
        Where plans are kept; None: this user's cache folder.
    """

    name = "tensorrt"

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
        self.was_cached = False
        super().__init__(package, shape, precision, threads)

    def _open(self) -> str:
        try:
            import torch_tensorrt  # first: it puts a stand-in where `tensorrt` is looked for

            import tensorrt  # isort: skip
        except Exception as err:  # without a library it raises whatever, a bare Exception too
            raise EngineUnavailable(
                f'torch-tensorrt cannot be imported: {err} (pip install -e ".[tensorrt]")'
            ) from err
        self._trt, self._torch_tensorrt = tensorrt, torch_tensorrt
        return f"{tensorrt.__version__} (torch-tensorrt {torch_tensorrt.__version__})"

    def _make_lane(self, size: tuple[int, int]) -> CudaLane:
        shape_in, shape_out = self._shapes(size)
        facts = self.facts(size)
        content, self.was_cached = self._cache.get_or_build(facts, lambda: self._build(size))
        plan = Plan(self._trt, content, shape_in, shape_out)
        return CudaLane(self._torch, plan.launch, shape_in, shape_out)

    def facts(self, size: tuple[int, int]) -> Facts:
        """Return all that a plan for this size depends on."""
        free = [SMALLEST_PX, USUAL_PX, LARGEST_PX]
        return {
            "kind": "tensorrt",
            "weights": self._package.manifest.sha256[WEIGHTS],
            "channels": self._package.manifest.in_channels,
            "sizes": free if self._is_dynamic else list(size),
            "precision": self.precision,
            "versions": [self._version, str(self._torch.__version__)],
            "card": self._gpu.name,
            "sm": self._gpu.sm,
            "driver": self._gpu.driver,
        }

    def _build(self, size: tuple[int, int]) -> bytes:
        torch, tt = self._torch, self._torch_tensorrt
        net = torch_net(self._package).half().cuda()
        # A plan for any size must not depend on the size that came first.
        shape_in, _ = self._shapes((USUAL_PX, USUAL_PX) if self._is_dynamic else size)
        frames = torch.zeros(shape_in, dtype=torch.float16, device="cuda")
        given, dims = frames, None
        if self._is_dynamic:
            low, high = SMALLEST_PX // 8, LARGEST_PX // 8
            height = 8 * torch.export.Dim("h8", min=low, max=high)
            width = 8 * torch.export.Dim("w8", min=low, max=high)
            dims = {"frames": {2: height, 3: width}}
            channels = shape_in[1]
            given = tt.Input(
                min_shape=(1, channels, SMALLEST_PX, SMALLEST_PX),
                opt_shape=shape_in,
                max_shape=(1, channels, LARGEST_PX, LARGEST_PX),
                dtype=torch.float16,
            )
        self._cache.folder.mkdir(parents=True, exist_ok=True)
        timings = self._timings()
        with torch.inference_mode(mode=False), torch.no_grad():
            try:
                return self._converted(net, frames, given, dims, timings)
            except EngineUnavailable as err:
                if not timings.exists():
                    raise
                logger.warning("%s: the kept timings in %s are removed, once more", err, timings)
                timings.unlink(missing_ok=True)
                return self._converted(net, frames, given, dims, timings)

    def _timings(self) -> Path:
        """Return where the compiler keeps what it timed: of this version, card and driver alone."""
        facts = self.facts((USUAL_PX, USUAL_PX))
        name = digest({key: facts[key] for key in ("versions", "card", "sm", "driver")})
        return self._cache.folder / f"tensorrt-timing-{name[:16]}.bin"

    def _converted(self, net: Any, frames: Any, given: Any, dims: Any, timings: Path) -> bytes:
        with _as_unavailable(self.name):
            program = self._torch.export.export(net, (frames,), dynamic_shapes=dims)
            plan = self._torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine(
                program,
                arg_inputs=[given],
                min_block_size=1,
                require_full_compilation=True,
                use_explicit_typing=True,  # older versions must be told; newer ones know no other
                timing_cache_path=str(timings),
            )
        return bytes(plan)


@contextmanager
def _as_unavailable(name: str) -> Generator[None]:
    """Turn whatever a compiler raises into a reason: its own errors have no common base."""
    try:
        yield
    except Exception as err:
        first = (str(err).strip().splitlines() or [type(err).__name__])[0]
        raise EngineUnavailable(f"{name} cannot compile this network: {first}") from err
