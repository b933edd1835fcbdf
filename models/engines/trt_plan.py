"""Run a compiled plan of TensorRT or TensorRT-RTX: the two libraries speak the same language."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from models.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Plan:
    """A plan that was loaded onto the graphics card, for inputs of one shape.

    Parameters
    ----------
    trt
        The module `tensorrt` or `tensorrt_rtx`.
    content
        The compiled plan.
    shape_in, shape_out
        (1, C, Y, X) and (1, K, s Y, s X).
    configure
        Given the loaded engine, returns what `create_execution_context` is called with.

    Raises
    ------
    EngineUnavailable
        If this card, driver or library does not take the plan.
    """

    def __init__(
        self,
        trt: Any,
        content: bytes,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        configure: Callable[[Any], tuple[Any, ...]] = lambda engine: (),
    ) -> None:
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise EngineUnavailable("this graphics card or driver does not take the compiled plan")
        self._context = self._engine.create_execution_context(*configure(self._engine))
        if self._context is None:
            raise EngineUnavailable("the graphics card has no room for the compiled plan")
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        is_input = {n: self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT for n in names}
        (self._entry,) = [name for name in names if is_input[name]]
        (self._exit,) = [name for name in names if not is_input[name]]
        for name in names:
            if self._engine.get_tensor_dtype(name) != trt.float16:
                raise EngineUnavailable(f"the compiled plan's {name} is not float16")
        if not self._context.set_input_shape(self._entry, shape_in):
            raise EngineUnavailable(f"the compiled plan does not take frames of {shape_in}")
        answered = tuple(self._context.get_tensor_shape(self._exit))
        if answered != shape_out:
            raise EngineUnavailable(f"the compiled plan answers {answered}, not {shape_out}")

    def launch(self, half_in: Any, half_out: Any, stream: Any) -> None:
        """Enqueue the network on a stream, from and into float16 tensors of the card."""
        self._context.set_tensor_address(self._entry, half_in.data_ptr())
        self._context.set_tensor_address(self._exit, half_out.data_ptr())
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise RuntimeError("the graphics card refused to run the compiled plan")
