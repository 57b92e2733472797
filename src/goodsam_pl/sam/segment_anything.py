"""Masks from Segment Anything: every window is asked at a grid of points.

The result is that of ``segment_anything.SamAutomaticMaskGenerator`` with the same parameters and
one crop, up to rounding; how it is reached differs: windows are encoded together, the predicted
IoU is looked at before a mask is drawn, and low-resolution logits are kept.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.sam.batching import ShrinkingBatches
from goodsam_pl.sam.decoding import DecodedPoints, decode_points, draw_masks, sketch_masks
from goodsam_pl.sam.masks import LogitFrame, WindowMasks
from goodsam_pl.sam.prompting import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    check_counts,
    drop_repeats,
    join_answers,
    no_answers,
    pass_thresholds,
    propose_on_grid,
    resize_as_pillow,
)
from goodsam_pl.sam.proposer import Description, fingerprint_of
from goodsam_pl.sam.sam_weights import SamWeights
from goodsam_pl.sam.sketching import (
    Candidates,
    answer_distinct,
    outline_boxes,
    sketched_stability,
)

__all__ = ["SegmentAnything"]

# predicted IoU, stability and its offset
_OFFICIAL_THRESHOLDS = (0.88, 0.95, 1.0)
_NANO_THRESHOLDS = (0.35, 0.5, 0.3)

_TYPES = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}

_MOST_MEMORY = 1 << 30
"""Bytes that a batch of points may take, by estimate, whatever ``points_per_batch`` says."""

_MOST_KEPT = 1 << 28
"""Bytes up to which decoded points are kept for drawing; more are decoded once more."""

_SKETCHY_STABILITY = 0.1
"""How far below the threshold the stability of a sketch may be for the mask to be drawn.

On StreetWorld with vit_nano, a third fewer masks are drawn than without a look at it, and as many
of all masks are found again.
"""


class SegmentAnything:
    """A Segment Anything model that finds everything in a window.

    Weights are read when the first window comes, so that a run whose masks are all stored needs
    none.

    Args:
        model: ``"vit_nano"``, the small SAM of this package, for 192×192 windows of StreetWorld and
            for trying things out; ``"vit_b"``, ``"vit_l"`` and ``"vit_h"``, the official ones.
        checkpoint: a file with other weights of that model; ``None`` takes the shipped ones or
            those that ``goodsam weights MODEL`` downloaded.
        points_per_side: a window is asked at a grid of this many points squared.
        predicted_iou_threshold: masks with a predicted IoU up to this are dropped; ``None`` takes,
            here and below, SAM's own value for the official models, and what was found best on
            training scenes for ``"vit_nano"``, whose logits are much smaller.
        stability_threshold: masks with a lower stability are dropped.
        stability_offset: how far the threshold of the logits is shifted up and down for the
            stability.
        box_nms_threshold: of two masks whose boxes have a higher IoU, the one with the lower
            predicted IoU is dropped.
        minimum_area: masks with fewer pixels are dropped.
        points_per_batch: points that go through the decoder together; ``None`` takes 24 on a CPU,
            whose caches they then fit, and 256 elsewhere. Does not change the masks.
        windows_per_batch: windows that go through the encoder together. Does not change the masks.
            Batches that do not fit into memory are halved until they do.
        precision: ``"bf16-mixed"`` and ``"16-mixed"`` compute most of the network in 16 bits, as
            Lightning's Trainer does; masks then differ a little.
        compile_encoder: compile the image encoder. Pays off after many windows only, and every
            other number of windows in a batch is compiled anew.
    """

    def __init__(
        self,
        model: Literal["vit_nano", "vit_b", "vit_l", "vit_h"] = "vit_nano",
        checkpoint: str | None = None,
        points_per_side: int = 12,
        predicted_iou_threshold: float | None = None,
        stability_threshold: float | None = None,
        stability_offset: float | None = None,
        box_nms_threshold: float = 0.7,
        minimum_area: int = 16,
        points_per_batch: int | None = None,
        windows_per_batch: int = 8,
        precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true",
        compile_encoder: bool = False,
    ) -> None:
        check_counts(
            points_per_side=points_per_side,
            minimum_area=minimum_area,
            points_per_batch=points_per_batch,
            windows_per_batch=windows_per_batch,
        )
        self.model = model
        self.checkpoint = checkpoint
        self.points_per_side = points_per_side
        given = (predicted_iou_threshold, stability_threshold, stability_offset)
        thresholds = _NANO_THRESHOLDS if model == "vit_nano" else _OFFICIAL_THRESHOLDS
        (self.predicted_iou_threshold, self.stability_threshold, self.stability_offset) = (
            float(usual if value is None else value)
            for value, usual in zip(given, thresholds, strict=True)
        )
        self.box_nms_threshold = float(box_nms_threshold)
        self.minimum_area = minimum_area
        self.points_per_batch = points_per_batch
        self.windows_per_batch = windows_per_batch
        if precision not in _TYPES:
            raise ValueError(f"precision is {precision!r}: choose one of {sorted(_TYPES)}")
        self.precision = precision
        self.compile_encoder = compile_encoder
        self._device = torch.device("cpu")

    @property
    def weights(self) -> Path:
        """The file that the weights come from; an official one need not be there yet."""
        return SamWeights(self.model, self.checkpoint).path

    @cached_property
    def fingerprint(self) -> str:
        """A hash of :meth:`describe`."""
        return fingerprint_of(self.describe())

    def describe(self) -> Description:
        """Model, hash of its weights, and every parameter that the masks depend on."""
        return {
            "proposer": "segment_anything",
            "model": self.model,
            "weights": self._weights_sha256,
            "points_per_side": self.points_per_side,
            "predicted_iou_threshold": float(self.predicted_iou_threshold),
            "stability_threshold": float(self.stability_threshold),
            "stability_offset": float(self.stability_offset),
            "box_nms_threshold": float(self.box_nms_threshold),
            "minimum_area": self.minimum_area,
            **({} if self.precision == "32-true" else {"precision": self.precision}),
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._device = torch.device(device)
        if "_sam" in self.__dict__:
            self._sam.to(self._device)
        self.__dict__.pop("_together", None)

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Find the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            N sets of masks on the CPU.

        Raises:
            ValueError: the windows are not uint8 RGB.
            FileNotFoundError: there are no weights; the message has the command that gets them.
        """
        return propose_on_grid(self, windows)

    def propose_distinct(self, windows: Tensor) -> list[WindowMasks]:
        """Nearly the masks of :meth:`propose`, sooner.

        Every point is asked, but a mask is drawn only where its sketch repeats no better one: see
        :mod:`goodsam_pl.sam.sketching`.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
        """
        return propose_on_grid(_Sketching(self), windows)

    @torch.no_grad()
    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Enlarge, normalise, pad and encode windows.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
        """
        sam, size = self._sam, (windows.shape[2], windows.shape[3])
        side: int = sam.image_encoder.img_size
        scale = side / max(size)
        height, width = (int(length * scale + 0.5) for length in size)
        windows = resize_as_pillow(windows, height, width)

        def encode(some: Tensor) -> Tensor:
            normalised = (some.to(self._device) - sam.pixel_mean) / sam.pixel_std
            padded = F.pad(normalised, (0, side - width, 0, side - height))
            with self._autocast():
                embeddings: Tensor = self._encoder(padded)
            return embeddings.float()

        batches = ShrinkingBatches("windows", self.windows_per_batch)
        embeddings = torch.cat(batches.apply(encode, windows))
        self.windows_per_batch = batches.size
        return EmbeddedWindows(embeddings, LogitFrame(side, height, width), size)

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
            wanted = decoded.predicted_iou > self.predicted_iou_threshold
            prompts = some[wanted.nonzero()[:, 0]]
            return self._draw(view, decoded, wanted, prompts)

        parts = self._together.apply(answer, torch.arange(len(points), device=points.device))
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
            logits = sketch_masks(self._sam, decoded).float()
            stability = sketched_stability(logits.flatten(0, 1), self.stability_offset)
            wanted = decoded.predicted_iou > self.predicted_iou_threshold
            wanted &= stability.view_as(wanted) >= self.stability_threshold - _SKETCHY_STABILITY
            rows, masks = wanted.nonzero(as_tuple=True)
            boxes = outline_boxes(logits[rows, masks])
            if keeps:
                kept.append(decoded)
            return _Sketches(some[rows], masks, decoded.predicted_iou[rows, masks], boxes)

        everything = torch.arange(len(points), device=points.device)
        parts = self._together.apply(sketch, everything)
        sketches = _Sketches(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

        everywhere = DecodedPoints(*map(torch.cat, zip(*kept, strict=True))) if keeps else None

        def draw(chosen: Tensor) -> Answers:
            order = sketches.points[chosen].argsort(stable=True)
            batches = self._together.apply(draw_some, chosen[order])
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

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        return drop_repeats(view, answers, self.box_nms_threshold)

    @cached_property
    def _weights_sha256(self) -> str:
        return SamWeights(self.model, self.checkpoint).sha256()

    @cached_property
    def _sam(self) -> Sam:
        return SamWeights(self.model, self.checkpoint).load().to(self._device)

    @cached_property
    def _encoder(self) -> Any:
        encoder = self._sam.image_encoder
        return torch.compile(encoder) if self.compile_encoder else encoder

    def _autocast(self) -> torch.autocast:
        kind = _TYPES[self.precision]
        return torch.autocast(self._device.type, kind, enabled=kind != torch.float32)

    def _decode(self, view: EmbeddedWindows, index: int, points: Tensor) -> DecodedPoints:
        scale = points.new_tensor(
            [view.frame.width / view.size[1], view.frame.height / view.size[0]]
        )
        with self._autocast():
            decoded = decode_points(
                self._sam, view.embeddings[index : index + 1], (points * scale)[None]
            )
        return decoded._replace(predicted_iou=decoded.predicted_iou.float())

    def _draw(
        self, view: EmbeddedWindows, decoded: DecodedPoints, wanted: Tensor, prompts: Tensor
    ) -> Answers:
        with self._autocast():
            logits = draw_masks(self._sam, decoded, wanted)
        least = Thresholds(
            self.predicted_iou_threshold,
            self.stability_threshold,
            self.stability_offset,
            self.minimum_area,
        )
        scores = decoded.predicted_iou[wanted]
        return pass_thresholds(view, prompts, logits.float(), scores, least)

    def _no_answers(self, view: EmbeddedWindows) -> Answers:
        return no_answers(view, (4 * view.embeddings.shape[-2], 4 * view.embeddings.shape[-1]))

    @cached_property
    def _together(self) -> ShrinkingBatches:
        """Points that go through the decoder together."""
        usual = 24 if self._device.type == "cpu" else 256
        fitting = max(1, _MOST_MEMORY // _bytes_per_point(self._sam))
        return ShrinkingBatches("points", min(self.points_per_batch or usual, fitting))


class _Sketches(NamedTuple):
    """Candidates of one window: point and mask ``(K,)`` int64, score ``(K,)``, box ``(K, 4)``."""

    points: Tensor
    masks: Tensor
    predicted_iou: Tensor
    boxes: Tensor


class _Sketching:
    """The same model, asked for distinct masks."""

    def __init__(self, model: SegmentAnything) -> None:
        self.points_per_side = model.points_per_side
        self.windows_per_batch = model.windows_per_batch
        self.embed = model.embed
        self.ask = model.ask_distinct
        self.keep_best = model.keep_best


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
