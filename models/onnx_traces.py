"""Take out of an ONNX file where on somebody's disk it was made: the way of each operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def remove_traces(path: Path) -> None:
    """Remove the traces of calls that torch's exporter leaves; what is computed stays the same.

    Parameters
    ----------
    path
        An ONNX file, written over. Needs `onnx` (extra "train").
    """
    import onnx

    model = onnx.load(str(path))
    for part in (model, model.graph, *_parts(model.graph), *model.functions):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, str(path))


def _parts(graph: Any) -> list[Any]:
    return [*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]
