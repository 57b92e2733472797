"""From a checkpoint to a file for elsewhere, which is written once it was found to say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.data.entries import folder_entries
from goodsam_pl.deploy.int8_file import quantize
from goodsam_pl.deploy.onnx_file import OnnxRunner, onnx_model, with_card, with_labels
from goodsam_pl.deploy.parity import (
    Parity,
    compare_labels,
    compare_logits,
    sizes_to_compare,
)
from goodsam_pl.deploy.scored import LabelledImages, Labeller, mean_iou, seen_by
from goodsam_pl.deploy.torch_file import TorchRunner, torch_program
from goodsam_pl.deploy.uint8_network import Output, Uint8Network
from goodsam_pl.networks import NetworkCard, read_card
from goodsam_pl.segmenter import Segmenter, load

__all__ = ["Deployment", "Int8"]

_MOST_LOST = 0.01
"""Of mean IoU, by 8 bits."""
_CALIBRATION = 32
"""Panoramas at most: more of one place show no other ranges (our choice)."""


class Int8:
    """What 8 bits cost.

    Args:
        content: the file.
        float_miou: mean IoU of the network, ``None`` if it was not scored.
        int8_miou: of the file.
        agreement: share of pixels of the calibration's panoramas with the same label.
    """

    def __init__(
        self,
        content: bytes,
        agreement: float,
        float_miou: float | None = None,
        int8_miou: float | None = None,
    ) -> None:
        self.content = content
        self.agreement = agreement
        self.float_miou = float_miou
        self.int8_miou = int8_miou

    def __str__(self) -> str:
        told = f"{self.agreement:.2%} of labels as without 8 bits"
        if self.float_miou is None or self.int8_miou is None:
            return f"{told}; mIoU not measured, for no labelled folder was given"
        return f"{told}; mIoU {self.float_miou:.2%} before, {self.int8_miou:.2%} with 8 bits"


class Deployment:
    """A trained network on its way into a file for elsewhere.

    Args:
        checkpoint: as :func:`goodsam_pl.load` takes it.
        output: what comes out of the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or does not say what its network is.
    """

    def __init__(self, checkpoint: str, output: Output = "labels") -> None:
        card = read_card(Path(checkpoint))
        self.segmenter: Segmenter = load(checkpoint)
        assert card is not None  # noqa: S101  # load has asked
        self.card: NetworkCard = card
        self.output = output
        form = self.segmenter.format
        self.sizes = sizes_to_compare(self.segmenter.network, None if form is None else form.size)

    def onnx(self) -> tuple[bytes, Parity]:
        """The ONNX file, and how near it comes.

        Raises:
            ModuleNotFoundError: the extra ``onnx`` is not installed.
            ValueError: it cannot be made, or does not say the same.
        """
        network = self.segmenter.network
        model = onnx_model(Uint8Network(network))
        parity = compare_logits(OnnxRunner(model.SerializeToString()), network, self.sizes)
        parity.check("the ONNX file")
        if self.output == "labels":
            model = with_labels(model)
            content = with_card(model, self.card, self.output)
            compare_labels(OnnxRunner(content), network, self.sizes).check("the ONNX file")
            return content, parity
        return with_card(model, self.card, self.output), parity

    def torch_program(self) -> tuple[bytes, Parity]:
        """The file of ``torch.export``, and how near it comes.

        Raises:
            ValueError: it cannot be made, or does not say the same.
        """
        network = self.segmenter.network
        content = torch_program(Uint8Network(network, self.output), self.card)
        compare = compare_logits if self.output == "logits" else compare_labels
        parity = compare(TorchRunner(content), network, self.sizes)
        parity.check("the program")
        return content, parity

    def int8(self, calibrate: Path, scored: LabelledImages | None = None) -> Int8:
        """The ONNX file with 8 bits.

        Args:
            calibrate: a folder of panoramas, from which the ranges of activations come.
            scored: images with labels, on which the loss is measured.

        Raises:
            ModuleNotFoundError: the extra ``onnx`` is not installed.
            ValueError: it cannot be made, the graph before it does not say the same, or it loses
                more than one point of mIoU.
        """
        network = self.segmenter.network
        model = onnx_model(Uint8Network(network))
        compare_logits(OnnxRunner(model.SerializeToString()), network, self.sizes).check(
            "the graph before its 8 bits"
        )
        entries = folder_entries(calibrate)
        step = -(-len(entries) // _CALIBRATION)
        paths = [entry.image for entry in entries[::step]]
        small = quantize(model, self._images(paths))
        if self.output == "labels":
            model, small = with_labels(model), with_labels(small)
        content = with_card(small, self.card, self.output)
        before = labeller(OnnxRunner(model.SerializeToString()))
        after = labeller(OnnxRunner(content))
        shown = [image[0].transpose(1, 2, 0) for image in islice(self._images(paths), 8)]
        agreement = float(np.mean([(before(each) == after(each)).mean() for each in shown]))
        if scored is None:
            return Int8(content, agreement)
        form, taxonomy = self.segmenter.format, self.segmenter.taxonomy
        miou = mean_iou({"before": before, "after": after}, scored, form, taxonomy)
        if miou["before"] - miou["after"] > _MOST_LOST:
            raise ValueError(
                f"8 bits lose too much: mIoU {miou['before']:.2%} before, {miou['after']:.2%} with "
                f"them, on {scored.name}; at most one point may be lost. Nothing was written: "
                f"calibrate on more panoramas of the same kind than {len(paths)}, or export as onnx"
            )
        return Int8(content, agreement, miou["before"], miou["after"])

    def miou(self, scored: LabelledImages) -> float:
        """Mean IoU of the network itself, in 0 to 1."""
        form, taxonomy = self.segmenter.format, self.segmenter.taxonomy
        network = {"network": self.segmenter.label_pixels}
        return mean_iou(network, scored, form, taxonomy)["network"]

    def _images(self, paths: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
        for path in paths:
            pixels = seen_by(self.segmenter.format, path)
            yield np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def labeller(run: OnnxRunner) -> Labeller:
    """A file, whatever it gives, as what gives labels of pixels."""

    def label(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        answer = run(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
        labels = answer if answer.ndim == 3 else answer.argmax(axis=1)
        return np.asarray(labels[0], dtype=np.uint8)

    return label
