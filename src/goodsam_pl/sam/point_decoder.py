"""Segment Anything asked at points: which of its answers are drawn, and how many at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.mask_decoder import DecodedPoints, decode_points
from goodsam_pl.sam.mask_logits import draw_masks, draw_outlines, sketch_masks
from goodsam_pl.sam.point_prompts import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    join_answers,
    no_answers,
    pass_thresholds,
)
from goodsam_pl.sam.shrinking_batches import ShrinkingBatches
from goodsam_pl.sam.suppression import (
    Candidates,
    answer_distinct,
    outline_boxes,
    sketched_stability,
)

__all__ = ["PointDecoder"]

_CPU_MEMORY, _DEVICE_MEMORY = 1 << 29, 1 << 30
"""Bytes that a batch of points may take, by estimate, whatever ``points_per_batch`` says.

On a CPU smaller batches stay nearer to its caches: with ViT-B, 6 points fit.
"""

_MOST_KEPT = 1 << 28
"""Bytes up to which decoded points are kept for drawing; more are decoded once more."""

_SKETCHY_STABILITY = 0.1
"""How far below the threshold the stability of a sketch may be for the mask to be drawn.

On StreetWorld with vit_nano, a third fewer masks are drawn than without a look at it, and as many
of all masks are found again.
"""

_OUTLINE = 2.0
"""Logits up to so many stability offsets from zero count as a mask's outline, and are drawn.

On StreetWorld with vit_nano, one mask in a hundred more is found again at 2 than at 1.
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
        """As :meth:`ask`, but few masks are drawn that repeat a better one, and only outlines.

        ``prompts`` of the answers number candidates.
        """
        kept = _Kept(view.embeddings[index], self.sam.mask_decoder.transformer_dim, len(points))

        def sketch(some: Tensor) -> _Sketches:
            decoded = self._decode(view, index, points[some])
            logits = sketch_masks(self.sam, decoded).float()
            stability = sketched_stability(logits.flatten(0, 1), self.least.stability_offset)
            wanted = decoded.predicted_iou > self.least.predicted_iou
            wanted &= stability.view_as(wanted) >= self.least.stability - _SKETCHY_STABILITY
            rows, masks = wanted.nonzero(as_tuple=True)
            kept.put(some, decoded)
            scores = decoded.predicted_iou[rows, masks]
            return _Sketches(some[rows], masks, scores, logits[rows, masks])

        everything = torch.arange(len(points), device=points.device)
        parts = self.together.apply(sketch, everything)
        sketches = _Sketches(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

        def draw(chosen: Tensor) -> Answers:
            order = sketches.points[chosen].argsort(stable=True)
            batches = self.together.apply(draw_some, chosen[order])
            return join_answers([self._no_answers(view), *batches])

        def draw_some(chosen: Tensor) -> Answers:
            rows, decoded = sketches.points[chosen], kept.decoded
            if decoded is None:
                asked, rows = rows.unique(return_inverse=True)
                decoded = self._decode(view, index, points[asked])
            place, outlines = (rows, sketches.masks[chosen]), sketches.logits[chosen]
            with self.autocast():
                logits = draw_outlines(self.sam, decoded, outlines, place, self._near)
            scores = sketches.predicted_iou[chosen]
            return pass_thresholds(view, chosen, logits, scores, self.least)

        candidates = Candidates(sketches.predicted_iou, outline_boxes(sketches.logits))
        return answer_distinct(candidates, draw, self.box_nms_threshold)

    @property
    def _near(self) -> float:
        return _OUTLINE * self.least.stability_offset

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
        on_cpu = self.sam.device.type == "cpu"
        usual, memory = (24, _CPU_MEMORY) if on_cpu else (256, _DEVICE_MEMORY)
        fitting = max(1, memory // _bytes_per_point(self.sam))
        return ShrinkingBatches("points", min(self.points_per_batch or usual, fitting))


class _Sketches(NamedTuple):
    """Candidates of one window.

    Attributes:
        points: ``(K,)`` int64.
        masks: which of the point's three, ``(K,)`` int64.
        predicted_iou: ``(K,)`` float.
        logits: ``(K, h, w)`` float, see :func:`goodsam_pl.sam.mask_logits.sketch_masks`.
    """

    points: Tensor
    masks: Tensor
    predicted_iou: Tensor
    logits: Tensor


class _Kept:
    """Decoded points of one window, if they are few enough to be kept for drawing.

    Args:
        embedding: of the window, ``(·, h, w)``.
        channels: C of image tokens.
        count: points.

    Attributes:
        decoded: of all points, once all are put; ``None`` if they are too many.
    """

    def __init__(self, embedding: Tensor, channels: int, count: int) -> None:
        places = embedding[0].numel()
        self.decoded: DecodedPoints | None = None
        if 4 * count * channels * places <= _MOST_KEPT:
            self.decoded = DecodedPoints(
                embedding.new_empty(count, 3),
                embedding.new_empty(count, 3, channels),
                embedding.new_empty(count, places, channels),
                details=None,
            )

    def put(self, points: Tensor, decoded: DecodedPoints) -> None:
        """Keep some points: what is copied right away is still in the caches."""
        if self.decoded is not None:
            for whole, part in zip(self.decoded[:3], decoded[:3], strict=True):
                whole[points] = part.to(whole.dtype)
            self.decoded = self.decoded._replace(details=decoded.details)


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
