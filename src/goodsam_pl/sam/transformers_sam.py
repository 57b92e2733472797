"""Masks from the SAM family of Hugging Face ``transformers``: SAM, SAM-HQ, SAM 2 and 3, EdgeTAM.

What they have in common with :class:`goodsam_pl.sam.SegmentAnything` is in ``point_prompts``; their
networks are run as ``transformers`` runs them.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks
from goodsam_pl.sam.box_prompts import scale_boxes
from goodsam_pl.sam.image_statistics import usual_statistics
from goodsam_pl.sam.mask_prompts import MaskPrompts, scale_points
from goodsam_pl.sam.point_prompts import (
    Answers,
    EmbeddedWindows,
    Thresholds,
    check_counts,
    drop_repeats,
    join_answers,
    no_answers,
    pass_thresholds,
    propose_on_grid,
)
from goodsam_pl.sam.precision import Precision, autocast, check_precision
from goodsam_pl.sam.sam_families import SAM_FAMILIES, SamFamily
from goodsam_pl.sam.transformers_model import TransformersModel

__all__ = ["TransformersSAM"]

_LOGITS_PER_TOKEN = 4


class TransformersSAM:
    """A model of the SAM family, from a folder or the hub, that finds everything in a window.

    Needs the package ``transformers``. Which family it is, is found in the
    checkpoint's ``config.json``: ``sam`` (also with a small ViT as encoder), ``sam_hq``, ``sam2``,
    ``sam3_tracker`` (SAM 3 asked at points instead of by words) or ``edgetam``; of a checkpoint for
    videos the image part is taken. Mean and deviation of images are the checkpoint's. Weights are
    read when the first window comes; only ``.safetensors`` are.

    Args:
        model: a folder that ``save_pretrained`` wrote, or the name of a model on the hub, such as
            ``"facebook/sam-vit-base"``, ``"facebook/sam2.1-hiera-tiny"`` or ``"facebook/sam3"``.
        revision: branch, tag or commit on the hub; ``None`` takes its main branch.
        local_files_only: take what was downloaded before, and do not ask the hub.
        points_per_side: a window is asked at a grid of this many points squared.
        predicted_iou_threshold: masks with a predicted IoU up to this are dropped; ``None`` takes
            that of the family's own mask generator, 0.88 for SAM and SAM-HQ, 0.8 for all others.
        stability_threshold: masks with a lower stability are dropped.
        stability_offset: how far the threshold of the logits is shifted up and down for the
            stability.
        box_nms_threshold: of two masks whose boxes have a higher IoU, the one with the lower
            predicted IoU is dropped.
        minimum_area: masks with fewer pixels are dropped.
        points_per_batch: points that go through the decoder together; ``None`` takes 16 on a CPU
            and 128 elsewhere. Does not change the masks.
        windows_per_batch: windows that go through the encoder together. Does not change the masks.
        precision: ``"bf16-mixed"`` and ``"16-mixed"`` compute most of the network in 16 bits, as
            Lightning's Trainer does, which pays on a GPU; masks then differ a little.
    """

    def __init__(
        self,
        model: str = "facebook/sam-vit-base",
        revision: str | None = None,
        local_files_only: bool = False,
        points_per_side: int = 32,
        predicted_iou_threshold: float | None = None,
        stability_threshold: float = 0.95,
        stability_offset: float = 1.0,
        box_nms_threshold: float = 0.7,
        minimum_area: int = 16,
        points_per_batch: int | None = None,
        windows_per_batch: int = 4,
        precision: Precision = "32-true",
    ) -> None:
        check_counts(
            points_per_side=points_per_side,
            minimum_area=minimum_area,
            points_per_batch=points_per_batch,
            windows_per_batch=windows_per_batch,
        )
        self.model = model
        self.points_per_side = points_per_side
        self.predicted_iou_threshold = predicted_iou_threshold
        self.stability_threshold = float(stability_threshold)
        self.stability_offset = float(stability_offset)
        self.box_nms_threshold = float(box_nms_threshold)
        self.minimum_area = minimum_area
        self.points_per_batch = points_per_batch
        self.windows_per_batch = windows_per_batch
        check_precision(precision)
        self.precision = precision
        classes = {name: family.model_class for name, family in SAM_FAMILIES.items()}
        self._model = TransformersModel(model, classes, revision, local_files_only)

    def describe(self) -> Description:
        """Family, hash of configuration and weights, and every parameter of the masks.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint.
            ValueError: it is of a model that is no SAM.
        """
        least = self._thresholds
        return {
            "proposer": "transformers",
            "model": self._model.checkpoint.family,
            "weights": self._model.weights_sha256,
            "points_per_side": self.points_per_side,
            "predicted_iou_threshold": least.predicted_iou,
            "stability_threshold": least.stability,
            "stability_offset": least.stability_offset,
            "box_nms_threshold": self.box_nms_threshold,
            "minimum_area": least.minimum_area,
            **({} if self.precision == "32-true" else {"precision": self.precision}),
            **self._described_statistics,
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._model.to(device)

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Find the masks of each window.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.

        Returns:
            N sets of masks on the CPU.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint.
            ValueError: the windows are not uint8 RGB, or the checkpoint is damaged.
        """
        return propose_on_grid(self, windows)

    @torch.no_grad()
    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Enlarge, normalise and encode windows.

        SAM and SAM-HQ keep their proportions and pad them, all others make them square.

        Args:
            windows: ``(N, 3, h, w)`` uint8, RGB.
        """
        size, side = (windows.shape[2], windows.shape[3]), self._side
        height, width = self._enlarged(size)
        parts = []
        for some in windows.split(self.windows_per_batch):
            normalised = self._model.normalised(some, (height, width))
            padded = F.pad(normalised, (0, side - width, 0, side - height))
            parts.append(self._encode(padded))
        embeddings, *finer = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
        frame = LogitFrame(side, height, width)
        if self._family.is_square:  # whose logits are laid over the window in one step
            frame = LogitFrame(*[_LOGITS_PER_TOKEN * embeddings.shape[2]] * 3)
        return EmbeddedWindows(embeddings, frame, size, tuple(finer))

    def embedding_channels(self) -> int:
        """C of the embeddings, as the checkpoint's ``config.json`` has it.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint.
            ValueError: it is of a model that is no SAM.
        """
        return self._model.checkpoint.embedding_channels()

    def input_side(self) -> int:
        """Side of the squares that the encoder takes, pixels; reads the weights."""
        return self._side

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Embed squares; of SAM 2 it is the coarsest of its maps.

        Args:
            images: ``(N, 3, s, s)`` float, ImageNet-normalised, of the encoder's side.

        Returns:
            ``(N, C, h, w)`` float32.
        """
        batches = images.to(self._model.device).split(self.windows_per_batch)
        return torch.cat([self._encode(some)[0].float() for some in batches])

    @torch.no_grad()
    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask one window at some points; what passes all thresholds is the answer.

        Args:
            view: embedded windows.
            index: of one of them.
            points: ``(P, 2)``, ``(x, y)`` in pixels of the window.
        """
        height, width = self._enlarged(view.size)
        scale = points.new_tensor([width / view.size[1], height / view.size[0]])
        side = _LOGITS_PER_TOKEN * view.embeddings.shape[2]
        parts, first = [no_answers(view, (side, side))], 0
        for some in points.split(self._points_together):
            predicted_iou, logits = self._decode(
                view, index, True, input_points=(some * scale)[None, :, None]
            )
            prompts = torch.arange(first, first + len(some), device=logits.device)
            parts.append(
                pass_thresholds(
                    view,
                    prompts.repeat_interleave(logits.shape[1]),
                    logits.flatten(0, 1),
                    predicted_iou.flatten(),
                    self._thresholds,
                )
            )
            first += len(some)
        return join_answers(parts)

    @torch.no_grad()
    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One mask a box: logits ``(M, h', w')`` and predicted IoU ``(M,)``.

        Args:
            view: embedded windows.
            index: of one of them.
            boxes: ``(M, 4)``, left, top, right, bottom in pixels of the window.
        """
        height, width = self._enlarged(view.size)
        scaled = scale_boxes(boxes, view.size, (height, width))
        predicted_iou, logits = self._decode(view, index, False, input_boxes=scaled[None])
        return logits[:, 0], predicted_iou[:, 0]

    @torch.no_grad()
    def decode_mask_prompts(
        self, view: EmbeddedWindows, index: int, prompts: MaskPrompts
    ) -> tuple[Tensor, Tensor]:
        """Three masks a prompt: logits ``(M, 3, h', w')`` and predicted IoU ``(M, 3)``.

        One after the other: ``transformers`` adds one mask to the image, for all prompts together.

        Args:
            view: embedded windows.
            index: of one of them.
            prompts: M of them.
        """
        enlarged = self._enlarged(view.size)
        points = scale_points(prompts.points, view.size, enlarged)
        boxes = scale_boxes(prompts.boxes, view.size, enlarged)
        answers = [
            self._decode(
                view,
                index,
                True,
                input_points=points[None, some],
                input_labels=prompts.labels[None, some],
                input_boxes=boxes[None, some],
                input_masks=prompts.masks[some, None],
            )
            for some in (slice(number, number + 1) for number in range(len(points)))
        ]
        predicted_iou, logits = (torch.cat(parts) for parts in zip(*answers, strict=True))
        return logits, predicted_iou

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Of masks whose boxes repeat each other, keep the one with the best score."""
        return drop_repeats(view, answers, self.box_nms_threshold)

    @property
    def _described_statistics(self) -> Description:
        """Only others than the family's own, so that fingerprints of stored masks stay."""
        usual = usual_statistics(self._model.checkpoint.family)
        return (
            {}
            if self._model.statistics == usual
            else {"image_statistics": self._model.statistics.told()}
        )

    @property
    def _thresholds(self) -> Thresholds:
        usual, chosen = self._family.predicted_iou, self.predicted_iou_threshold
        return Thresholds(
            float(usual if chosen is None else chosen),
            self.stability_threshold,
            self.stability_offset,
            self.minimum_area,
        )

    @property
    def _family(self) -> SamFamily:
        return SAM_FAMILIES[self._model.checkpoint.family]

    @property
    def _side(self) -> int:
        """Side of the square that the encoder takes, pixels."""
        side: int = self._model.network.config.prompt_encoder_config.image_size
        return side

    @property
    def _points_together(self) -> int:
        return self.points_per_batch or (16 if self._model.device.type == "cpu" else 128)

    def _enlarged(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of a window in that square."""
        side = self._side
        if self._family.is_square:
            return side, side
        height, width = (int(length * side / max(size) + 0.5) for length in size)
        return height, width

    def _encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """The embeddings ``(N, C, h', w')`` first, then what the decoder needs beside them."""
        with autocast(self.precision, self._model.device):
            found = self._model.network.get_image_embeddings(images)
        if self._family.is_square:
            return (found[-1], *found[:-1])
        if self._model.checkpoint.family == "sam_hq":
            embeddings, early = found
            return embeddings, early[0]  # the decoder reads only the first global block's
        return (found,)

    def _decode(
        self, view: EmbeddedWindows, index: int, multimask_output: bool, **prompts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predicted IoU ``(P, m)`` and logits ``(P, m, h', w')`` of prompts in the square."""
        embeddings, *finer = (part[index : index + 1] for part in (view.embeddings, *view.finer))
        given: dict[str, Any] = {"image_embeddings": embeddings}
        if self._family.is_square:
            given = {"image_embeddings": [*finer, embeddings]}
        elif finer:
            given["intermediate_embeddings"] = finer
        with autocast(self.precision, self._model.device):
            answer = self._model.network(multimask_output=multimask_output, **prompts, **given)
        return answer.iou_scores[0].float(), answer.pred_masks[0].float()
