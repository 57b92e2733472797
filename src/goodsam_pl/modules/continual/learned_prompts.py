"""L2P as a method (Wang et al., "Learning to Prompt for Continual Learning", CVPR 2022)."""

from __future__ import annotations

from typing import cast

from torch import Generator, Tensor

from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.fine_tuning import FineTuning
from goodsam_pl.modules.continual.method import MaskPoints
from goodsam_pl.modules.continual.prompt_pool_adapter import PromptPoolAdapter
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["LearnedPrompts"]


class LearnedPrompts(FineTuning):
    r"""One pool of prompts for all domains, and keys that come near to the images that chose them.

    .. math:: L = L_{BCE} + L_{dice} + \lambda L_{keys}

    See :class:`goodsam_pl.modules.continual.prompt_pool_adapter.PromptPoolAdapter`.

    Args:
        sam: frozen.
        points: where masks are compared.
        seed: of the pool's random weights.
        size: prompts in the pool.
        length: tokens of a prompt.
        chosen: prompts of an image.
        key_weight: λ; 0.5 is the paper's.
    """

    def __init__(
        self,
        sam: FrozenSam,
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
        size: int = 40,
        length: int = 5,
        chosen: int = 5,
        key_weight: float = 0.5,
    ) -> None:
        arguments = {"size": size, "length": length, "chosen": chosen}
        super().__init__(sam, AdapterRecipe("prompt_pool", arguments), points, seed)
        self.weights["keys"] = key_weight

    def loss_terms(self, batch: PromptedBatch, generator: Generator) -> dict[str, Tensor]:
        """Those of the true masks, and that of the keys."""
        batch = batch.known_by(self.sam)
        terms = super().loss_terms(batch, generator)
        pool = cast("PromptPoolAdapter", self.adapter)
        terms["keys"] = pool.key_distance(batch.frozen_features(self.sam))
        return terms
