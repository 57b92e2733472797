"""A SAM with an adapter a domain as proposer of masks in windows of panoramas."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import WindowMasks
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.modules.continual.routed_file import load_routed
from goodsam_pl.modules.continual.routed_sam import RoutedSam
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts
from goodsam_pl.sam.point_prompts import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    join_answers,
    no_answers,
    pass_thresholds,
    propose_on_grid,
)

__all__ = ["RoutedSegmentAnything"]


class RoutedSegmentAnything:
    """SAM with the adapters of a sequence: each window is routed, then asked at a grid of points.

    A window whose domain the selector is not sure of has plain SAM's masks, those of
    :class:`goodsam_pl.sam.SegmentAnything`, to the bit. Elsewhere a point has one mask, that of the
    domain's adapter. SAM's predicted IoU is of another mask, so both scores of it are its stability
    (our choice). Adapters and weights are read when the first window comes.

    Args:
        adapters: ``adapters.safetensors`` of a run, see
            :func:`goodsam_pl.modules.continual.save_routed`.
        model: name of the SAM that they were made for.
        checkpoint: of the SAM; ``None`` takes the usual place.
        points_per_side: as for :class:`~goodsam_pl.sam.SegmentAnything`, as are those below.
        predicted_iou_threshold: of plain SAM's masks.
        stability_threshold: of all masks.
        stability_offset: of all masks.
        box_nms_threshold: of all masks.
        minimum_area: of all masks.
        points_per_batch: points that an adapter is asked together. Does not change the masks, up to
            rounding.
        windows_per_batch: windows that go through the encoder together.
    """

    def __init__(
        self,
        adapters: str,
        model: Literal["vit_nano", "vit_b", "vit_l", "vit_h"] = "vit_nano",
        checkpoint: str | None = None,
        points_per_side: int = 12,
        predicted_iou_threshold: float | None = None,
        stability_threshold: float | None = None,
        stability_offset: float | None = None,
        box_nms_threshold: float = 0.7,
        minimum_area: int = 16,
        points_per_batch: int = 16,
        windows_per_batch: int = 8,
    ) -> None:
        self.plain = SegmentAnything(
            model,
            checkpoint,
            points_per_side,
            predicted_iou_threshold,
            stability_threshold,
            stability_offset,
            box_nms_threshold,
            minimum_area,
            points_per_batch,
            windows_per_batch,
        )
        self.adapters = Path(adapters).expanduser()
        self.points_per_side = points_per_side
        self.points_per_batch = points_per_batch
        self.windows_per_batch = windows_per_batch
        self._device = torch.device("cpu")

    def describe(self) -> Description:
        """What plain SAM's masks depend on, and the hash of the file of adapters.

        Raises:
            FileNotFoundError: no such file.
        """
        if not self.adapters.is_file():
            raise FileNotFoundError(f"no adapters at {self.adapters}: train them first")
        return {
            **self.plain.describe(),
            "proposer": "routed_segment_anything",
            "adapters": hashlib.sha256(self.adapters.read_bytes()).hexdigest(),
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._device = torch.device(device)
        self.plain.to(device)
        if "routed" in self.__dict__:
            self.routed.to(self._device)

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Find the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            N sets of masks on the CPU.

        Raises:
            ValueError: the windows are not uint8 RGB, or the adapters are of another SAM.
            FileNotFoundError: there are no weights or no adapters.
        """
        return propose_on_grid(self, windows)

    @torch.no_grad()
    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Encode windows and choose a domain for each.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            Behind the embeddings in ``finer`` are early features, means, squares, and the domains
            ``(N,)`` int64, -1 for plain SAM.
        """
        size = (windows.shape[2], windows.shape[3])
        routed, squares = self.routed, self.plain.squares(windows)
        features = routed.sam.encode(squares)
        route = routed.selector.route(routed.sam, PromptedBatch(squares, (), features=features))
        finer = (features.early, features.means, squares, route.domains)
        return EmbeddedWindows(features.embedding, self.plain.frame(size), size, finer)

    @torch.no_grad()
    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask one window at some points; what passes all thresholds is the answer.

        Args:
            view: embedded windows.
            index: of one of them.
            points: ``(P, 2)``, ``(x, y)`` in pixels of the window.
        """
        early, means, squares, domains = view.finer
        domain = int(domains[index])
        if domain < 0:
            return self.plain.ask(view, index, points)
        adapter, sam = self.routed.pool[domain], self.routed.sam
        here = slice(index, index + 1)
        features = SamFeatures(view.embeddings[here], early[here], means[here])
        if adapter.changes_embedding:
            features = adapter.encode(sam, squares[here])
        scale = points.new_tensor(
            [view.frame.width / view.size[1], view.frame.height / view.size[0]]
        )
        parts = [no_answers(view, (4 * sam.shape.grid, 4 * sam.shape.grid))]
        for some in torch.arange(len(points), device=points.device).split(self.points_per_batch):
            labels = torch.ones(len(some), 1, dtype=torch.int, device=points.device)
            prompts = ImagePrompts(points=(points[some] * scale)[:, None], labels=labels)
            logits = adapter(sam, features.take(torch.zeros_like(some)), prompts)[:, 0].float()
            sure = torch.ones(len(some), device=points.device)
            found = pass_thresholds(view, some, logits, sure, self._least)
            parts.append(found._replace(predicted_iou=found.stability))
        return join_answers(parts)

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        return self.plain.keep_best(view, answers)

    @cached_property
    def routed(self) -> RoutedSam:
        """Adapters and selector, read from their file."""
        sam = FrozenSam.of(self.plain.model, self.plain.checkpoint)
        return load_routed(self.adapters, sam).to(self._device)

    @property
    def _least(self) -> Thresholds:
        plain = self.plain
        return Thresholds(
            0.0, plain.stability_threshold, plain.stability_offset, plain.minimum_area
        )
