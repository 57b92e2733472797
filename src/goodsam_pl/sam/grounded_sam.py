"""Class names to masks in two steps: a detector finds boxes, SAM draws what is in them.

Sun et al., "An Alternative to WSSS? An Empirical Study of the Segment Anything Model (SAM) on
Weakly-Supervised Semantic Segmentation Problems", arXiv 2305.01586.
"""

from __future__ import annotations

import torch

from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.proposer import Description, MaskProposer
from goodsam_pl.sam.box_prompts import BoxedModel, describe_boxed, masks_in_boxes
from goodsam_pl.sam.grounding_dino import GroundingDino
from goodsam_pl.sam.phrases import Phrases

__all__ = ["GroundedSAM"]


class GroundedSAM:
    """Grounding DINO and a SAM, as the paper's release joins them.

    One mask a box, in the order of the detector's queries: boxes that repeat each other are left
    alone, masks and boxes are chosen by no other score than the detector's. Masks without a pixel
    are dropped.

    Args:
        detector: finds boxes.
        segmenter: draws one mask a box: :class:`SegmentAnything` or :class:`TransformersSAM`, whose
            points and thresholds then do not matter. The paper uses ``vit_h``.

    Raises:
        ValueError: the segmenter cannot be asked with boxes.
    """

    def __init__(self, detector: GroundingDino, segmenter: MaskProposer) -> None:
        if not isinstance(segmenter, BoxedModel):
            raise ValueError(  # noqa: TRY004  # of the configuration
                f"{type(segmenter).__name__} answers no boxes: choose SegmentAnything or "
                "TransformersSAM as segmenter"
            )
        self.detector = detector
        self.segmenter: BoxedModel = segmenter

    def describe(self) -> Description:
        """Detector, its thresholds, and the SAM."""
        return {
            "proposer": "grounded_sam",
            **self.detector.describe(),
            **describe_boxed(self.segmenter),
        }

    def to(self, device: torch.device | str) -> None:
        """Move both to a device."""
        self.detector.to(device)
        self.segmenter.to(device)

    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """Find the masks of each window.

        Args:
            windows: N windows of one image.
            concepts: what to look for.

        Returns:
            N sets of masks; one without any where the detector finds nothing.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: weights are missing.
            ValueError: phrases cannot be asked for, or a checkpoint is damaged.
        """
        phrases = Phrases.of(concepts)
        classes = torch.tensor(phrases.classes)
        detections = self.detector.detect(windows.pixels, phrases.words)
        answers = masks_in_boxes(
            self.segmenter, windows.pixels, [found.boxes for found in detections]
        )
        masks = []
        for found, answer in zip(detections, answers, strict=True):
            kept = answer.binary.flatten(1).any(dim=1)
            masks.append(
                ConceptMasks.pack(
                    answer.binary[kept],
                    classes[found.phrases][kept],
                    found.scores[kept],
                    found.boxes[kept],
                )
            )
        return masks
