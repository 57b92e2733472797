"""Boxes in, masks out: what every SAM can be asked beside points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam.point_prompts import EmbeddedWindows, EmbeddingModel, lay_masks

__all__ = [
    "BoxAnswers",
    "BoxedModel",
    "DescribedModel",
    "PromptableModel",
    "decode_boxes",
    "describe_boxed",
    "masks_in_boxes",
    "scale_boxes",
]


class BoxAnswers(NamedTuple):
    """One mask a box, in the order of the boxes.

    Attributes:
        binary: ``(M, h, w)`` bool.
        predicted_iou: ``(M,)`` float, the model's guess of each mask's IoU with its object.
    """

    binary: Tensor
    predicted_iou: Tensor


class DescribedModel(Protocol):
    """Says what its masks depend on."""

    def describe(self) -> Description:
        """Kind, weights, every parameter."""
        ...


class PromptableModel(EmbeddingModel, DescribedModel, Protocol):
    """A SAM, whatever it can be asked by."""

    @property
    def to(self) -> Callable[[torch.device | str], object]:
        """Move to a device."""
        ...


@runtime_checkable
class BoxedModel(PromptableModel, Protocol):
    """A model that answers a box with one mask."""

    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits ``(M, h', w')`` and predicted IoU ``(M,)`` of boxes ``(M, 4)``.

        Boxes are left, top, right, bottom in pixels of window ``index``.
        """
        ...


_BOXES_TOGETHER = 32
"""Boxes that are decoded together: at 64×64 tokens of 256 channels, half a GiB."""


@torch.no_grad()
def masks_in_boxes(model: BoxedModel, windows: Tensor, boxes: Sequence[Tensor]) -> list[BoxAnswers]:
    """Ask for one mask a box; a window is encoded once, and not at all without a box.

    Args:
        model: what is asked.
        windows: ``(N, 3, h, w)`` uint8, RGB.
        boxes: of each window ``(M, 4)`` float, left, top, right, bottom in its pixels.

    Returns:
        On the CPU.

    Raises:
        ValueError: the windows are not uint8 RGB, or boxes are not of their number or shape.
    """
    if windows.dtype != torch.uint8 or windows.ndim != 4 or windows.shape[1] != 3:
        raise ValueError(
            f"windows are {windows.dtype} {tuple(windows.shape)}: give uint8 (N, 3, h, w)"
        )
    wrong = [tuple(some.shape) for some in boxes if some.ndim != 2 or some.shape[1] != 4]
    if wrong or len(boxes) != len(windows):
        raise ValueError(
            f"boxes of {len(boxes)} windows, shapes {wrong} among them: give (M, 4) for each of "
            f"the {len(windows)} windows"
        )
    size = (windows.shape[2], windows.shape[3])
    nothing = BoxAnswers(torch.zeros((0, *size), dtype=torch.bool), torch.zeros(0))
    answers = [nothing] * len(windows)
    asked = [index for index, some in enumerate(boxes) if len(some)]
    for first in range(0, len(asked), model.windows_per_batch):
        batch = asked[first : first + model.windows_per_batch]
        view = model.embed(windows[batch])
        for place, index in enumerate(batch):
            answers[index] = _answer(model, view, place, boxes[index].float())
    return answers


def describe_boxed(model: DescribedModel) -> Description:
    """What masks in boxes depend on: the model, and not how it is asked at points."""
    kept = ("proposer", "model", "weights", "precision", "image_statistics")
    return {f"sam_{name}": value for name, value in model.describe().items() if name in kept}


def decode_boxes(
    sam: Sam, view: EmbeddedWindows, index: int, boxes: Tensor
) -> tuple[Tensor, Tensor]:
    """Ask a model of Meta's classes.

    Args:
        sam: the model.
        view: embedded windows.
        index: of one of them.
        boxes: ``(M, 4)``, left, top, right, bottom in pixels of the window.

    Returns:
        Logits ``(M, h', w')`` and predicted IoU ``(M,)``, float32.
    """
    scaled = scale_boxes(boxes, view.size, (view.frame.height, view.frame.width))
    sparse, dense = sam.prompt_encoder(points=None, boxes=scaled, masks=None)
    logits, predicted_iou = sam.mask_decoder(
        image_embeddings=view.embeddings[index : index + 1],
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )
    return logits[:, 0].float(), predicted_iou[:, 0].float()


def scale_boxes(boxes: Tensor, size: tuple[int, int], enlarged: tuple[int, int]) -> Tensor:
    """Boxes ``(M, 4)`` in pixels of a window to pixels of what it is enlarged to.

    Args:
        boxes: left, top, right, bottom.
        size: ``(h, w)`` of the window.
        enlarged: height and width of the same in the model's input.
    """
    down, across = (long / short for long, short in zip(enlarged, size, strict=True))
    return boxes * boxes.new_tensor([across, down, across, down])


def _answer(model: BoxedModel, view: EmbeddedWindows, index: int, boxes: Tensor) -> BoxAnswers:
    parts = []
    for some in boxes.to(view.embeddings.device).split(_BOXES_TOGETHER):
        logits, predicted_iou = model.decode_boxes(view, index, some)
        parts.append(BoxAnswers(lay_masks(view, logits).cpu(), predicted_iou.cpu()))
    return BoxAnswers(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))
