"""Masks from Segment Anything: every window is asked at a grid of points.

The result is that of ``segment_anything.SamAutomaticMaskGenerator`` with the same parameters and
one crop, up to rounding; how it is reached differs: windows are encoded together, the predicted
IoU is looked at before a mask is drawn, and low-resolution logits are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks
from goodsam_pl.networks.small_sam_encoder import split_embedding
from goodsam_pl.sam.box_prompts import decode_boxes
from goodsam_pl.sam.image_encoder import encode_images
from goodsam_pl.sam.mask_prompts import MaskPrompts, decode_mask_prompts
from goodsam_pl.sam.point_decoder import PointDecoder
from goodsam_pl.sam.point_prompts import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    check_counts,
    drop_repeats,
    propose_on_grid,
    resize_as_pillow,
)
from goodsam_pl.sam.precision import Precision, autocast, check_precision
from goodsam_pl.sam.sam_checkpoint import SamCheckpoint
from goodsam_pl.sam.shrinking_batches import ShrinkingBatches

__all__ = ["SegmentAnything"]

# predicted IoU, stability and its offset
_OFFICIAL_THRESHOLDS = (0.88, 0.95, 1.0)
_NANO_THRESHOLDS = (0.35, 0.5, 0.3)


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
        precision: Precision = "32-true",
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
        check_precision(precision)
        self.precision = precision
        self.compile_encoder = compile_encoder
        self._device = torch.device("cpu")

    @property
    def weights(self) -> Path:
        """The file that the weights come from; an official one need not be there yet."""
        return SamCheckpoint(self.model, self.checkpoint).path

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
        self.__dict__.pop("_decoder", None)

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
        :mod:`goodsam_pl.sam.suppression`.

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
        size = (windows.shape[2], windows.shape[3])
        return EmbeddedWindows(self._encode(windows, self.squares), self.frame(size), size)

    def frame(self, size: tuple[int, int]) -> LogitFrame:
        """How windows ``(h, w)`` lie in the square that the encoder takes; reads the weights."""
        side = self.input_side()
        height, width = (int(length * side / max(size) + 0.5) for length in size)
        return LogitFrame(side, height, width)

    def squares(self, windows: Tensor) -> Tensor:
        """Windows as the encoder takes them, where it is: ``(N, 3, s, s)`` float.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
        """
        sam, frame = self._sam, self.frame((windows.shape[2], windows.shape[3]))
        resized = resize_as_pillow(windows, frame.height, frame.width).to(self._device)
        normalised = (resized - sam.pixel_mean) / sam.pixel_std
        beside, below = frame.image_size - frame.width, frame.image_size - frame.height
        return F.pad(normalised, (0, beside, 0, below))

    def embedding_channels(self) -> int:
        """C of SAM's own embedding, 256; ``vit_nano`` has 64."""
        return SamCheckpoint(self.model, self.checkpoint).embedding_channels

    def input_side(self) -> int:
        """Side of the squares that the encoder takes, pixels; reads the weights."""
        side: int = self._sam.image_encoder.img_size
        return side

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Embed squares. Of ``vit_nano`` it is SAM's part alone, without the details behind it.

        Args:
            images: ``(N, 3, s, s)`` float, ImageNet-normalised, of the encoder's side.

        Returns:
            ``(N, C, h, w)`` float32.
        """
        packed = self._encode(images, lambda some: some.to(self._device))
        return split_embedding(packed, self.embedding_channels())[0]

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask one window at some points, see :meth:`PointDecoder.ask`."""
        return self._decoder.ask(view, index, points)

    def ask_distinct(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """As :meth:`ask`, but hardly a mask is drawn that repeats a better one."""
        return self._decoder.ask_distinct(view, index, points)

    @torch.no_grad()
    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One mask a box, see :func:`goodsam_pl.sam.box_prompts.decode_boxes`."""
        with self._autocast():
            return decode_boxes(self._sam, view, index, boxes)

    @torch.no_grad()
    def decode_mask_prompts(
        self, view: EmbeddedWindows, index: int, prompts: MaskPrompts
    ) -> tuple[Tensor, Tensor]:
        """Three masks a prompt, see :func:`goodsam_pl.sam.mask_prompts.decode_mask_prompts`."""
        with self._autocast():
            return decode_mask_prompts(self._sam, view, index, prompts)

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        return drop_repeats(view, answers, self.box_nms_threshold)

    @cached_property
    def _weights_sha256(self) -> str:
        return SamCheckpoint(self.model, self.checkpoint).sha256()

    @cached_property
    def _sam(self) -> Sam:
        return SamCheckpoint(self.model, self.checkpoint).load().to(self._device)

    @cached_property
    def _encoder(self) -> Any:
        encoder = self._sam.image_encoder
        return torch.compile(encoder) if self.compile_encoder else partial(encode_images, encoder)

    @cached_property
    def _decoder(self) -> PointDecoder:
        least = Thresholds(
            self.predicted_iou_threshold,
            self.stability_threshold,
            self.stability_offset,
            self.minimum_area,
        )
        return PointDecoder(
            self._sam, least, self.box_nms_threshold, self.points_per_batch, self._autocast
        )

    def _encode(self, windows: Tensor, prepare: Callable[[Tensor], Tensor]) -> Tensor:
        """What the encoder says of windows that are made ready batch by batch, float32."""

        def encode(some: Tensor) -> Tensor:
            squares = prepare(some)
            with self._autocast():
                embeddings: Tensor = self._encoder(squares)
            return embeddings.float()

        batches = ShrinkingBatches("windows", self.windows_per_batch)
        embeddings = torch.cat(batches.apply(encode, windows))
        self.windows_per_batch = batches.size
        return embeddings

    def _autocast(self) -> torch.autocast:
        return autocast(self.precision, self._device)


class _Sketching:
    """The same model, asked for distinct masks."""

    def __init__(self, model: SegmentAnything) -> None:
        self.points_per_side = model.points_per_side
        self.windows_per_batch = model.windows_per_batch
        self.embed = model.embed
        self.ask = model.ask_distinct
        self.keep_best = model.keep_best
