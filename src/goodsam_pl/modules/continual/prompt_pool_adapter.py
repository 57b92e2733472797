"""L2P's pool of prompts (Wang et al., "Learning to Prompt for Continual Learning", CVPR 2022)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.own_decoding import decode_with
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures
from goodsam_pl.sam.image_prompts import ImagePrompts

__all__ = ["PromptPoolAdapter"]


class PromptPoolAdapter(Adapter):
    r"""Each image chooses prompts by their keys; they stand behind the user's own.

    .. math:: q = \operatorname{mean}_{hw} E, \quad
        \gamma(q, k) = \frac{q \cdot k}{\lVert q \rVert \lVert k \rVert}

    The prompts of the n keys that are most alike to q go into SAM's decoder as sparse prompts. The
    numbers are those of CoSAM's L2P: a pool of 40, five tokens each, five chosen. The mask does not
    begin as SAM's, for 25 random tokens stand beside the prompt.

    Args:
        sam: which it is made for.
        size: prompts in the pool.
        length: tokens of a prompt.
        chosen: n, of an image.

    Raises:
        ValueError: more are chosen than there are.
    """

    def __init__(self, sam: FrozenSam, size: int = 40, length: int = 5, chosen: int = 5) -> None:
        super().__init__()
        if not 0 < chosen <= size:
            raise ValueError(f"{chosen} prompts of a pool of {size} are chosen: choose fewer")
        channels = sam.shape.embedding
        self.chosen = chosen
        self.prompts = nn.Parameter(torch.empty(size, length, channels).uniform_(-1, 1))
        self.keys = nn.Parameter(torch.empty(size, channels).uniform_(-1, 1))

    def forward(self, sam: FrozenSam, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """Draw a mask for each image, see :class:`Adapter`."""
        nearest = self.likeness(features).topk(self.chosen, dim=1).indices
        further = self.prompts[nearest].flatten(1, 2)
        return decode_with(sam.sam.mask_decoder, sam, features, prompts, further)

    def likeness(self, features: SamFeatures) -> Tensor:
        """γ of each image and key, ``(B, size)`` in [-1, 1]."""
        channels = self.keys.shape[1]
        query = features.embedding[:, :channels].mean(dim=(2, 3))
        return F.normalize(query, dim=1) @ F.normalize(self.keys, dim=1).T

    def key_distance(self, features: SamFeatures) -> Tensor:
        r"""How far chosen keys are from their images, a scalar in [0, 2].

        .. math:: \frac{1}{B n} \sum_b \sum_{j \in \mathrm{top}_n} \left(1 - \gamma(q_b, k_j)\right)

        L2P subtracts the sum of γ; the mean of 1 - γ has the same direction of descent, whatever n.
        """
        return (1 - self.likeness(features).topk(self.chosen, dim=1).values).mean()
