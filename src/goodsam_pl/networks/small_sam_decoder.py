"""The small SAM's mask decoder: SAM's, with details added while it enlarges image tokens."""

from __future__ import annotations

import torch
from segment_anything.modeling import MaskDecoder
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn

from goodsam_pl.networks.small_sam_encoder import Details, split_embedding

__all__ = ["SmallDecoder"]


class SmallDecoder(MaskDecoder):  # type: ignore[misc]  # segment_anything has no types
    """SAM's decoder for embeddings as :class:`SmallEncoder` packs them.

    ``MaskDecoder`` draws masks from an eighth of its channels, which is 32 in the large models and
    too few here to separate one of thirty objects from all others: here it is 32 as well.

    Args:
        transformer: SAM's.
        embedding: channels C of the embedding.
        features: channels that masks are drawn from.
    """

    def __init__(self, transformer: nn.Module, embedding: int, features: int) -> None:
        super().__init__(
            transformer_dim=embedding, transformer=transformer, iou_head_hidden_dim=embedding
        )
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(embedding, features, kernel_size=2, stride=2),
            LayerNorm2d(features),
            nn.ReLU(),
            nn.ConvTranspose2d(features, features, kernel_size=2, stride=2),
            nn.ReLU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(embedding, embedding, features, 3) for _ in range(self.num_mask_tokens)
        )

    def predict_masks(
        self,
        image_embeddings: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor,
        dense_prompt_embeddings: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """SAM's, for B prompts on one image; ``MaskDecoder`` calls it.

        Returns:
            Logits ``(B, 4, 4h, 4w)`` and predicted IoU ``(B, 4)``.
        """
        embedding, details = split_embedding(image_embeddings, self.transformer_dim)
        prompts = len(sparse_prompt_embeddings)
        learned = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([learned.expand(prompts, -1, -1), sparse_prompt_embeddings], dim=1)
        seen = embedding.expand(prompts, -1, -1, -1) + dense_prompt_embeddings
        tokens, places = self.transformer(seen, image_pe.expand(prompts, -1, -1, -1), tokens)
        features = self.enlarge(places.transpose(1, 2).unflatten(2, seen.shape[2:]), details)
        mask_tokens = tokens[:, 1 : 1 + self.num_mask_tokens].unbind(dim=1)
        heads = zip(self.output_hypernetworks_mlps, mask_tokens, strict=True)
        weights = torch.stack([head(token) for head, token in heads], dim=1)
        masks = torch.einsum("bmc,bchw->bmhw", weights, features)
        return masks, self.iou_prediction_head(tokens[:, 0])

    def enlarge(self, places: Tensor, details: Details | None) -> Tensor:
        """Features ``(B, c, 4h, 4w)`` from image tokens ``(B, C, h, w)``.

        Args:
            places: image tokens.
            details: of one image for all B, or of B images.
        """
        first, norm, activation, second, last = self.output_upscaling
        if details is None:
            enlarged: Tensor = self.output_upscaling(places)
            return enlarged
        grid = places.shape[2:]
        halved = activation(norm(first(places) + _unpack(details.quarters, grid)))
        features: Tensor = last(second(halved) + _unpack(details.sixteenths, grid))
        return features


def _unpack(blocks: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Blocks ``(N, h·w, 4, …, c)`` in their places, ``(N, c, 2h, 2w)`` or ``(N, c, 4h, 4w)``."""
    height, width = grid
    count, channels = len(blocks), blocks.shape[-1]
    placed = blocks.reshape(count, height, width, -1, 2, 2, channels)  # the inner quarters last
    if placed.shape[3] == 1:
        laid = placed.squeeze(3).permute(0, 5, 1, 3, 2, 4)
        return laid.reshape(count, channels, 2 * height, 2 * width)
    laid = placed.reshape(count, height, width, 2, 2, 2, 2, channels)
    laid = laid.permute(0, 7, 1, 3, 5, 2, 4, 6)
    return laid.reshape(count, channels, 4 * height, 4 * width)
