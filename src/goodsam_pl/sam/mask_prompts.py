"""Points, a box and a coarse mask at once: what a SAM can be asked to refine a mask with."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam.box_prompts import PromptableModel, scale_boxes
from goodsam_pl.sam.point_prompts import EmbeddedWindows

__all__ = ["MaskPrompts", "RefiningModel", "decode_mask_prompts", "mask_input", "scale_points"]

LOGITS_PER_TOKEN = 4
"""Along each side: masks come in and go out so much finer than image tokens, in every SAM."""


class MaskPrompts(NamedTuple):
    """What one window is asked, M times at once.

    Attributes:
        points: ``(M, P, 2)`` float, column and row in pixels of the window.
        labels: ``(M, P)`` int64, 1 on the thing, 0 beside it.
        boxes: ``(M, 4)`` float, left, top, right, bottom in pixels of the window.
        masks: ``(M, s, s)`` float, logits in the square that the model sees: see
            :func:`mask_input`.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor
    masks: Tensor


@runtime_checkable
class RefiningModel(PromptableModel, Protocol):
    """A model that answers points, box and mask together, with several masks to choose from."""

    def decode_mask_prompts(
        self, view: EmbeddedWindows, index: int, prompts: MaskPrompts
    ) -> tuple[Tensor, Tensor]:
        """Logits ``(M, m, h', w')`` and predicted IoU ``(M, m)``, float32, of window ``index``."""
        ...

    def embedding_channels(self) -> int:
        """C of its image embedding; what lies behind these channels is of other use."""
        ...


def decode_mask_prompts(
    sam: Sam, view: EmbeddedWindows, index: int, prompts: MaskPrompts
) -> tuple[Tensor, Tensor]:
    """Ask a model of Meta's classes.

    Args:
        sam: the model.
        view: embedded windows.
        index: of one of them.
        prompts: M of them.

    Returns:
        Logits ``(M, 3, h', w')`` and predicted IoU ``(M, 3)``, float32.
    """
    enlarged = (view.frame.height, view.frame.width)
    sparse, dense = sam.prompt_encoder(
        points=(scale_points(prompts.points, view.size, enlarged), prompts.labels),
        boxes=scale_boxes(prompts.boxes, view.size, enlarged),
        masks=prompts.masks[:, None],
    )
    logits, predicted_iou = sam.mask_decoder(
        image_embeddings=view.embeddings[index : index + 1],
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )
    return logits.float(), predicted_iou.float()


def scale_points(points: Tensor, size: tuple[int, int], enlarged: tuple[int, int]) -> Tensor:
    """Points ``(…, 2)`` in pixels of a window to pixels of what it is enlarged to.

    Args:
        points: column and row.
        size: ``(h, w)`` of the window.
        enlarged: height and width of the same in the model's input.
    """
    down, across = (long / short for long, short in zip(enlarged, size, strict=True))
    return points * points.new_tensor([across, down])


def mask_input(logits: Tensor, frame: LogitFrame, side: int) -> Tensor:
    """Lay logits of a window into the square that a model sees: what ``frame.place`` undoes.

    Args:
        logits: ``(M, h, w)`` float; below 0 where nothing is.
        frame: how the square lies on the window.
        side: of what the model takes, in its pixels.

    Returns:
        ``(M, side, side)`` float32; beside the window it is as below 0 as anywhere.
    """
    height, width = (
        max(1, round(length * side / frame.image_size)) for length in (frame.height, frame.width)
    )
    laid = F.interpolate(logits.float()[:, None], (height, width), mode="bilinear", antialias=True)[
        :, 0
    ]
    lowest = logits.amin(dim=(1, 2)) if logits.numel() else logits.new_zeros(len(logits))
    square = lowest[:, None, None].float().repeat(1, side, side)
    square[:, :height, :width] = laid
    return square
