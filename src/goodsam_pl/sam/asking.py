"""Segment Anything asked at points: which of its answers are drawn, and how many at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.batching import ShrinkingBatches
from goodsam_pl.sam.decoding import DecodedPoints, decode_points, draw_masks, sketch_masks
from goodsam_pl.sam.prompting import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    join_answers,
    no_answers,
    pass_thresholds,
)
from goodsam_pl.sam.sketching import (
    Candidates,
    answer_distinct,
    outline_boxes,
    sketched_stability,
)

__all__ = ["PointDecoder"]

_MOST_MEMORY = 1 << 30
"""Bytes that a batch of points may take, by estimate, whatever ``points_per_batch`` says."""

_MOST_KEPT = 1 << 28
"""Bytes up to which decoded points are kept for drawing; more are decoded once more."""

_SKETCHY_STABILITY = 0.1
"""How far below the threshold the stability of a sketch may be for the mask to be drawn.

On StreetWorld with vit_nano, a third fewer masks are drawn than without a look at it, and as many
of all masks are found again.
"""


class PointDecoder:
    """The half of a Segment Anything model that answers points of windows already encoded.

    Args:
        sam: the model, where it is to run.
        least: what a mask must reach.
        box_nms_threshold: of two masks whose boxes have a higher IoU, the one with the lower
            predicted IoU is dropped, by :meth:`ask_distinct` only.
        points_per_batch: points that are decoded together; ``None`` takes 24 on a CPU and 256
            elsewhere.
        autocast: the precision that is computed in.
    """

    def __init__(
        self,
        sam: Sam,
        least: Thresholds,
        box_nms_threshold: float,
        points_per_batch: int | None,
        autocast: Callable[[], torch.autocast],
    ) -> None:
        self.sam = sam
        self.least = least
        self.box_nms_threshold = box_nms_threshold
        self.points_per_batch = points_per_batch
        self.autocast = autocast

    @torch.no_grad()
    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask one window at some points; what passes all thresholds is the answer.

        Args:
            view: embedded windows.
            index: of one of them.
            points: ``(P, 2)``, ``(x, y)`` in pixels of the window.
        """

        def answer(some: Tensor) -> Answers:
            decoded = self._decode(view, index, points[some])
            wanted = decoded.predicted_iou > self.least.predicted_iou
            prompts = some[wanted.nonzero()[:, 0]]
            return self._draw(view, decoded, wanted, prompts)

        parts = self.together.apply(answer, torch.arange(len(points), device=points.device))
        return join_answers([self._no_answers(view), *parts])

    @torch.no_grad()
    def ask_distinct(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """As :meth:`ask`, but hardly a mask is drawn that repeats a better one.

        ``prompts`` of the answers number candidates.
        """
        keeps = 4 * view.embeddings[0].numel() * len(points) <= _MOST_KEPT
        kept: list[DecodedPoints] = []

        def sketch(some: Tensor) -> _Sketches:
            decoded = self._decode(view, index, points[some])
            logits = sketch_masks(self.sam, decoded).float()
            stability = sketched_stability(logits.flatten(0, 1), self.least.stability_offset)
            wanted = decoded.predicted_iou > self.least.predicted_iou
            wanted &= stability.view_as(wanted) >= self.least.stability - _SKETCHY_STABILITY
            rows, masks = wanted.nonzero(as_tuple=True)
            boxes = outline_boxes(logits[rows, masks])
            if keeps:
                kept.append(decoded)
            return _Sketches(some[rows], masks, decoded.predicted_iou[rows, masks], boxes)

        everything = torch.arange(len(points), device=points.device)
        parts = self.together.apply(sketch, everything)
        sketches = _Sketches(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

        everywhere = DecodedPoints(*map(torch.cat, zip(*kept, strict=True))) if keeps else None

        def draw(chosen: Tensor) -> Answers:
            order = sketches.points[chosen].argsort(stable=True)
            batches = self.together.apply(draw_some, chosen[order])
            return join_answers([self._no_answers(view), *batches])

        def draw_some(chosen: Tensor) -> Answers:
            asked, rows = sketches.points[chosen].unique(return_inverse=True)
            decoded = (
                self._decode(view, index, points[asked])
                if everywhere is None
                else DecodedPoints(*(part[asked] for part in everywhere))
            )
            numbers = torch.full_like(decoded.predicted_iou, -1, dtype=torch.long)
            numbers[rows, sketches.masks[chosen]] = chosen
            return self._draw(view, decoded, numbers >= 0, numbers[numbers >= 0])

        candidates = Candidates(sketches.predicted_iou, sketches.boxes)
        return answer_distinct(candidates, draw, self.box_nms_threshold)

    def _decode(self, view: EmbeddedWindows, index: int, points: Tensor) -> DecodedPoints:
        scale = points.new_tensor(
            [view.frame.width / view.size[1], view.frame.height / view.size[0]]
        )
        with self.autocast():
            decoded = decode_points(
                self.sam, view.embeddings[index : index + 1], (points * scale)[None]
            )
        return decoded._replace(predicted_iou=decoded.predicted_iou.float())

    def _draw(
        self, view: EmbeddedWindows, decoded: DecodedPoints, wanted: Tensor, prompts: Tensor
    ) -> Answers:
        with self.autocast():
            logits = draw_masks(self.sam, decoded, wanted)
        scores = decoded.predicted_iou[wanted]
        return pass_thresholds(view, prompts, logits.float(), scores, self.least)

    def _no_answers(self, view: EmbeddedWindows) -> Answers:
        return no_answers(view, (4 * view.embeddings.shape[-2], 4 * view.embeddings.shape[-1]))

    @cached_property
    def together(self) -> ShrinkingBatches:
        """Points that go through the decoder together."""
        usual = 24 if self.sam.device.type == "cpu" else 256
        fitting = max(1, _MOST_MEMORY // _bytes_per_point(self.sam))
        return ShrinkingBatches("points", min(self.points_per_batch or usual, fitting))


class _Sketches(NamedTuple):
    """Candidates of one window: point and mask ``(K,)`` int64, score ``(K,)``, box ``(K, 4)``."""

    points: Tensor
    masks: Tensor
    predicted_iou: Tensor
    boxes: Tensor


def _bytes_per_point(sam: Sam) -> int:
    """What one point takes at most while its three masks are drawn and laid over their window."""
    rows, columns = sam.prompt_encoder.image_embedding_size
    tokens: int = rows * columns
    side: int = sam.image_encoder.img_size
    features: int = sam.mask_decoder.output_upscaling[3].out_channels
    decoding: int = 6 * tokens * sam.mask_decoder.transformer_dim
    drawing = 3 * 16 * tokens * features
    laying = 3 * 3 * side**2
    return 4 * (decoding + drawing + laying)
