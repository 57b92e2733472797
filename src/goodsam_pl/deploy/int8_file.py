"""ONNX files with 8-bit weights and activations, by ONNX Runtime's own static quantisation."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

__all__ = ["quantize"]

_QUANTIZED = ("Conv", "Gemm", "MatMul")
"""Nearly all of the multiplications. What lies between them, normalisations, GELU and softmax,
stays in float32: it costs little, and 8 bits would cost accuracy (our choice)."""


def quantize(model: onnx.ModelProto, images: Iterable[NDArray[np.uint8]]) -> onnx.ModelProto:
    """Give a model of ours 8-bit weights, a scale for each output channel, and 8-bit activations.

    Ranges of activations are the least and the most that the images show. Some of it stays in
    float32, where 8 bits were found to cost time or labels and to save next to nothing: products of
    two activations, as in attention; convolutions of single channels; the first convolution, which
    sees the image, and the last, which tells the classes.

    Args:
        model: with the input ``images``.
        images: RGB ``(1, 3, H, W)`` uint8, like those that it will see; a dozen is enough.

    Returns:
        A model in QDQ form, its inputs and outputs those of the one that was given.
    """
    import onnx  # noqa: PLC0415  # an extra
    from onnxruntime import quantization  # noqa: PLC0415  # an extra
    from onnxruntime.quantization.shape_inference import (  # noqa: PLC0415  # an extra
        quant_pre_process,
    )

    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, folded, done = (
            Path(folder) / f"{name}.onnx" for name in ("plain", "folded", "int8")
        )
        onnx.save(model, plain)
        # constants become weights, of which alone there is a scale for each channel
        quant_pre_process(str(plain), str(folded), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(folded),
            str(done),
            _reader(images),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=[*_QUANTIZED],
            nodes_to_exclude=_left_alone(onnx.load(folded)),
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load(done)


def _left_alone(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that stay in float32."""
    weights = {each.name for each in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    single = [node for node in convolutions if _groups(node) > 1]
    products = [
        node
        for node in model.graph.node
        if node.op_type == "MatMul" and not weights & {*node.input}
    ]
    return [node.name for node in (*products, *single, *convolutions[:1], *convolutions[-1:])]


def _groups(node: onnx.NodeProto) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "group"), 1)


def _reader(images: Iterable[NDArray[np.uint8]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader  # noqa: PLC0415  # an extra

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # untyped
        """Hands the images over one by one."""

        def __init__(self) -> None:
            self._left = iter(images)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            """The next one, ``None`` at the end."""
            image = next(self._left, None)
            return None if image is None else {"images": image}

    return Reader()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without advice about steps that are taken here anyway; it goes to the root's logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
