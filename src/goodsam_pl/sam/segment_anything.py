"""Masks from Segment Anything: every window is asked at a grid of points.

The result is that of ``segment_anything.SamAutomaticMaskGenerator`` with the same parameters and
one crop, up to rounding; how it is reached differs: windows are encoded together, the predicted
IoU is looked at before a mask is drawn, and low-resolution logits are kept.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from segment_anything import sam_model_registry
from segment_anything.modeling import Sam
from torch import Tensor
from torchvision.ops import nms

from goodsam_pl.networks import load_weights
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, build_small_sam
from goodsam_pl.sam.decoding import decode_points, draw_masks
from goodsam_pl.sam.masks import LogitFrame, WindowMasks, mask_boxes
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
        for name, number in (
            ("points_per_side", points_per_side),
            ("minimum_area", minimum_area),
            ("points_per_batch", 1 if points_per_batch is None else points_per_batch),
            ("windows_per_batch", windows_per_batch),
        ):
            if number < 1:
                raise ValueError(f"{name} is {number}: choose 1 or more")
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
        if windows.dtype != torch.uint8 or windows.ndim != 4 or windows.shape[1] != 3:
            raise ValueError(
                f"windows are {windows.dtype} {tuple(windows.shape)}: give uint8 (N, 3, h, w)"
            )
        found: list[WindowMasks] = []
        for some in windows.split(self.windows_per_batch):
            view = self.embed(some)
            points = self.grid(view)
            found += [
                self.keep_best(view, self.ask(view, index, points)) for index in range(len(some))
            ]
        return found

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
        if (height, width) != size:
            windows = torch.stack([_resize(window, height, width) for window in windows])
        parts = []
        for some in windows.split(self.windows_per_batch):
            normalised = (some.to(self._device) - sam.pixel_mean) / sam.pixel_std
            padded = F.pad(normalised, (0, side - width, 0, side - height))
            parts.append(sam.image_encoder(padded))
        embeddings = torch.cat(parts)
        return EmbeddedWindows(embeddings, LogitFrame(side, height, width), size)

    def grid(self, view: EmbeddedWindows) -> Tensor:
        """Where a window is asked: ``(P, 2)``, ``(x, y)`` in its pixels, row by row."""
        count = self.points_per_side
        places = (torch.arange(count, device=self._device) + 0.5) / count
        y, x = torch.meshgrid(places * view.size[0], places * view.size[1], indexing="ij")
        return torch.stack([x, y], dim=-1).reshape(-1, 2)

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
        parts, first = [self._nothing(view)], 0
        for some in points.split(self._points_together):
            decoded = decode_points(self._sam, embedding, (some * scale)[None])
            kept = decoded.predicted_iou > self.predicted_iou_threshold
            logits = draw_masks(self._sam, decoded, kept)
            prompts = first + kept.nonzero()[:, 0]
            parts.append(self._stable(view, prompts, logits, decoded.predicted_iou[kept]))
            first += len(some)
        return Answers(*(torch.cat(pieces) for pieces in zip(*parts, strict=True)))

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        boxes = mask_boxes(answers.binary).float()
        kept = nms(boxes, answers.predicted_iou, self.box_nms_threshold)
        _, *values = (part[kept] for part in answers)
        logits, binary, predicted_iou, stability = values
        return WindowMasks.pack(binary, predicted_iou, stability, logits, view.frame)

    @property
    def _points_together(self) -> int:
        return self.points_per_batch or (24 if self._device.type == "cpu" else 256)

    def _stable(
        self, view: EmbeddedWindows, prompts: Tensor, logits: Tensor, predicted_iou: Tensor
    ) -> Answers:
        """Drop unstable and small masks."""
        threshold, offset = self._sam.mask_threshold, self.stability_offset
        placed = view.frame.place(logits, view.size)
        stability = _area(placed, threshold + offset) / _area(placed, threshold - offset)
        kept = stability >= self.stability_threshold
        kept &= _area(placed, threshold) >= self.minimum_area
        binary = placed > threshold
        answers = Answers(prompts, logits, binary, predicted_iou, stability)
        return Answers(*(part[kept] for part in answers))

    def _nothing(self, view: EmbeddedWindows) -> Answers:
        side = 4 * view.embeddings.shape[-1]
        empty = torch.empty(0, device=self._device)
        return Answers(
            empty.long(),
            empty.reshape(0, side, side),
            empty.reshape(0, *view.size).bool(),
            empty,
            empty,
        )


class EmbeddedWindows(NamedTuple):
    """Windows as the mask decoder sees them.

    Attributes:
        embeddings: ``(N, C, h', w')`` float.
        frame: how logits lie on them.
        size: ``(h, w)`` of a window, pixels.
    """

    embeddings: Tensor
    frame: LogitFrame
    size: tuple[int, int]


class Answers(NamedTuple):
    """Masks of one window that passed every threshold; some repeat each other.

    Attributes:
        prompts: ``(K,)`` int64, which point each mask answers.
        logits: ``(K, h', w')`` float.
        binary: ``(K, h, w)`` bool.
        predicted_iou: ``(K,)`` float.
        stability: ``(K,)`` float.
    """

    prompts: Tensor
    logits: Tensor
    binary: Tensor
    predicted_iou: Tensor
    stability: Tensor


def _area(logits: Tensor, threshold: float) -> Tensor:
    """Pixels ``(K,)`` float of masks ``(K, h, w)``; as floats they are counted much faster."""
    return torch.gt(logits, threshold, out=torch.empty_like(logits)).flatten(1).sum(dim=1)


def _resize(window: Tensor, height: int, width: int) -> Tensor:
    """As ``segment_anything`` does it: Pillow's bilinear filter on 8 bits."""
    picture = Image.fromarray(window.permute(1, 2, 0).cpu().numpy())
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)
