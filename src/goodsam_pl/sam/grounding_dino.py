"""Boxes from words: Grounding DINO of Hugging Face ``transformers``.

Liu et al., "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object
Detection", ECCV 2024. How a box gets its name is the rule of Sun et al. (arXiv 2305.01586).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam.captions import Caption, split_into_captions
from goodsam_pl.sam.point_prompts import check_counts
from goodsam_pl.sam.precision import Precision, autocast, check_precision
from goodsam_pl.sam.transformers_model import TransformersModel

__all__ = ["Detections", "GroundingDino", "detector_size"]

_FAMILIES = {"grounding-dino": "GroundingDinoForObjectDetection"}


class Detections(NamedTuple):
    """Boxes of one window, in the order of the detector's queries.

    Attributes:
        boxes: ``(M, 4)`` float32, left, top, right, bottom, pixels of the window; they may reach
            a little over its border.
        scores: ``(M,)`` float32 in [0, 1].
        phrases: ``(M,)`` int64, place of each box's phrase among those that were asked for.
    """

    boxes: Tensor
    scores: Tensor
    phrases: Tensor


class GroundingDino:
    """A detector that is told what to look for.

    All phrases go into one caption, parted by full stops. Of each query the best token counts: its
    probability is the score, and the phrase that it stands in is the name. A query whose best
    token stands in no phrase is dropped. Phrases that do not fit into one caption are asked for in
    several, each with its own pass; boxes of the first come first (our choice: the release has
    all in one, and what is too long is cut off without a word).

    Args:
        model: a folder that ``save_pretrained`` of model and processor wrote, or a name on the hub;
            the default is the Swin-T that the paper uses.
        revision: branch, tag or commit on the hub.
        local_files_only: take what was downloaded before, and do not ask the hub.
        box_threshold: queries with a score up to this are dropped; 0.3 in the paper's release.
        shorter_side: windows are resized to this, pixels,
        longer_side: unless the longer side would become longer than this.
        windows_per_batch: windows that go through the network together. Does not change the boxes.
        precision: ``"bf16-mixed"`` and ``"16-mixed"`` compute most of the network in 16 bits.
    """

    def __init__(
        self,
        model: str = "IDEA-Research/grounding-dino-tiny",
        revision: str | None = None,
        local_files_only: bool = False,
        box_threshold: float = 0.3,
        shorter_side: int = 800,
        longer_side: int = 1333,
        windows_per_batch: int = 1,
        precision: Precision = "32-true",
    ) -> None:
        check_counts(
            shorter_side=shorter_side, longer_side=longer_side, windows_per_batch=windows_per_batch
        )
        check_precision(precision)
        self.model = model
        self.box_threshold = float(box_threshold)
        self.shorter_side = shorter_side
        self.longer_side = longer_side
        self.windows_per_batch = windows_per_batch
        self.precision = precision
        self._model = TransformersModel(model, _FAMILIES, revision, local_files_only)

    def describe(self) -> Description:
        """All that the boxes depend on, beside the phrases."""
        return {
            "detector": self._model.checkpoint.family,
            "detector_weights": self._model.weights_sha256,
            "detector_words": self._model.checkpoint.text_sha256(),
            "detector_statistics": self._model.statistics.told(),
            "box_threshold": self.box_threshold,
            "shorter_side": self.shorter_side,
            "longer_side": self.longer_side,
            **({} if self.precision == "32-true" else {"detector_precision": self.precision}),
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._model.to(device)

    @torch.no_grad()
    def detect(self, windows: Tensor, phrases: tuple[str, ...]) -> list[Detections]:
        """Find boxes of phrases in windows.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
            phrases: what to look for, lower case.

        Returns:
            On the CPU.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint, or it has no tokenizer.
            ValueError: a phrase has a full stop or is too long, or the checkpoint is damaged.
        """
        captions = split_into_captions(
            self._model.tokenizer, phrases, self._model.network.config.max_text_len
        )
        found: list[Detections] = []
        for some in windows.split(self.windows_per_batch):
            images = self._normalised(some)
            parts = [self._ask(images, caption, some.shape[2:]) for caption in captions]
            found += [
                Detections(*(torch.cat(pieces) for pieces in zip(*of_window, strict=True)))
                for of_window in zip(*parts, strict=True)
            ]
        return found

    def _normalised(self, windows: Tensor) -> Tensor:
        size = detector_size(
            (windows.shape[2], windows.shape[3]), self.shorter_side, self.longer_side
        )
        return self._model.normalised(windows, size)

    def _ask(self, images: Tensor, caption: Caption, size: torch.Size) -> list[Detections]:
        """Boxes of one caption in images ``(B, 3, H, W)``, in pixels of windows ``(h, w)``."""
        tokens = caption.tokens.to(self._model.device).expand(len(images), -1)
        with autocast(self.precision, self._model.device):
            answer = self._model.network(
                pixel_values=images, input_ids=tokens, attention_mask=torch.ones_like(tokens)
            )
        scores, best = answer.logits.float().sigmoid().max(dim=2)
        phrases = caption.phrases.to(self._model.device)[best]
        middle, extent = answer.pred_boxes.float().split(2, dim=2)
        corners = torch.cat([middle - extent / 2, middle + extent / 2], dim=2)
        boxes = corners * corners.new_tensor([size[1], size[0]] * 2)
        kept = (scores > self.box_threshold) & (phrases >= 0)
        return [
            Detections(*(part[index][kept[index]].cpu() for part in (boxes, scores, phrases)))
            for index in range(len(images))
        ]


def detector_size(size: tuple[int, int], shorter: int, longer: int) -> tuple[int, int]:
    """Height and width to which a window is resized, as DETR and its heirs do it.

    Args:
        size: ``(h, w)`` of the window.
        shorter: wanted length of the shorter side, pixels.
        longer: most that the longer side may have, pixels.
    """
    least, most = min(size), max(size)
    exact: float = shorter
    if most / least * shorter > longer:
        exact = longer * least / most
    height, width = (round(exact) if side == least else int(exact * side / least) for side in size)
    return max(1, height), max(1, width)
