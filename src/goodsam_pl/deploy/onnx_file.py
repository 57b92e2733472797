"""Networks as ONNX: one file that holds graph, weights and card."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodsam_pl.deploy.extra import need_onnx
from goodsam_pl.deploy.tracing import trace
from goodsam_pl.deploy.uint8_network import Output, Uint8Network
from goodsam_pl.networks import CARD, NetworkCard

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxRunner", "onnx_model", "with_card", "with_labels"]

_LARGEST = (1 << 31) - (1 << 20)
"""Bytes of a file of protobuf, less a megabyte for the graph."""


def onnx_model(network: Uint8Network) -> onnx.ModelProto:
    """Translate a network, batch, height and width left open.

    Input ``images``, output ``logits``, shapes as :class:`Uint8Network` has them. Nothing in it
    tells where the code lay on this machine.

    Args:
        network: that gives logits.

    Raises:
        ModuleNotFoundError: the extra ``onnx`` is not installed.
        ValueError: its graph depends on sizes, or it is larger than an ONNX file can be.
    """
    need_onnx()
    weights = sum(each.nbytes for each in network.state_dict().values())
    if weights > _LARGEST:
        raise ValueError(
            f"the weights take {weights / 1e9:.1f} GB, and one ONNX file at most 2: export "
            "them as safetensors"
        )
    program = trace(network)
    with _quiet():
        translated = torch.onnx.export(
            program, dynamo=True, input_names=["images"], output_names=["logits"], verbose=False
        )
    assert translated is not None  # noqa: S101  # no file was asked for
    model: Any = translated.model_proto
    _tidy(model.graph)
    return model


def with_labels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with ``labels`` ``(B, H, W)``, uint8, in the place of its logits."""
    from onnx import ModelProto, TensorProto, helper  # noqa: PLC0415  # an extra

    labelled = ModelProto()
    labelled.CopyFrom(model)
    graph = labelled.graph
    graph.node.extend(
        [
            helper.make_node("ArgMax", ["logits"], ["winners"], "argmax", axis=1, keepdims=0),
            helper.make_node("Cast", ["winners"], ["labels"], "labels", to=TensorProto.UINT8),
        ]
    )
    sides = ["batch", "height", "width"]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("labels", TensorProto.UINT8, sides))
    return labelled


def with_card(model: onnx.ModelProto, card: NetworkCard, output: Output) -> bytes:
    """The file, with its card as JSON in the metadata, by the name that safetensors have for it."""
    from onnx import ModelProto, checker  # noqa: PLC0415  # an extra

    described = {**card.to_dict(), "output": output}
    carded = ModelProto()
    carded.CopyFrom(model)
    entry = carded.metadata_props.add()
    entry.key, entry.value = CARD, json.dumps(described, sort_keys=True, ensure_ascii=False)
    checker.check_model(carded)
    content: bytes = carded.SerializeToString()
    return content


class OnnxRunner:
    """An ONNX file under ONNX Runtime on the CPU.

    Args:
        content: the file.
        threads: how many; ``None`` for those that torch uses.

    Raises:
        ModuleNotFoundError: the extra ``onnx`` is not installed.
    """

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        need_onnx()
        import onnxruntime  # noqa: PLC0415  # an extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """What comes out of RGB ``(B, 3, H, W)`` uint8."""
        (answer,) = self._session.run(None, {"images": images})
        return np.asarray(answer)


@contextlib.contextmanager
def _quiet() -> Any:
    """Without what the exporter tells of each of its steps."""
    told = logging.getLogger("torch.onnx")
    level = told.level
    told.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        told.setLevel(level)


def _tidy(graph: Any) -> None:
    """Name the open sides, and leave out traces of the code, which name folders of ours."""
    for value, sides in (
        (graph.input[0], ("batch", None, "height", "width")),
        (graph.output[0], ("batch", None, "height", "width")),
    ):
        for dimension, name in zip(value.type.tensor_type.shape.dim, sides, strict=True):
            if name:
                dimension.dim_param = name
    del graph.value_info[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    del graph.metadata_props[:]
