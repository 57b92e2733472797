"""Masks from Segment Anything: every window is asked at a grid of points.

The result is that of ``segment_anything.SamAutomaticMaskGenerator`` with the same parameters and
one crop, up to rounding; how it is reached differs: windows are encoded together, the predicted
IoU is looked at before a mask is drawn, and low-resolution logits are kept.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from segment_anything import sam_model_registry
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.networks import load_weights
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, build_small_sam
from goodsam_pl.sam.decoding import decode_points, draw_masks
from goodsam_pl.sam.masks import LogitFrame, WindowMasks
from goodsam_pl.sam.prompting import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    check_counts,
    drop_repeats,
    no_answers,
    pass_thresholds,
    propose_on_grid,
    resize_as_pillow,
)
from goodsam_pl.sam.proposer import Description, fingerprint_of
from goodsam_pl.sam.weights import OFFICIAL, file_sha256, weights_path

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
        self._device = torch.device("cpu")

    @property
    def weights(self) -> Path:
        """The file that the weights come from; an official one need not be there yet."""
        if self.checkpoint is not None:
            return Path(self.checkpoint).expanduser()
        return NANO_WEIGHTS if self.model == "vit_nano" else weights_path(self.model)

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
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._device = torch.device(device)
        if "_sam" in self.__dict__:
            self._sam.to(self._device)

    @torch.no_grad()
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

    @cached_property
    def _sam(self) -> Sam:
        if not self.weights.is_file():
            raise FileNotFoundError(self._missing())
        sam = build_small_sam() if self.model == "vit_nano" else sam_model_registry[self.model]()
        load_weights(sam, str(self.weights))
        return sam.eval().to(self._device)

    @cached_property
    def _weights_sha256(self) -> str:
        if self.checkpoint is None and self.model in OFFICIAL:
            return OFFICIAL[self.model].sha256
        if not self.weights.is_file():
            raise FileNotFoundError(self._missing())
        return file_sha256(self.weights)

    def _missing(self) -> str:
        if self.checkpoint is None and self.model in OFFICIAL:
            return (
                f"no weights of {self.model} at {self.weights}: "
                f"run `goodsam weights {self.model}` once"
            )
        return f"no weights of {self.model} at {self.weights}: give another checkpoint"

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
        parts = []
        for some in windows.split(self.windows_per_batch):
            normalised = (some.to(self._device) - sam.pixel_mean) / sam.pixel_std
            padded = F.pad(normalised, (0, side - width, 0, side - height))
            parts.append(sam.image_encoder(padded))
        embeddings = torch.cat(parts)
        return EmbeddedWindows(embeddings, LogitFrame(side, height, width), size)

    @torch.no_grad()
    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask one window at some points; what passes all thresholds is the answer.

        Args:
            view: embedded windows.
            index: of one of them.
            points: ``(P, 2)``, ``(x, y)`` in pixels of the window.
        """
        scale = points.new_tensor(
            [view.frame.width / view.size[1], view.frame.height / view.size[0]]
        )
        embedding = view.embeddings[index : index + 1]
        side = 4 * view.embeddings.shape[-1]
        parts, first = [no_answers(view, (side, side))], 0
        least = Thresholds(
            self.predicted_iou_threshold,
            self.stability_threshold,
            self.stability_offset,
            self.minimum_area,
        )
        for some in points.split(self._points_together):
            decoded = decode_points(self._sam, embedding, (some * scale)[None])
            kept = decoded.predicted_iou > self.predicted_iou_threshold
            logits = draw_masks(self._sam, decoded, kept)
            prompts = first + kept.nonzero()[:, 0]
            predicted_iou = decoded.predicted_iou[kept]
            parts.append(pass_thresholds(view, prompts, logits, predicted_iou, least))
            first += len(some)
        return Answers(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        return drop_repeats(view, answers, self.box_nms_threshold)

    @property
    def _points_together(self) -> int:
        return self.points_per_batch or (24 if self._device.type == "cpu" else 256)
