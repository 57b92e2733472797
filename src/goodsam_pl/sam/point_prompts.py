"""What all models have in common that are asked at points and answer with masks.

Which answers are good enough, and which of them repeat each other, is decided as
``segment_anything.SamAutomaticMaskGenerator`` decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.ops import nms

from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks

__all__ = [
    "Answers",
    "AskedModel",
    "EmbeddedWindows",
    "EmbeddingModel",
    "Thresholds",
    "check_counts",
    "drop_repeats",
    "join_answers",
    "lay_masks",
    "no_answers",
    "pass_thresholds",
    "point_grid",
    "propose_on_grid",
    "resize_as_pillow",
]


_LAID_TOGETHER = 16
"""Masks that are laid over their window together: 64 MiB at 1024×1024 pixels."""


class EmbeddedWindows(NamedTuple):
    """Windows as the mask decoder sees them.

    Attributes:
        embeddings: ``(N, C, h', w')`` float.
        frame: how logits lie on them.
        size: ``(h, w)`` of a window, pixels.
        finer: further features ``(N, …)`` that some decoders take beside the embeddings.
    """

    embeddings: Tensor
    frame: LogitFrame
    size: tuple[int, int]
    finer: tuple[Tensor, ...] = ()


class Answers(NamedTuple):
    """Masks of one window that passed every threshold; some repeat each other.

    Attributes:
        prompts: ``(K,)`` int64, which point each mask answers.
        logits: ``(K, h', w')`` float; they take a sixteenth of the memory of masks at full size,
            which :func:`lay_masks` makes of them.
        boxes: ``(K, 4)`` int32, as :func:`goodsam_pl.masks.window_masks.mask_boxes` tells them.
        areas: ``(K,)`` float, pixels.
        predicted_iou: ``(K,)`` float.
        stability: ``(K,)`` float.
    """

    prompts: Tensor
    logits: Tensor
    boxes: Tensor
    areas: Tensor
    predicted_iou: Tensor
    stability: Tensor


class Thresholds(NamedTuple):
    """What a mask must reach.

    Attributes:
        predicted_iou: masks with a predicted IoU up to this are dropped.
        stability: masks with a lower stability are dropped.
        stability_offset: how far the threshold of the logits is shifted up and down for the
            stability.
        minimum_area: masks with fewer pixels are dropped.
    """

    predicted_iou: float
    stability: float
    stability_offset: float
    minimum_area: int


class EmbeddingModel(Protocol):
    """A model that encodes windows before it is asked, some at a time."""

    windows_per_batch: int

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Encode windows ``(N, 3, h, w)`` uint8."""
        ...


class AskedModel(EmbeddingModel, Protocol):
    """One that answers points."""

    points_per_side: int

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask window ``index`` at points ``(P, 2)``, ``(x, y)`` in its pixels."""
        ...

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Drop repeats among the answers of one window."""
        ...


def propose_on_grid(model: AskedModel, windows: Tensor) -> list[WindowMasks]:
    """Ask every window at the same grid of points.

    Args:
        model: what is asked.
        windows: ``(N, 3, h, w)`` uint8, RGB.

    Raises:
        ValueError: the windows are not uint8 RGB.
    """
    if windows.dtype != torch.uint8 or windows.ndim != 4 or windows.shape[1] != 3:
        raise ValueError(
            f"windows are {windows.dtype} {tuple(windows.shape)}: give uint8 (N, 3, h, w)"
        )
    found: list[WindowMasks] = []
    for some in windows.split(model.windows_per_batch):
        view = model.embed(some)
        points = point_grid(model.points_per_side, view.size).to(view.embeddings.device)
        found += [
            model.keep_best(view, model.ask(view, index, points)) for index in range(len(some))
        ]
    return found


def point_grid(points_per_side: int, size: tuple[int, int]) -> Tensor:
    """Points ``(P, 2)``, ``(x, y)`` in pixels of a window ``(h, w)``, row by row."""
    places = (torch.arange(points_per_side) + 0.5) / points_per_side
    y, x = torch.meshgrid(places * size[0], places * size[1], indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def pass_thresholds(
    view: EmbeddedWindows, prompts: Tensor, logits: Tensor, predicted_iou: Tensor, least: Thresholds
) -> Answers:
    """Lay masks over their window and keep the sure, stable and large ones.

    Args:
        view: the window.
        prompts: ``(K,)`` int64, which point each mask answers.
        logits: ``(K, h', w')`` float; a mask is where they are above 0.
        predicted_iou: ``(K,)`` float.
        least: what is asked of them.
    """
    sure = predicted_iou > least.predicted_iou
    prompts, logits, predicted_iou = prompts[sure], logits[sure], predicted_iou[sure]
    placed = view.frame.place(logits, view.size)
    stability = _area(placed, least.stability_offset) / _area(placed, -least.stability_offset)
    areas = _area(placed, 0.0)
    kept = (stability >= least.stability) & (areas >= least.minimum_area)
    answers = Answers(prompts, logits, mask_boxes(placed > 0), areas, predicted_iou, stability)
    return Answers(*(part[kept] for part in answers))


def lay_masks(view: EmbeddedWindows, logits: Tensor) -> Tensor:
    """Masks ``(K, h, w)`` bool of logits ``(K, h', w')``, few at a time to save memory."""
    parts = [view.frame.place(some, view.size) > 0 for some in logits.split(_LAID_TOGETHER)]
    return torch.cat(parts) if parts else logits.new_zeros((0, *view.size), dtype=torch.bool)


def no_answers(view: EmbeddedWindows, logits: tuple[int, int]) -> Answers:
    """What is left when nothing passes, for logits ``(h', w')``."""
    empty = torch.empty(0, device=view.embeddings.device)
    return Answers(
        empty.long(),
        empty.reshape(0, *logits),
        empty.reshape(0, 4).int(),
        empty,
        empty,
        empty,
    )


def drop_repeats(view: EmbeddedWindows, answers: Answers, box_nms_threshold: float) -> WindowMasks:
    """Of masks whose boxes repeat each other, keep the one with the best score.

    Args:
        view: the window.
        answers: of all its points.
        box_nms_threshold: boxes with a higher IoU repeat each other.
    """
    kept = nms(answers.boxes.float(), answers.predicted_iou, box_nms_threshold)
    best = Answers(*(part[kept] for part in answers))
    binary = lay_masks(view, best.logits)
    return WindowMasks.pack(binary, best.predicted_iou, best.stability, best.logits, view.frame)


def join_answers(parts: Sequence[Answers]) -> Answers:
    """All answers of some batches of points."""
    return Answers(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))


def check_counts(**counts: int | None) -> None:
    """Refuse numbers below 1, by name; ``None`` stands for a default.

    Raises:
        ValueError: the first such number.
    """
    for name, number in counts.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} is {number}: choose 1 or more")


def resize_as_pillow(windows: Tensor, height: int, width: int) -> Tensor:
    """Resize ``(N, 3, h, w)`` uint8 as ``segment_anything`` does: bilinear, on 8 bits."""
    if windows.shape[2:] == (height, width):
        return windows
    pictures = (Image.fromarray(window.permute(1, 2, 0).cpu().numpy()) for window in windows)
    resized = [
        np.array(each.resize((width, height), Image.Resampling.BILINEAR)) for each in pictures
    ]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)


def _area(logits: Tensor, threshold: float) -> Tensor:
    """Pixels ``(K,)`` float of masks ``(K, h, w)``; as floats they are counted much faster."""
    return torch.gt(logits, threshold, out=torch.empty_like(logits)).flatten(1).sum(dim=1)
