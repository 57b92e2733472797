"""A mask decoder of one's own: decoder tuning."""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.own_decoding import decode_with
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["DecoderAdapter"]


class DecoderAdapter(Adapter):
    """SAM's decoder, copied and trained; encoder and prompt encoder stay SAM's.

    CoSAM's "decoder tuning" (arXiv 2412.06418). The single mask is drawn alone, so that what draws
    the three masks and predicts their IoU is copied and never learns.

    Args:
        sam: which it is made for; the copy begins as its decoder.
    """

    def __init__(self, sam: FrozenSam) -> None:
        super().__init__()
        sam.read_postponed()
        self.decoder = deepcopy(sam.sam.mask_decoder).requires_grad_(True)
        self.decoder.iou_prediction_head.requires_grad_(False)
        self.decoder.output_hypernetworks_mlps[1:].requires_grad_(False)

    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image, see :class:`Adapter`."""
        return decode_with(self.decoder, sam, features, prompts)
