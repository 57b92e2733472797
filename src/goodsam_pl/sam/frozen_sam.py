"""A SAM that others learn on top of and that never changes itself."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, cast

import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.networks import FrozenNetwork, weights_hash
from goodsam_pl.sam.image_encoder import BlockRun, encode_through, run_block, transformer_of
from goodsam_pl.sam.image_prompts import ImagePrompts
from goodsam_pl.sam.sam_checkpoint import SamCheckpoint

__all__ = ["FrozenSam", "SamFeatures", "SamShape"]


class SamFeatures(NamedTuple):
    """What SAM's encoder says of B images, and all that is ever asked of it.

    Attributes:
        embedding: ``(B, C, h, w)`` float, details behind it if the SAM has any.
        early: ``(B, D, h, w)`` float, tokens after the first block that attends to the whole image.
        means: ``(B, L, D)`` float, mean over all tokens after each of L blocks.
    """

    embedding: Tensor
    early: Tensor
    means: Tensor

    def take(self, images: Tensor) -> SamFeatures:
        """Those of some images, int64 ``(b,)``."""
        return SamFeatures(*(each[images] for each in self))


class SamShape(NamedTuple):
    """Sizes that what is learned on top of a SAM depends on.

    Attributes:
        side: of the square input, pixels.
        grid: h = w, of the embedding.
        embedding: C, of the embedding and the decoder.
        tokens: D, of the encoder's tokens.
        blocks: L, of the encoder.
        features: c, that masks are drawn from.
    """

    side: int
    grid: int
    embedding: int
    tokens: int
    blocks: int
    features: int


class FrozenSam(FrozenNetwork):
    """A SAM of ``segment_anything``'s classes, out of state dicts and optimisers.

    Args:
        sam: frozen from now on, in place.
        name: what people call it; in messages, and in files of what was learned on top of it.

    Raises:
        ValueError: none of its blocks attends to the whole image.
    """

    def __init__(self, sam: Sam, name: str) -> None:
        super().__init__(sam)
        self.name = name
        blocks = transformer_of(sam.image_encoder).blocks
        whole = [index for index, block in enumerate(blocks) if block.window_size == 0]
        if not whole:
            raise ValueError(f"{name} has no block that attends to the whole image: take another")
        self.early_block: int = whole[0]
        """Counted from 0: 2 in ViT-B, whose blocks 2, 5, 8 and 11 have no windows; HQ-SAM's."""

    @classmethod
    def of(cls, model: str = "vit_nano", checkpoint: str | None = None) -> FrozenSam:
        """A SAM by name, see :class:`goodsam_pl.sam.SegmentAnything`.

        Raises:
            FileNotFoundError: its weights are not there; the message has the way to get them.
            ValueError: they are of another network.
        """
        return cls(SamCheckpoint(model, checkpoint).load(), model)

    @property
    def sam(self) -> Sam:
        """The model."""
        return cast("Sam", self.network)

    @cached_property
    def fingerprint(self) -> str:
        """Of its weights, 64 hexadecimal digits."""
        self.read_postponed()
        return weights_hash(self.sam)

    def refuse_another(self, name: str, fingerprint: str, holder: str) -> None:
        """Refuse what was learned on top of another SAM.

        Args:
            name: of the SAM that it was learned on.
            fingerprint: of the same.
            holder: what holds it, for the message.

        Raises:
            ValueError: that is not this one.
        """
        if fingerprint != self.fingerprint:
            raise ValueError(
                f"{holder} is of the SAM {name!r} ({fingerprint[:8]}), this one is {self.name!r} "
                f"({self.fingerprint[:8]}): give the weights that it was trained on"
            )

    @property
    def shape(self) -> SamShape:
        """Its sizes."""
        vit = transformer_of(self.sam.image_encoder)
        decoder = self.sam.mask_decoder
        return SamShape(
            side=self.sam.image_encoder.img_size,
            grid=self.sam.prompt_encoder.image_embedding_size[0],
            embedding=decoder.transformer_dim,
            tokens=vit.neck[0].in_channels,
            blocks=len(vit.blocks),
            features=decoder.output_hypernetworks_mlps[0].layers[-1].out_features,
        )

    def places(self) -> Tensor:
        """``(1, C, h, w)`` float: the encoding of places that the decoder takes."""
        places: Tensor = self.sam.prompt_encoder.get_dense_pe()
        return places

    @torch.no_grad()
    def encode(self, images: Tensor) -> SamFeatures:
        """Encode images, windows on where SAM has them.

        The embedding is to the bit that of :func:`goodsam_pl.sam.image_encoder.encode_images`.

        Args:
            images: ``(B, 3, s, s)`` float, ImageNet-normalised, of the encoder's side.
        """
        self.read_postponed()
        return self.encode_by(images, lambda _, block, tokens: run_block(block, tokens))

    def encode_by(self, images: Tensor, run: BlockRun) -> SamFeatures:
        """As ``encode``, with another way to run blocks, and with gradients where they are on.

        Raises:
            ValueError: images are not of the encoder's side.
        """
        side = self.shape.side
        if tuple(images.shape[1:]) != (3, side, side):
            raise ValueError(
                f"images are {tuple(images.shape)}: {self.name} takes (B, 3, {side}, {side})"
            )
        early: list[Tensor] = []
        means: list[Tensor] = []

        def listen(index: int, block: Any, tokens: Tensor) -> Tensor:
            after = run(index, block, tokens)
            if index == self.early_block:
                early.append(after.permute(0, 3, 1, 2))
            means.append(after.mean(dim=(1, 2)))
            return after

        embedding = encode_through(self.sam.image_encoder, images, listen)
        return SamFeatures(embedding, early[0], torch.stack(means, dim=1))

    @torch.no_grad()
    def decode(self, features: SamFeatures, prompts: ImagePrompts) -> Tensor:
        """SAM's own single mask of each image, by its own decoder, one image at a time.

        So it does not depend on what else is in the batch, to the bit.

        Args:
            features: of B images.
            prompts: of the same images.

        Returns:
            Logits ``(B, 1, 4h, 4w)`` float.
        """
        self.read_postponed()
        logits = []
        for index in range(len(prompts)):
            alone = torch.tensor([index], device=features.embedding.device)
            sparse, dense = prompts.take(alone).embed(self.sam.prompt_encoder)
            masks, _ = self.sam.mask_decoder(
                image_embeddings=features.embedding[alone],
                image_pe=self.places(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=False,
            )
            logits.append(masks)
        return torch.cat(logits)
